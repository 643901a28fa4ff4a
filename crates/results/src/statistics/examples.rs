//! Made-up records for the tests of this module.

use std::ops::Range;

use causal_trace_core::{Component, Direction, Fact, Metric, RoleConvention, Window};

use super::View;
use crate::{
    Counterpart, EffectGrid, FORMAT, FORMAT_VERSION, Manifest, ModelIdentity, Outcome, PromptRecord,
    Settings, Target, TracedPrompt,
};

/// A component's probabilities, denoising.
pub(super) fn view(component: Component) -> View {
    View { component, metric: Metric::Probability, direction: Direction::Denoise, window: Window::SINGLE }
}

/// A record of the residual stream with a subject, clean and corrupted probability, and these effects,
/// `[token][layer]`; PI is twice the IE.
pub(super) fn record(
    known_id: i64,
    subject: Range<usize>,
    (clean, corrupted): (f64, f64),
    effects: &[&[f64]],
) -> PromptRecord {
    let indirect_effect: Vec<f64> = effects.concat();
    let grid = EffectGrid {
        component: Component::Residual,
        metric: Metric::Probability,
        n_layers: effects[0].len(),
        patched: indirect_effect.iter().map(|effect| corrupted + effect).collect(),
        percent_improvement: indirect_effect.iter().map(|effect| 2.0 * effect).collect(),
        indirect_effect,
        samples: Vec::new(),
    };
    PromptRecord {
        fact: Fact {
            known_id,
            subject: "subject".to_owned(),
            attribute: "Paris".to_owned(),
            prompt: "a prompt".to_owned(),
            template: None,
            prediction: None,
            relation_id: None,
            relation: None,
            counterpart: None,
            foil: None,
        },
        ids: (0..effects.len() as u32).collect(),
        tokens: (0..effects.len()).map(|token| format!(" {token}")).collect(),
        subject: Some(subject.into()),
        subject_occurrences: 1,
        counterpart: None,
        outcome: Outcome::Traced(TracedPrompt {
            answer: " Paris".to_owned(),
            answer_id: None,
            correct_prediction: true,
            clean,
            corrupted,
            corrupted_samples: Vec::new(),
            noise_level: None,
            foil: None,
            others: Vec::new(),
            grids: vec![grid],
        }),
    }
}

/// Gives a record a counterpart that differs at these tokens.
pub(super) fn differing_at(mut record: PromptRecord, tokens: &[usize]) -> PromptRecord {
    let mut ids = record.ids.clone();
    for &token in tokens {
        ids[token] += 1000;
    }
    let texts = ids.iter().map(|id| format!(" {id}")).collect();
    record.counterpart = Some(Counterpart { text: "another".to_owned(), ids, tokens: texts });
    record
}

/// A manifest of the residual stream's probabilities, denoising.
pub(super) fn manifest(n_layers: usize) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        program: "causal-trace test".to_owned(),
        model: ModelIdentity::named("made up", n_layers),
        facts: Vec::new(),
        target: Target::Predicted,
        settings: Settings {
            components: vec![Component::Residual],
            window: Window::ROME,
            residual_window: Window::SINGLE,
            metrics: Vec::new(),
            roles: RoleConvention::Rome,
            direction: Direction::Denoise,
            corruption: None,
            counterparts: None,
            noise: None,
            engine: None,
            precision: None,
        },
        parts: Vec::new(),
    }
}
