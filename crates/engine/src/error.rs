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
    /// The corruption takes its states from another prompt, and the case has none.
    #[error("there is no counterpart prompt: give one of as many tokens as the prompt has")]
    NoCounterpart,
    /// The two prompts of a pair do not have the same number of tokens, or do not differ.
    #[error("{}", not_aligned(prompt, counterpart))]
    NotAligned {
        /// The prompt's tokens.
        prompt: Vec<String>,
        /// The counterpart's.
        counterpart: Vec<String>,
    },
    /// The subject's embeddings have no other order.
    #[error("there is nothing to shuffle: the subject is {}", shuffled(*tokens))]
    NothingToShuffle {
        /// Number of the subject's tokens.
        tokens: usize,
    },
    /// The moments that a corruption follows are not known.
    #[error(
        "the text whose embeddings the corruption follows has fewer than two tokens, or tokens that the model does \
         not know"
    )]
    NoPopulation,
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
    /// Whoever was told of the progress asked for an end.
    #[error("the trace was cancelled")]
    Cancelled,
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

fn not_aligned(prompt: &[String], counterpart: &[String]) -> String {
    let listed = |tokens: &[String]| {
        let tokens: Vec<String> = tokens.iter().map(|token| format!("'{token}'")).collect();
        tokens.join(" ")
    };
    let problem = if prompt.len() == counterpart.len() {
        "the prompt and its counterpart are the same tokens".to_owned()
    } else {
        let (mine, theirs) = (prompt.len(), counterpart.len());
        format!("the prompt and its counterpart do not align: {mine} and {theirs} tokens")
    };
    format!("{problem}: {} against {}", listed(prompt), listed(counterpart))
}

fn shuffled(tokens: usize) -> String {
    if tokens == 1 { "one token".to_owned() } else { format!("one token {tokens} times") }
}
