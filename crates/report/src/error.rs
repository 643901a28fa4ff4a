//! Why a figure could not be drawn.

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

impl FigureError {
    /// A [`FigureError::Draw`] of what a library returned.
    pub(crate) fn draw(format: &'static str, reason: impl ToString) -> Self {
        FigureError::Draw { format, reason: reason.to_string() }
    }
}
