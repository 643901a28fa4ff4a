//! What the live view is told at first.

use std::path::Path;

use causal_trace_core::{Component, Direction, Metric, Window};
use causal_trace_lm::Wiring;
use causal_trace_report::page::{ComponentInfo, MetricInfo};
use serde::Serialize;

use super::settings::{CorruptionName, TraceSettings};
use super::{MAX_PROMPT_BYTES, MAX_SAMPLES, Tracer};
use crate::demo;

/// Layers that are restored at once in a model of few layers, where the usual window would cover most of them.
const SMALL_WINDOW: usize = 3;

#[derive(Debug, Serialize)]
pub(crate) struct Live {
    model: String,
    description: String,
    n_layers: usize,
    max_tokens: usize,
    max_prompt_bytes: usize,
    max_samples: usize,
    components: Vec<Named<Component>>,
    corruptions: Vec<Named<CorruptionName>>,
    metrics: Vec<MetricInfo>,
    defaults: TraceSettings,
    example: Option<Example>,
    saves_to: Option<String>,
}

#[derive(Debug, Serialize)]
struct Named<T> {
    name: T,
    label: String,
}

#[derive(Debug, Serialize)]
struct Example {
    prompt: String,
    subject: String,
}

/// A model and what may be asked of it.
pub(crate) fn describe(tracer: &Tracer, saves_to: Option<&Path>) -> Live {
    let model = &tracer.model;
    let architecture = model.lm.model.architecture();
    let components = Component::ALL
        .into_iter()
        // Where attention and mlp read the same state there is none between them.
        .filter(|&it| it != Component::ResidMid || architecture.wiring == Wiring::Sequential);
    let example = if model.embedded() { demo::first_fact().ok() } else { None };
    Live {
        model: model.name.clone(),
        description: model.describe(),
        n_layers: architecture.n_layers,
        max_tokens: architecture.sliding_window.unwrap_or(usize::MAX).min(architecture.max_positions),
        max_prompt_bytes: MAX_PROMPT_BYTES,
        max_samples: MAX_SAMPLES,
        components: components
            .map(|name| Named { name, label: ComponentInfo::with_window(name, 1).label })
            .collect(),
        corruptions: CorruptionName::ALL
            .into_iter()
            .map(|name| Named { name, label: name.label().to_owned() })
            .collect(),
        metrics: Metric::ALL.into_iter().map(|metric| MetricInfo::new(metric, Direction::Denoise)).collect(),
        defaults: defaults(model.embedded(), architecture.n_layers),
        example: example.map(|fact| Example { prompt: fact.prompt, subject: fact.subject }),
        saves_to: saves_to.map(|path| path.display().to_string()),
    }
}

/// Those of `trace`, but for a window that shows something in a model of few layers; of the embedded models, which are
/// fast, all of ROME's components.
fn defaults(is_embedded: bool, n_layers: usize) -> TraceSettings {
    let usual = Window::ROME.width;
    let components = if is_embedded { Component::ROME.to_vec() } else { vec![Component::Residual] };
    TraceSettings::new(components, if usual < n_layers { usual } else { SMALL_WINDOW })
}
