//! Case files as ROME's `causal_trace.py` leaves them, one for each fact and component.

use causal_trace_core::{Component, Metric};

use super::case_grid::grid_of;
use crate::{
    AnswerDetails, CaseDetails, CaseFile, EffectGrid, Manifest, Outcome, PromptRecord, SkipReason,
    SkippedCase, SkippedDetails, TracedPrompt,
};

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomeFile {
    /// `knowledge_{id}{,_mlp,_attn}.npz`, and other components' names in the same way.
    pub name: String,
    /// Its content; the same record gives the same bytes.
    pub bytes: Vec<u8>,
}

/// The case files of a record: one for each component with its probabilities (ROME has no other metric), with `correct_prediction` False and no numbers where the
/// fact was skipped for a wrong prediction, as ROME does. Facts skipped for other reasons have none in ROME, and
/// none here.
///
/// Beside ROME's keys stand the samples, effects that do not follow from the other keys, and `details`, so that
/// [`import_rome`](super::import_rome) finds the same record again.
///
/// # Errors
/// When a text cannot be encoded.
pub fn rome_cases(record: &PromptRecord, manifest: &Manifest) -> std::io::Result<Vec<RomeFile>> {
    let file = |component: Component, bytes: std::io::Result<Vec<u8>>| {
        Ok(RomeFile { name: file_name(record.fact.known_id, component), bytes: bytes? })
    };
    match &record.outcome {
        Outcome::Traced(traced) => traced
            .grids
            .iter()
            .filter(|grid| grid.metric == Metric::Probability)
            .map(|grid| file(grid.component, case(record, traced, grid, manifest).to_bytes()))
            .collect(),
        Outcome::Skipped(skip) if skip.reason == SkipReason::WrongPrediction => {
            let details = Some(skipped_details(record, &skip.detail, manifest));
            let bytes = SkippedCase { details }.to_bytes()?;
            manifest.settings.components.iter().map(|&component| file(component, Ok(bytes.clone()))).collect()
        }
        Outcome::Skipped(_) => Ok(Vec::new()),
    }
}

/// ROME's name of a case file.
pub(super) fn file_name(known_id: i64, component: Component) -> String {
    format!("knowledge_{known_id}{}.npz", component.file_suffix())
}

fn case(record: &PromptRecord, traced: &TracedPrompt, grid: &EffectGrid, manifest: &Manifest) -> CaseFile {
    let direction = manifest.settings.direction;
    let has_samples = !grid.samples.is_empty() && grid.n_samples() == traced.corrupted_samples.len();
    let as_rome = |&probability: &f64| if has_samples { f64::from(probability as f32) } else { probability };
    let case = CaseFile {
        component: grid.component,
        scores: grid.patched.iter().map(as_rome).collect(),
        n_layers: grid.n_layers,
        low_score: traced.corrupted,
        high_score: traced.clean,
        input_ids: record.ids.iter().map(|&id| i64::from(id)).collect(),
        input_tokens: record.tokens.clone(),
        subject: record.subject,
        answer: traced.answer.clone(),
        window: manifest.settings.window.width as i64,
        residual_window: manifest.settings.residual_window.width as i64,
        correct_prediction: traced.correct_prediction,
        samples: grid.samples.clone(),
        corrupted_samples: traced.corrupted_samples.clone(),
        noise_level: traced.noise_level,
        indirect_effect: None,
        percent_improvement: None,
        details: Some(traced_details(record, traced, manifest)),
    };
    if grid_of(&case, direction) == *grid {
        return case;
    }
    CaseFile {
        scores: grid.patched.clone(),
        indirect_effect: Some(grid.indirect_effect.clone()),
        percent_improvement: Some(grid.percent_improvement.clone()),
        ..case
    }
}

fn traced_details(record: &PromptRecord, traced: &TracedPrompt, manifest: &Manifest) -> CaseDetails {
    let answer = AnswerDetails { text: traced.answer.clone(), id: traced.answer_id };
    let foil = traced.foil.clone().map(|(text, id)| AnswerDetails { text, id: Some(id) });
    CaseDetails { answer: Some(answer), foil, ..details(record, manifest) }
}

fn skipped_details(record: &PromptRecord, detail: &str, manifest: &Manifest) -> CaseDetails {
    let skipped =
        SkippedDetails { ids: record.ids.clone(), subject: record.subject, detail: detail.to_owned() };
    CaseDetails { skipped: Some(skipped), ..details(record, manifest) }
}

fn details(record: &PromptRecord, manifest: &Manifest) -> CaseDetails {
    CaseDetails {
        fact: record.fact.clone(),
        tokens: record.tokens.clone(),
        subject_occurrences: record.subject_occurrences,
        direction: manifest.settings.direction,
        counterpart: record.counterpart.clone(),
        answer: None,
        foil: None,
        skipped: None,
    }
}
