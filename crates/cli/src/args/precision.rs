//! `--precision` as it is typed.

use std::fmt;
use std::str::FromStr;

use causal_trace_core::Precision;

/// A precision by its name, or whichever is fastest and accurate enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrecisionChoice {
    Named(Precision),
    /// See [`crate::auto_precision`].
    Auto,
}

impl PrecisionChoice {
    /// What a model is opened with: `auto` begins with float32, which the others are compared with.
    pub(crate) fn at_first(self) -> Precision {
        match self {
            PrecisionChoice::Named(precision) => precision,
            PrecisionChoice::Auto => Precision::F32,
        }
    }
}

impl Default for PrecisionChoice {
    fn default() -> Self {
        PrecisionChoice::Named(Precision::F32)
    }
}

impl fmt::Display for PrecisionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrecisionChoice::Named(precision) => precision.fmt(f),
            PrecisionChoice::Auto => f.write_str("auto"),
        }
    }
}

impl FromStr for PrecisionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(PrecisionChoice::Auto);
        }
        text.parse().map(PrecisionChoice::Named).map_err(|error| format!("{error}, auto"))
    }
}
