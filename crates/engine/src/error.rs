//! Why a trace cannot be done.

use causal_trace_core::Site;
use causal_trace_lm::ModelError;

/// Why a trace cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The prompt does not fit the model, or its output is not finite.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The corruption would hit no token.
    #[error("the subject's span {start}..{end} covers no token of the prompt's {seq_len}")]
    EmptySpan {
        /// First token.
        start: usize,
        /// First token after it.
        end: usize,
        /// The prompt's tokens.
        seq_len: usize,
    },
    /// A setting is outside its range.
    #[error("{what} is {value}, but must be {expected}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The noise made the model overflow, or the weights are damaged.
    #[error(
        "the answer's probability is not a finite number with {what}: lower the noise, or check the weights"
    )]
    NotFinite {
        /// Which run.
        what: String,
    },
    /// Too few numbers for a standard deviation.
    #[error("the standard deviation of the subjects' embeddings needs at least one subject with a token")]
    NoSubjects,
    /// A patch did not reach its site: a fault of this program.
    #[error("internal fault: the patch at {site} hit {hits} of {expected} rows; please report it")]
    PatchMissed {
        /// The site.
        site: Site,
        /// Rows that were set.
        hits: usize,
        /// Rows that should have been.
        expected: usize,
    },
    /// A site was not computed: a fault of this program.
    #[error("internal fault: {site} was not measured; please report it")]
    Unmeasured {
        /// The site.
        site: Site,
    },
}
