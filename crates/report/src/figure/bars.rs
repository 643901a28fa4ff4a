//! Bars in groups.

use causal_trace_core::Component;

use super::{check_limits, count, not_empty, not_infinite};
use crate::PanelProblem;

/// Bars from 0 to their values, in groups, with whiskers of uncertainty.
///
/// Neighbours with the same limits share the vertical axis' labels. All panels of a figure share one legend. Values
/// are written over the bars where these are few.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// The groups.
    pub groups: Groups,
    /// The bars; each series has one in every group, side by side in this order.
    pub series: Vec<BarSeries>,
    /// The vertical axis' lower end, at most 0.
    pub low: f64,
    /// Its upper end, at least 0.
    pub high: f64,
    /// What the vertical axis shows, with its unit.
    pub measure: String,
    /// The horizontal axis' label; may be empty.
    pub axis: String,
}

/// The groups along the horizontal axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Groups {
    /// Anything with a name.
    Named(Vec<String>),
    /// A model's layers: so many.
    Layers(usize),
}

impl Groups {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Groups::Named(names) => names.len(),
            Groups::Layers(layers) => *layers,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One bar of every group.
#[derive(Debug, Clone, PartialEq)]
pub struct BarSeries {
    /// Its name in the legend; none where it needs no legend. Bars of the same name look the same.
    pub name: Option<String>,
    /// One value for each group; `NaN` where there is none.
    pub values: Vec<f64>,
    /// The lower and the upper end of a whisker, for each group; `NaN` where there is none.
    pub intervals: Option<[Vec<f64>; 2]>,
    /// What is written over each bar, where there is room; else the values.
    pub labels: Option<Vec<String>>,
    /// How it is filled.
    pub fill: BarFill,
}

/// How bars are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarFill {
    /// In a component's colour.
    Component(Component),
    /// In one of the six colours of lines, which repeat.
    Distinct(usize),
}

impl Bars {
    pub(super) fn check(&self) -> Result<(), PanelProblem> {
        let groups = self.groups.len();
        not_empty("groups of bars", groups)?;
        not_empty("bars", self.series.len())?;
        check_limits(self.low, self.high)?;
        if self.low > 0.0 || self.high < 0.0 {
            return Err(PanelProblem::NoZero { low: self.low, high: self.high });
        }
        for series in &self.series {
            for values in std::iter::once(&series.values).chain(series.intervals.iter().flatten()) {
                count("values", groups, values.len())?;
                not_infinite(values, groups)?;
            }
            series.labels.iter().try_for_each(|labels| count("labels", groups, labels.len()))?;
        }
        Ok(())
    }
}
