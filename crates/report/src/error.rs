//! Why a figure could not be drawn.

use causal_trace_core::{Component, Metric};

/// Why a figure could not be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FigureError {
    /// There is nothing to draw.
    #[error("the heat map has no {what}: it needs at least one")]
    Empty {
        /// "tokens" or "layers".
        what: &'static str,
    },
    /// The values do not fill the grid.
    #[error("the heat map has {found} values, but {tokens} tokens and {layers} layers need {expected}")]
    ValueCount {
        /// Number of token labels.
        tokens: usize,
        /// Number of layers.
        layers: usize,
        /// Tokens times layers.
        expected: usize,
        /// Number of values given.
        found: usize,
    },
    /// The subject is not a part of the prompt.
    #[error("the heat map's subject is tokens {start}..{end}, but the prompt has {tokens} tokens")]
    Subject {
        /// First token of the subject.
        start: usize,
        /// One past the subject's last token.
        end: usize,
        /// Number of token labels.
        tokens: usize,
    },
    /// A value is infinite or not a number.
    #[error("the heat map's value at token {token}, layer {layer} is {value}: every value must be finite")]
    NotFinite {
        /// The value's row.
        token: usize,
        /// The value's column.
        layer: usize,
        /// The value.
        value: f32,
    },
    /// The clean or the corrupted probability is infinite or not a number.
    #[error("the heat map's {run} probability is {value}: it must be finite")]
    Baseline {
        /// "clean" or "corrupted".
        run: &'static str,
        /// The value.
        value: f32,
    },
    /// A figure without content.
    #[error("the figure has no panels: it needs at least one")]
    NoPanels,
    /// A gallery without figures.
    #[error("there is no figure for the gallery: it needs at least one prompt that was traced")]
    NoFigures,
    /// Two things cannot be compared.
    #[error("{first} and {second} cannot stand side by side: they differ in their {what}")]
    Differ {
        /// "direction", "metric" or "prompt".
        what: &'static str,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// A part of a figure cannot be drawn.
    #[error("panel {panel} of the figure {problem}")]
    Panel {
        /// Its title, or its number from 1.
        panel: String,
        /// What is wrong with it.
        problem: PanelProblem,
    },
    /// The fact was left out of the sweep.
    #[error("fact {id} was not traced ({reason}): choose one that was")]
    NotTraced {
        /// The fact's number.
        id: i64,
        /// Why it was skipped.
        reason: &'static str,
    },
    /// The subject's tokens are not known.
    #[error("fact {id} has no known subject, or one beyond its tokens")]
    NoSubject {
        /// The fact's number.
        id: i64,
    },
    /// No component was traced, or none by both of two sides.
    #[error("there is no component to draw: {what}")]
    NoComponents {
        /// What was looked at.
        what: String,
    },
    /// A component was not traced.
    #[error("fact {id} was not traced for {component}: sweep with that component")]
    NoComponent {
        /// The fact's number.
        id: i64,
        /// The component.
        component: Component,
    },
    /// A metric was not measured.
    #[error("fact {id} has no {metric}: sweep with that metric")]
    NoMetric {
        /// The fact's number.
        id: i64,
        /// The metric.
        metric: Metric,
    },
    /// The noise draws are not known, or too few to compare.
    #[error(
        "fact {id} has {patched} patched and {corrupted} corrupted samples of {component}: \
         it takes at least two, and as many of each"
    )]
    Samples {
        /// The fact's number.
        id: i64,
        /// The component.
        component: Component,
        /// Samples for each site.
        patched: usize,
        /// Samples of the corrupted run.
        corrupted: usize,
    },
    /// There is nothing to average.
    #[error("the summary of {model} holds no prompts ({selection}): choose others")]
    NoPrompts {
        /// The model's name.
        model: String,
        /// Which prompts were selected.
        selection: String,
    },
    /// A table of a summary has the wrong size.
    #[error("the summary's {table} of {component} is not a table of 6 roles and {layers} layers")]
    RoleTable {
        /// The table.
        table: &'static str,
        /// The component.
        component: Component,
        /// Number of layers.
        layers: usize,
    },
    /// The picture would be empty, or larger than can be drawn.
    #[error(
        "at {dpi} dpi the picture would be {width} by {height} pixels: \
         choose a resolution that makes each side 1 to {max} pixels long"
    )]
    Resolution {
        /// The resolution asked for.
        dpi: f32,
        /// Width in pixels.
        width: f32,
        /// Height in pixels.
        height: f32,
        /// The longest side that is drawn.
        max: u32,
    },
    /// A library refused the drawing: a fault of this program, not of the data.
    #[error("the {format} could not be drawn: {reason} (please report this)")]
    Draw {
        /// "PDF", "PNG" or "font".
        format: &'static str,
        /// What the library said.
        reason: String,
    },
}

/// What is wrong with a panel of a figure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PanelProblem {
    /// There is nothing to draw.
    #[error("has no {what}: it needs at least one")]
    Empty {
        /// "rows", "lines", "layers", and so on.
        what: &'static str,
    },
    /// Rows, layers and values do not fit together.
    #[error("has {found} {what}, but its rows and layers need {expected}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The subject is not a part of the prompt.
    #[error("has the tokens {start}..{end} as its subject, but the prompt has {tokens} tokens")]
    Subject {
        /// First token of the subject.
        start: usize,
        /// One past the subject's last token.
        end: usize,
        /// Number of tokens.
        tokens: usize,
    },
    /// The ends of a scale are not numbers in order.
    #[error("has a scale from {low} to {high}: both must be finite, and they must differ on an axis")]
    Limits {
        /// The lower or the palest end.
        low: f64,
        /// The upper or the darkest end.
        high: f64,
    },
    /// Bars begin at 0, which lies beyond the axis.
    #[error("has bars on an axis from {low} to {high}: it must hold 0")]
    NoZero {
        /// The axis' lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// A number that a curve cannot have.
    #[error("has {value} as {what}: it must be finite")]
    Number {
        /// The number.
        value: f64,
        /// What it is.
        what: String,
    },
    /// A number that a logarithmic axis does not have.
    #[error("has a point at {value} of a logarithmic axis: numbers there must be positive")]
    NotPositive {
        /// The number.
        value: f64,
    },
    /// A value is missing where none may be.
    #[error("has no value in row {row}, layer {layer}: every value must be a finite number")]
    NotANumber {
        /// Counts from 0.
        row: usize,
        /// Counts from 0.
        layer: usize,
    },
    /// A value is infinite.
    #[error(
        "has the value {value} in row {row}, layer {layer}: values must be finite, or NaN where there is none"
    )]
    Infinite {
        /// Counts from 0.
        row: usize,
        /// Counts from 0.
        layer: usize,
        /// The value.
        value: f64,
    },
}

impl FigureError {
    /// A [`FigureError::Draw`] of what a library returned.
    pub(crate) fn draw(format: &'static str, reason: impl ToString) -> Self {
        FigureError::Draw { format, reason: reason.to_string() }
    }
}
