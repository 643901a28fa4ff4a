//! A figure made of panels: plain data, drawn without a model.

use std::ops::Range;

mod bars;
mod curves;

pub use bars::{BarFill, BarSeries, Bars, Groups};
pub use curves::{CurvePoint, CurveSeries, Curves, NumberAxis, Reference};

use crate::color_scale::ColorScale;
use crate::provenance::Provenance;
use crate::{FigureError, PanelProblem};

/// One or more panels under a title, with small print that says what made them.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The title.
    pub title: String,
    /// Set below the title in smaller type, in one line; may be empty.
    pub subtitle: String,
    /// How wide it is printed.
    pub width: Width,
    /// How many panels stand side by side; at least 1.
    pub columns: usize,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Small print: what one must know to read the numbers, a paragraph each.
    pub small_print: Vec<String>,
    /// What made the numbers: ends the small print, and stands in the files' metadata.
    pub provenance: Vec<Provenance>,
}

/// What of a figure is drawn around its panels; what is left out still stands in the files' metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The title and the subtitle.
    pub title: bool,
    /// The small print.
    pub caption: bool,
}

impl Parts {
    /// Everything.
    pub const ALL: Parts = Parts { title: true, caption: true };
}

/// How wide a figure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// One column of a paper: 84 mm.
    Column,
    /// Both columns: 174 mm.
    Page,
}

/// A part of a figure with axes of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Stands above the panel; may be empty.
    pub title: String,
    /// What it shows.
    pub content: Content,
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Coloured cells.
    Map(Map),
    /// Lines over the layers.
    Lines(Lines),
    /// Curves over numbers.
    Curves(Curves),
    /// Bars in groups.
    Bars(Bars),
}

/// Coloured cells: rows down, layers across, a colour bar at the right.
///
/// Neighbours with the same rows share the row labels, and those with the same scale share the colour bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// The rows' labels.
    pub rows: Rows,
    /// Number of layers.
    pub n_layers: usize,
    /// The cells' values, row by row; `NaN` where there is none, which is hatched.
    ///
    /// # Shapes
    /// `[rows, n_layers]`
    pub values: Vec<f64>,
    /// The cells' colours.
    pub scale: ColorScale,
    /// What the colours show, with its unit, for the colour bar.
    pub measure: String,
    /// The layer axis' label.
    pub layer_axis: String,
    /// The values are counts: the colour bar has whole numbers, and so have the cells where all fit.
    pub counts: bool,
    /// What it means that a cell has no value, for the small print; without it every cell must have one.
    pub no_value: Option<String>,
}

/// The rows of a map.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// A prompt's tokens.
    Tokens {
        /// As decoded, spaces included.
        tokens: Vec<String>,
        /// The subject's tokens, which are starred.
        subject: Range<usize>,
    },
    /// Anything with a name.
    Named(Vec<String>),
}

impl Rows {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Rows::Tokens { tokens, .. } => tokens.len(),
            Rows::Named(names) => names.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Lines over the layers, with bands of uncertainty.
///
/// Neighbours with the same limits share the vertical axis' labels. All panels of a figure share one legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// Number of layers.
    pub n_layers: usize,
    /// The lines, later ones above earlier ones.
    pub series: Vec<Series>,
    /// The vertical axis' lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// What the vertical axis shows, with its unit.
    pub measure: String,
    /// The layer axis' label.
    pub layer_axis: String,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend; none for a line that is one of many. Lines of the same name look the same.
    pub name: Option<String>,
    /// One value for each layer; `NaN` where there is none.
    pub values: Vec<f64>,
    /// The lower and the upper end of a band around the line, for each layer.
    pub band: Option<[Vec<f64>; 2]>,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// In one of six colours and dash patterns, which repeat.
    Distinct(usize),
    /// Thin and pale.
    Faint,
}

impl Figure {
    /// The panels that stand side by side.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[Panel]> {
        self.panels.chunks(self.columns.max(1))
    }

    /// Whether the parts fit together; every drawing function asks first.
    ///
    /// # Errors
    /// No panels; a panel without rows, lines, bars or layers, with a number of values other than these need, with a
    /// value that is infinite, or with limits that are not numbers in order.
    pub fn check(&self) -> Result<(), FigureError> {
        if self.panels.is_empty() {
            return Err(FigureError::NoPanels);
        }
        self.panels.iter().enumerate().try_for_each(|(index, panel)| {
            let checked = match &panel.content {
                Content::Map(map) => map.check(),
                Content::Lines(lines) => lines.check(),
                Content::Curves(curves) => curves.check(),
                Content::Bars(bars) => bars.check(),
            };
            let name =
                if panel.title.is_empty() { (index + 1).to_string() } else { format!("'{}'", panel.title) };
            checked.map_err(|problem| FigureError::Panel { panel: name, problem })
        })
    }
}

impl Map {
    fn check(&self) -> Result<(), PanelProblem> {
        let (rows, layers) = (self.rows.len(), self.n_layers);
        not_empty("rows", rows)?;
        not_empty("layers", layers)?;
        count("values", rows.saturating_mul(layers), self.values.len())?;
        if let Rows::Tokens { subject: Range { start, end }, .. } = self.rows
            && (start > end || end > rows)
        {
            return Err(PanelProblem::Subject { start, end, tokens: rows });
        }
        let ColorScale { pale, dark, .. } = self.scale;
        if !pale.is_finite() || !dark.is_finite() {
            return Err(PanelProblem::Limits { low: pale, high: dark });
        }
        if let (None, Some(at)) = (&self.no_value, self.values.iter().position(|value| value.is_nan())) {
            return Err(PanelProblem::NotANumber { row: at / layers, layer: at % layers });
        }
        not_infinite(&self.values, layers)
    }
}

impl Lines {
    fn check(&self) -> Result<(), PanelProblem> {
        not_empty("lines", self.series.len())?;
        not_empty("layers", self.n_layers)?;
        check_limits(self.low, self.high)?;
        for series in &self.series {
            for values in std::iter::once(&series.values).chain(series.band.iter().flatten()) {
                count("values", self.n_layers, values.len())?;
                not_infinite(values, self.n_layers)?;
            }
        }
        Ok(())
    }
}

fn check_limits(low: f64, high: f64) -> Result<(), PanelProblem> {
    if low.is_finite() && high.is_finite() && low < high {
        Ok(())
    } else {
        Err(PanelProblem::Limits { low, high })
    }
}

fn not_empty(what: &'static str, number: usize) -> Result<(), PanelProblem> {
    if number == 0 { Err(PanelProblem::Empty { what }) } else { Ok(()) }
}

fn count(what: &'static str, expected: usize, found: usize) -> Result<(), PanelProblem> {
    if expected == found { Ok(()) } else { Err(PanelProblem::Count { what, expected, found }) }
}

fn not_infinite(values: &[f64], layers: usize) -> Result<(), PanelProblem> {
    match values.iter().position(|value| value.is_infinite()) {
        None => Ok(()),
        Some(at) => Err(PanelProblem::Infinite { row: at / layers, layer: at % layers, value: values[at] }),
    }
}
