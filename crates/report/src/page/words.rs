//! What the page calls things.

use causal_trace_core::{Component, Metric};
use causal_trace_results::SkipReason;

use crate::words;

/// A component and how much of it is patched at once.
pub(super) fn component_label(component: Component, window: usize) -> String {
    let name = words::component(component);
    if window == 1 { name.to_owned() } else { format!("{name}, window of {window} layers") }
}

/// A metric and its unit, which a probability does not have.
pub(super) fn metric_label(metric: Metric) -> (&'static str, &'static str) {
    let (name, _) = words::name_and_unit(metric);
    let unit = match metric {
        Metric::Probability => "",
        Metric::LogProbability | Metric::KlDivergence => "nats",
        Metric::Logit | Metric::LogitDifference => "logits",
        Metric::Rank => "places",
    };
    (name, unit)
}

/// Why a fact was left out.
pub(super) fn skip_reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::WrongPrediction => "the model predicts something else",
        SkipReason::SubjectNotFound => "the subject is not in the prompt",
        SkipReason::TooLong => "the prompt is too long for the model",
        SkipReason::SeveralTokens => "the answer is several tokens",
        SkipReason::NotTokenized => "the text cannot be tokenized",
        SkipReason::NotFinite => "a number that is not finite came out",
        SkipReason::NotAligned => {
            "the corrupted run's prompt has other numbers of tokens, or the same tokens"
        }
        SkipReason::NoCounterpart => "there is no prompt for the corrupted run",
        SkipReason::NothingToShuffle => "the subject's embeddings have no other order",
    }
}
