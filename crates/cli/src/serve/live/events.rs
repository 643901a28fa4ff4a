//! What is told of a job while it is done.

use causal_trace_core::{Baseline, Component, Direction, Metric, Prompt, Site, effect};
use causal_trace_lm::LanguageModel;
use causal_trace_report::page::ComponentInfo;
use serde::Serialize;

use crate::question::Question;

#[derive(Debug, Serialize)]
pub(super) struct Queued {
    pub(super) before: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Started<'a> {
    tokens: &'a [String],
    token_ids: &'a [u32],
    subject: (usize, usize),
    counterpart_tokens: &'a [String],
    n_layers: usize,
    n_samples: usize,
    components: Vec<ComponentInfo>,
    noise_level: Option<f64>,
}

impl<'a> Started<'a> {
    pub(super) fn new(question: &'a Question, lm: &LanguageModel) -> Self {
        let Question { prompt, counterpart, config, noise, .. } = question;
        let Prompt { ids, tokens, subject_span, .. } = prompt;
        let window = |component: Component| component.window(config.window, config.residual_window).width;
        Started {
            tokens,
            token_ids: ids,
            subject: (subject_span.start, subject_span.end),
            counterpart_tokens: counterpart.as_ref().map_or(&[], |counterpart| &counterpart.tokens),
            n_layers: lm.model.architecture().n_layers,
            n_samples: config.corruption.samples,
            components: config
                .components
                .iter()
                .map(|&component| ComponentInfo::with_window(component, window(component)))
                .collect(),
            noise_level: noise.as_ref().map(|noise| noise.level),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct BaselineEvent<'a> {
    metrics: Vec<MetricOfBaseline<'a>>,
    answer: Answer,
    foil: Option<String>,
}

#[derive(Debug, Serialize)]
struct MetricOfBaseline<'a> {
    metric: Metric,
    clean: f32,
    corrupted: &'a [f32],
}

#[derive(Debug, Serialize)]
struct Answer {
    id: u32,
    text: String,
}

impl<'a> BaselineEvent<'a> {
    pub(super) fn new(
        baseline: &'a Baseline,
        metrics: impl Iterator<Item = Metric>,
        lm: &LanguageModel,
    ) -> Self {
        let of = |metric| {
            let (clean, corrupted) = baseline.of(metric)?;
            Some(MetricOfBaseline { metric, clean, corrupted })
        };
        let id = baseline.answer_id;
        BaselineEvent {
            metrics: metrics.filter_map(of).collect(),
            answer: Answer { id, text: lm.tokenizer.token_text(id) },
            foil: baseline.foil_id.map(|id| lm.tokenizer.token_text(id)),
        }
    }
}

/// Sites of one component and metric.
#[derive(Debug, Serialize)]
pub(super) struct Sites {
    pub(super) component: Component,
    pub(super) metric: Metric,
    pub(super) sites: Vec<SiteEvent>,
}

#[derive(Debug, Serialize)]
pub(super) struct SiteEvent {
    token: usize,
    layer: usize,
    patched: f64,
    indirect_effect: f64,
    percent_improvement: f64,
    noise_error: Option<f64>,
    samples: Vec<f32>,
}

impl SiteEvent {
    /// A site's numbers; none where the baseline lacks the metric.
    pub(super) fn new(
        site: Site,
        metric: Metric,
        patched: &[f32],
        direction: Direction,
        baseline: &Baseline,
    ) -> Option<Self> {
        let (clean, corrupted) = baseline.of(metric)?;
        Some(SiteEvent {
            token: site.token,
            layer: site.layer,
            patched: effect::mean(patched),
            indirect_effect: effect::indirect_effect(direction, clean, corrupted, patched),
            percent_improvement: effect::percent_improvement(direction, clean, corrupted, patched),
            noise_error: effect::indirect_effect_error(direction, corrupted, patched),
            samples: patched.to_vec(),
        })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Progress {
    pub(super) done: usize,
    pub(super) total: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Done {
    pub(super) seconds: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Failed {
    pub(super) error: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Cancelled {}
