//! `trace.json`: everything about one trace that a person or a script might ask for.

use std::ops::Range;

use causal_trace_core::{
    Baseline, Component, Direction, Grid, Metric, Precision, Prompt, Site, TokenSpan, TraceConfig,
    TraceRecord, effect,
};
use serde::{Deserialize, Serialize};

use crate::Counterpart;

/// The JSON record of one trace.
#[derive(Debug, Clone, Serialize)]
pub struct TraceFile {
    /// The program's version.
    pub causal_trace: String,
    /// The model as it was named, its architecture and size.
    pub model: serde_json::Value,
    /// The prompt as the model saw it.
    pub prompt: Prompt,
    /// How often the subject occurs in the prompt; the first occurrence is corrupted.
    pub subject_occurrences: usize,
    /// All settings.
    pub config: TraceConfig,
    /// How accurately matrix products were computed.
    pub precision: Precision,
    /// Where the noise level comes from; none where the corruption has no level.
    pub noise: Option<NoiseSource>,
    /// The prompt of the corrupted run, where that is another prompt.
    pub counterpart: Option<Counterpart>,
    /// The answer as text.
    pub answer: String,
    /// The token that the answer's logit is compared with, as text, where it is.
    pub foil: Option<String>,
    /// The model's own prediction is the answer that was asked for.
    pub correct_prediction: bool,
    /// The clean and the corrupted run.
    pub baseline: Baseline,
    /// p − mean p*.
    pub total_effect: f64,
    /// The effects of every site.
    pub components: Vec<ComponentEffects>,
}

/// Where a noise level comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseSource {
    /// The rule as it was given, for example `s3`.
    pub rule: String,
    /// The level, in units of the token embeddings.
    pub level: f64,
    /// The standard deviation of the subjects' embeddings, where the rule needs it.
    pub subject_deviation: Option<f64>,
    /// Whose subjects.
    pub facts: Option<String>,
}

/// The effects of one component in one metric; all grids are `[tokens][layers]`.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentEffects {
    /// Which component.
    pub component: Component,
    /// What was measured.
    pub metric: Metric,
    /// The metric of the patched run, mean over samples.
    pub patched: Vec<Vec<f64>>,
    /// Indirect effect.
    pub indirect_effect: Vec<Vec<f64>>,
    /// Percent improvement, as a fraction.
    pub percent_improvement: Vec<Vec<f64>>,
    /// The site with the largest indirect effect in the expected direction.
    pub strongest: Option<Strongest>,
    /// The same among the subject's tokens.
    pub strongest_at_subject: Option<Strongest>,
}

/// The site with the largest effect.
#[derive(Debug, Clone, Serialize)]
pub struct Strongest {
    /// Layer, or centre of the window, from 0.
    pub layer: usize,
    /// Token, from 0.
    pub token: usize,
    /// TransformerLens' name of the site.
    pub hook: String,
    /// Its indirect effect.
    pub indirect_effect: f64,
}

impl ComponentEffects {
    /// The effects of every grid of a trace.
    #[must_use]
    pub fn of(record: &TraceRecord) -> Vec<Self> {
        let direction = record.config.direction;
        let subject = record.prompt.subject_span;
        let of_grid = |grid| Self::of_grid(grid, subject, direction, &record.baseline);
        record.grids.iter().filter_map(of_grid).collect()
    }

    /// None where the baseline lacks the grid's metric.
    fn of_grid(grid: &Grid, subject: TokenSpan, direction: Direction, baseline: &Baseline) -> Option<Self> {
        let table = |number: &dyn Fn(&[f32]) -> f64| -> Vec<Vec<f64>> {
            (0..grid.seq_len)
                .map(|token| (0..grid.n_layers).map(|layer| number(grid.at(token, layer))).collect())
                .collect()
        };
        let (clean, corrupted) = baseline.of(grid.metric)?;
        let strongest = |tokens: Range<usize>| {
            grid.strongest(tokens, direction, baseline).map(|(site, effect)| Strongest::new(site, effect))
        };
        Some(ComponentEffects {
            component: grid.component,
            metric: grid.metric,
            patched: table(&effect::mean),
            indirect_effect: table(&|patched| effect::indirect_effect(direction, clean, corrupted, patched)),
            percent_improvement: table(&|patched| {
                effect::percent_improvement(direction, clean, corrupted, patched)
            }),
            strongest: strongest(0..grid.seq_len),
            strongest_at_subject: strongest(subject.range()),
        })
    }
}

impl Strongest {
    fn new(site: Site, indirect_effect: f64) -> Self {
        Strongest { layer: site.layer, token: site.token, hook: site.to_string(), indirect_effect }
    }
}
