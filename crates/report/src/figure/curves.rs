//! Curves over a numeric axis.

use super::{Stroke, check_limits, not_empty};
use crate::PanelProblem;

/// Curves, or single points, over a number such as the size of the noise.
///
/// Neighbours with the same limits share the vertical axis' labels. All panels of a figure share one legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// The curves, later ones above earlier ones.
    pub series: Vec<CurveSeries>,
    /// The horizontal axis.
    pub axis: NumberAxis,
    /// The vertical axis' lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// What the vertical axis shows, with its unit.
    pub measure: String,
    /// Dashed lines across the panel.
    pub references: Vec<Reference>,
}

/// A horizontal axis of numbers; it is as long as the points need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberAxis {
    /// What it shows, with its unit.
    pub label: String,
    /// Equal distances are equal ratios; all numbers must be positive.
    pub is_logarithmic: bool,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveSeries {
    /// Its name in the legend; none for one of many. Curves of the same name look the same.
    pub name: Option<String>,
    /// Its points, in the order in which they are joined.
    pub points: Vec<CurvePoint>,
    /// How it is drawn.
    pub stroke: Stroke,
    /// A line joins the points, and their intervals are a band; else the intervals are whiskers.
    pub is_joined: bool,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Where it lies on the horizontal axis.
    pub x: f64,
    /// Its value; `NaN` where there is none, which breaks the curve.
    pub y: f64,
    /// The lower and the upper end of the value's interval; `NaN` as for the value.
    pub interval: Option<[f64; 2]>,
}

/// A value that the others are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The value.
    pub value: f64,
    /// Written at the line's right end; may be empty.
    pub label: String,
}

impl Curves {
    pub(super) fn check(&self) -> Result<(), PanelProblem> {
        not_empty("curves", self.series.len())?;
        check_limits(self.low, self.high)?;
        for series in &self.series {
            not_empty("points in a curve", series.points.len())?;
            series.points.iter().try_for_each(|point| self.check_point(point))?;
        }
        match self.references.iter().find(|reference| !reference.value.is_finite()) {
            Some(Reference { value, label }) => {
                Err(PanelProblem::Number { value: *value, what: format!("the reference '{label}'") })
            }
            None => Ok(()),
        }
    }

    fn check_point(&self, point: &CurvePoint) -> Result<(), PanelProblem> {
        let CurvePoint { x, y, interval } = *point;
        if !x.is_finite() {
            return Err(PanelProblem::Number { value: x, what: format!("a point's '{}'", self.axis.label) });
        }
        if self.axis.is_logarithmic && x <= 0.0 {
            return Err(PanelProblem::NotPositive { value: x });
        }
        match [y].into_iter().chain(interval.into_iter().flatten()).find(|value| value.is_infinite()) {
            Some(value) => Err(PanelProblem::Number { value, what: format!("the value at {x}") }),
            None => Ok(()),
        }
    }

    /// The smallest and the largest number on the horizontal axis.
    pub(crate) fn ends(&self) -> (f64, f64) {
        let all = self.series.iter().flat_map(|series| &series.points).map(|point| point.x);
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    }
}
