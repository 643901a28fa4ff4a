//! What a folder was made of, in words: labels and texts.

use causal_trace_core::Component;
use causal_trace_results::{Manifest, ModelIdentity};

use super::words;
use crate::provenance::{answer, corruption, facts, patching};

/// Everything that determined the numbers, as far as it is known, and how many of the facts are there where the sweep
/// is not complete.
pub(super) fn rows(manifest: &Manifest, facts_there: usize) -> Vec<(&'static str, String)> {
    let settings = &manifest.settings;
    let component =
        |&component: &Component| words::component_label(component, settings.window_of(component).width);
    let metrics = settings.metrics.iter().map(|&metric| words::metric_label(metric).0);
    let corrupted = match &settings.corruption {
        Some(of) => corruption::parts(of, settings.counterparts, settings.noise.as_ref()).join(", "),
        None => "not recorded".to_owned(),
    };
    let mut rows = vec![
        ("model", model(&manifest.model)),
        ("facts", manifest.facts.iter().map(facts).collect::<Vec<_>>().join("; ")),
        ("answer", answer(manifest.target).to_owned()),
        ("patching", patching(settings.direction).to_owned()),
        ("components", settings.components.iter().map(component).collect::<Vec<_>>().join("; ")),
        ("corruption", corrupted),
        ("measured", std::iter::once("probability").chain(metrics).collect::<Vec<_>>().join(", ")),
        ("token roles", format!("as {} counts them", settings.roles)),
    ];
    let all: usize = manifest.parts.iter().sum();
    if facts_there < all {
        rows.push(("so far", format!("{facts_there} of {all} facts; the others are not traced yet")));
    }
    rows.extend(settings.precision.clone().map(|precision| ("precision", precision)));
    rows.extend(settings.engine.map(|engine| ("engine", engine.to_string())));
    rows.push(("computed by", manifest.program.clone()));
    rows.extend(manifest.model.weights_sha256.clone().map(|hash| ("SHA-256 of the weights", hash)));
    rows
}

/// Its name and what is known of its shape.
fn model(model: &ModelIdentity) -> String {
    let known = [
        model.model_type.clone(),
        Some(format!("{} layers", model.n_layers)),
        model.d_model.map(|width| format!("width {width}")),
        model.d_vocab.map(|tokens| format!("{tokens} tokens")),
    ];
    format!("{} ({})", model.name, known.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
