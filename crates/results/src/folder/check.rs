//! What a record must satisfy to stand in a results folder; both the writer and the reader ask.

use crate::manifest::Manifest;
use crate::prompt_record::{EffectGrid, Outcome, PromptRecord, TracedPrompt};

/// What is wrong with a record, its grids left aside.
pub(super) fn prompt_fault(record: &PromptRecord) -> Option<String> {
    let PromptRecord { ids, tokens, subject, outcome, .. } = record;
    let n_tokens = tokens.len();
    if !ids.is_empty() && ids.len() != n_tokens {
        return Some(format!("it has {} token ids and {n_tokens} tokens", ids.len()));
    }
    if let Some(subject) = subject.filter(|span| span.is_empty() || span.end > n_tokens) {
        let (start, end) = (subject.start, subject.end);
        return Some(format!("its subject is tokens {start} to {end} of {n_tokens}"));
    }
    let answer_id = match outcome {
        Outcome::Traced(traced) => traced.answer_id,
        Outcome::Skipped(_) => None,
    };
    if let Some(id) = ids.iter().copied().chain(answer_id).find(|&id| i32::try_from(id).is_err()) {
        return Some(format!("a token id is {id}, which does not fit 32 bits with a sign"));
    }
    match outcome {
        Outcome::Traced(_) if tokens.is_empty() => Some("it was traced and has no tokens".to_owned()),
        Outcome::Traced(traced) => baseline_fault(traced),
        Outcome::Skipped(_) => None,
    }
}

fn baseline_fault(traced: &TracedPrompt) -> Option<String> {
    let TracedPrompt { clean, corrupted, corrupted_samples, noise_level, .. } = traced;
    let numbers = [("clean", Some(*clean)), ("corrupted", Some(*corrupted)), ("noise_level", *noise_level)];
    let not_finite = numbers.into_iter().find(|(_, value)| value.is_some_and(|value| !value.is_finite()));
    if let Some((name, Some(value))) = not_finite {
        return Some(format!("{name} is {value}"));
    }
    let sample = corrupted_samples.iter().find(|sample| !sample.is_finite())?;
    Some(format!("a sample of corrupted is {sample}"))
}

/// What is wrong with the grids of a record.
pub(super) fn grids_fault(record: &PromptRecord, manifest: &Manifest) -> Option<String> {
    let Outcome::Traced(traced) = &record.outcome else { return None };
    component_fault(&traced.grids, manifest).or_else(|| {
        let n_samples = traced.corrupted_samples.len();
        traced.grids.iter().find_map(|grid| {
            let fault = shape_fault(grid, record.tokens.len(), manifest.model.n_layers, n_samples);
            fault.or_else(|| number_fault(grid)).map(|fault| format!("{}: {fault}", grid.component))
        })
    })
}

/// Which components there are, each once and in order: all of the settings', but for imported cases, some of which
/// may not have been there.
fn component_fault(grids: &[EffectGrid], manifest: &Manifest) -> Option<String> {
    let is_imported = manifest.settings.engine.is_none();
    let mut expected = manifest.settings.components.clone();
    expected.sort_unstable();
    let mut found: Vec<_> = grids.iter().map(|grid| grid.component).collect();
    let names = |components: &[_]| {
        let names: Vec<String> = components.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let described = format!("its components are {}, in place of {}", names(&found), names(&expected));
    if !found.is_sorted_by(|one, next| one < next) {
        return Some(described);
    }
    if is_imported && !found.is_empty() {
        found.retain(|component| !expected.contains(component));
        return (!found.is_empty()).then_some(described);
    }
    (found != expected).then_some(described)
}

fn shape_fault(grid: &EffectGrid, n_tokens: usize, n_layers: usize, n_samples: usize) -> Option<String> {
    let EffectGrid { patched, indirect_effect, percent_improvement, samples, .. } = grid;
    if grid.n_layers != n_layers {
        return Some(format!("it has {} layers and the model {n_layers}", grid.n_layers));
    }
    let Some(n_sites) = n_tokens.checked_mul(n_layers) else {
        return Some(format!("{n_tokens} tokens and {n_layers} layers are too many sites"));
    };
    let lengths = [patched.len(), indirect_effect.len(), percent_improvement.len()];
    if lengths.iter().any(|&length| length != n_sites) {
        return Some(format!("{n_tokens} tokens and {n_layers} layers, but numbers for {lengths:?} sites"));
    }
    let is_complete = samples.is_empty() || Some(samples.len()) == n_sites.checked_mul(n_samples);
    (!is_complete).then(|| {
        format!("{} samples for {n_sites} sites, and {n_samples} samples of the corrupted run", samples.len())
    })
}

fn number_fault(grid: &EffectGrid) -> Option<String> {
    let EffectGrid { n_layers, patched, indirect_effect, percent_improvement, samples, .. } = grid;
    let columns = [
        ("patched", patched),
        ("indirect_effect", indirect_effect),
        ("percent_improvement", percent_improvement),
    ];
    let at = |site: usize| format!("token {}, layer {}", site / n_layers, site % n_layers);
    for (name, values) in columns {
        if let Some(site) = values.iter().position(|value| !value.is_finite()) {
            return Some(format!("{name} is {} at {}", values[site], at(site)));
        }
    }
    let sample = samples.iter().position(|value| !value.is_finite())?;
    Some(format!("a sample is {} at {}", samples[sample], at(sample / grid.n_samples().max(1))))
}
