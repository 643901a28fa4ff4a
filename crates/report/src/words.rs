//! What figures call things.

use causal_trace_core::{Component, Direction, Metric};

/// What is done to the model, as in "restoring MLPs".
pub(crate) fn patching(component: Component, direction: Direction) -> String {
    let what = match component {
        Component::Residual => "a state",
        Component::Mlp => "MLPs",
        Component::Attention => "attention",
        Component::ResidPre => "a state before a layer",
        Component::ResidMid => "a state within a layer",
        Component::MlpSevered => "a state with MLPs severed",
        Component::AttentionSevered => "a state with attention severed",
    };
    format!("{} {what}", doing(direction))
}

/// "restoring" or "corrupting".
pub(crate) fn doing(direction: Direction) -> &'static str {
    match direction {
        Direction::Denoise => "restoring",
        Direction::Noise => "corrupting",
    }
}

/// A component as a panel's title.
pub(crate) fn component(component: Component) -> &'static str {
    match component {
        Component::Residual => "residual",
        Component::Mlp => "MLP",
        Component::Attention => "attention",
        Component::ResidPre => "residual before the layer",
        Component::ResidMid => "residual within the layer",
        Component::MlpSevered => "residual, MLP severed",
        Component::AttentionSevered => "residual, attention severed",
    }
}

/// The layer axis' label.
pub(crate) fn layer_axis(window: usize) -> String {
    match window {
        0 | 1 => "layer".to_owned(),
        width => format!("center of interval of {width} layers"),
    }
}

/// What is measured, in a sentence.
pub(crate) fn quantity(metric: Metric) -> &'static str {
    match metric {
        Metric::Probability => "the answer's probability",
        Metric::LogProbability => "the answer's log-probability",
        Metric::Logit => "the answer's logit",
        Metric::LogitDifference => "the logit difference",
        Metric::KlDivergence => "the KL divergence from the clean run",
        Metric::Rank => "the answer's rank",
    }
}

/// What is measured of an answer, with its unit, as in "p(Seattle)".
pub(crate) fn of_answer(metric: Metric, answer: &str) -> String {
    match metric {
        Metric::Probability => format!("p({answer})"),
        Metric::LogProbability => format!("log p({answer}), nats"),
        Metric::Logit => format!("logit({answer})"),
        Metric::LogitDifference => format!("logit difference ({answer})"),
        Metric::KlDivergence => "KL divergence, nats".to_owned(),
        Metric::Rank => format!("rank({answer})"),
    }
}

/// The metric and its unit within brackets, as in "KL divergence, nats".
pub(crate) fn in_brackets(metric: Metric) -> String {
    metric.label().replace(" (", ", ").replace(')', "")
}

/// The metric, and what follows its numbers, as in "KL divergence" and " nats".
pub(crate) fn name_and_unit(metric: Metric) -> (&'static str, String) {
    match metric.label().split_once(" (") {
        Some((name, unit)) => (name, format!(" {}", unit.trim_end_matches(')'))),
        None => (metric.label(), String::new()),
    }
}

/// The end of a title, as in " on the logit difference"; nothing for the probability.
pub(crate) fn on(metric: Metric) -> String {
    if metric == Metric::Probability { String::new() } else { format!(" on {}", quantity(metric)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_named_with_their_units() {
        assert_eq!(in_brackets(Metric::KlDivergence), "KL divergence, nats");
        assert_eq!(in_brackets(Metric::Probability), "probability");
        assert_eq!(name_and_unit(Metric::KlDivergence), ("KL divergence", " nats".to_owned()));
        assert_eq!(name_and_unit(Metric::Logit), ("logit", String::new()));
        assert_eq!(on(Metric::Probability), "");
    }
}
