//! What a record must satisfy to stand in a results folder; both the writer and the reader ask.

use causal_trace_core::{Component, Method, Metric};

use crate::manifest::Manifest;
use crate::prompt_record::{Counterpart, EffectGrid, Outcome, PromptRecord, TracedPrompt};

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
    if let Some(fault) = counterpart_fault(record) {
        return Some(fault);
    }
    if let Some(id) = all_ids(record).find(|&id| i32::try_from(id).is_err()) {
        return Some(format!("a token id is {id}, which does not fit 32 bits with a sign"));
    }
    match outcome {
        Outcome::Traced(_) if tokens.is_empty() => Some("it was traced and has no tokens".to_owned()),
        Outcome::Traced(traced) => baseline_fault(traced),
        Outcome::Skipped(_) => None,
    }
}

fn all_ids(record: &PromptRecord) -> impl Iterator<Item = u32> {
    let of_counterpart = record.counterpart.iter().flat_map(|other| &other.ids);
    let traced = record.traced();
    let answer = traced.and_then(|traced| traced.answer_id);
    let foil = traced.and_then(|traced| traced.foil.as_ref()).map(|(_, id)| *id);
    record.ids.iter().chain(of_counterpart).copied().chain(answer).chain(foil)
}

/// A prompt that was skipped may have a counterpart of another length: that may be the reason.
fn counterpart_fault(record: &PromptRecord) -> Option<String> {
    let Counterpart { ids, tokens, .. } = record.counterpart.as_ref()?;
    if ids.len() != tokens.len() {
        return Some(format!("its counterpart has {} token ids and {} tokens", ids.len(), tokens.len()));
    }
    let n_tokens = record.tokens.len();
    let is_traced = record.traced().is_some();
    (is_traced && tokens.len() != n_tokens)
        .then(|| format!("its counterpart has {} tokens, and the prompt {n_tokens}", tokens.len()))
}

fn baseline_fault(traced: &TracedPrompt) -> Option<String> {
    let TracedPrompt { clean, corrupted, corrupted_samples, noise_level, others, .. } = traced;
    if let Some(level) = noise_level.filter(|level| !level.is_finite()) {
        return Some(format!("noise_level is {level}"));
    }
    run_fault(Metric::Probability, *clean, *corrupted, corrupted_samples).or_else(|| {
        others.iter().find_map(|other| {
            let samples = &other.corrupted_samples;
            let fault = run_fault(other.metric, other.clean, other.corrupted, samples);
            let n_samples = corrupted_samples.len();
            let has_all = (samples.len() != n_samples)
                .then(|| format!("it has {} samples, and the probability {n_samples}", samples.len()));
            fault.or(has_all).map(|fault| format!("{}: {fault}", other.metric))
        })
    })
}

/// What is wrong with a metric of the clean and of the corrupted runs.
fn run_fault(metric: Metric, clean: f64, corrupted: f64, samples: &[f32]) -> Option<String> {
    let numbers = [("clean", clean), ("corrupted", corrupted)];
    let fault = numbers.iter().find(|(_, value)| !is_possible(metric, *value));
    if let Some((name, value)) = fault {
        return Some(format!("{name} is {value}"));
    }
    let sample = samples.iter().find(|&&sample| !is_possible(metric, f64::from(sample)))?;
    Some(format!("a sample of corrupted is {sample}"))
}

/// A finite number, and a rank counts from 1.
fn is_possible(metric: Metric, value: f64) -> bool {
    value.is_finite() && (metric != Metric::Rank || value >= 1.0)
}

/// What is wrong with the grids of a record.
pub(super) fn grids_fault(record: &PromptRecord, manifest: &Manifest) -> Option<String> {
    let traced = record.traced()?;
    component_fault(&traced.grids, manifest)
        .or_else(|| metric_fault(traced, manifest))
        .or_else(|| pair_fault(record, manifest))
        .or_else(|| {
            let n_samples = traced.corrupted_samples.len();
            traced.grids.iter().find_map(|grid| {
                let fault = shape_fault(grid, record.tokens.len(), manifest.model.n_layers, n_samples);
                fault.or_else(|| number_fault(grid)).map(|fault| format!("{}: {fault}", name(grid)))
            })
        })
}

/// A grid's component, and its metric where that is another than the probability.
fn name(grid: &EffectGrid) -> String {
    match grid.metric {
        Metric::Probability => grid.component.to_string(),
        metric => format!("{} ({metric})", grid.component),
    }
}

/// Which components there are, each once and in order: all of the settings', but for imported cases, some of which
/// may not have been there.
fn component_fault(grids: &[EffectGrid], manifest: &Manifest) -> Option<String> {
    let is_imported = manifest.settings.engine.is_none();
    let mut expected = manifest.settings.components.clone();
    expected.sort_unstable();
    let of_probability = grids.iter().filter(|grid| grid.metric == Metric::Probability);
    let mut found: Vec<Component> = of_probability.map(|grid| grid.component).collect();
    let names = |components: &[Component]| {
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

/// Which metrics there are: those of the settings in their order, after the probability, for the baseline and for each
/// component.
fn metric_fault(traced: &TracedPrompt, manifest: &Manifest) -> Option<String> {
    let expected = &manifest.settings.metrics;
    let names =
        |metrics: &mut dyn Iterator<Item = Metric>| -> Vec<&str> { metrics.map(Metric::name).collect() };
    let of_baseline = || traced.others.iter().map(|other| other.metric);
    if !of_baseline().eq(expected.iter().copied()) {
        let (found, expected) = (names(&mut of_baseline()), names(&mut expected.iter().copied()));
        return Some(format!(
            "beside the probability it has the metrics {found:?}, in place of {expected:?}"
        ));
    }
    let in_order = || std::iter::once(Metric::Probability).chain(expected.iter().copied());
    for grids in traced.grids.chunk_by(|one, next| one.component == next.component) {
        let found = || grids.iter().map(|grid| grid.metric);
        if !found().eq(in_order()) {
            let (component, found, expected) =
                (grids[0].component, names(&mut found()), names(&mut in_order()));
            return Some(format!("{component} has the metrics {found:?}, in place of {expected:?}"));
        }
    }
    None
}

/// Where the corrupted run is another prompt, that prompt is there.
fn pair_fault(record: &PromptRecord, manifest: &Manifest) -> Option<String> {
    let corruption = manifest.settings.corruption.as_ref()?;
    let is_missing = corruption.method == Method::Counterpart && record.counterpart.is_none();
    is_missing.then(|| "it has no counterpart, the prompt of the corrupted run".to_owned())
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
    if let Some(site) = patched.iter().position(|&value| !is_possible(grid.metric, value)) {
        return Some(format!("patched is {} at {}", patched[site], at(site)));
    }
    let sample = samples.iter().position(|&value| !is_possible(grid.metric, f64::from(value)))?;
    Some(format!("a sample is {} at {}", samples[sample], at(sample / grid.n_samples().max(1))))
}
