//! What a trace yields, and who receives it.

use std::ops::{ControlFlow, Range};

use serde::{Deserialize, Serialize};

use crate::{Component, Direction, Metric, Prompt, Site, TraceConfig, effect};

/// The clean and the corrupted run of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The token whose probability is measured.
    pub answer_id: u32,
    /// Its probability in the clean run, p.
    pub clean: f32,
    /// Its probability in the corrupted run of each sample, p*.
    pub corrupted: Vec<f32>,
    /// The token that the answer's logit is compared with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foil_id: Option<u32>,
    /// What else was measured of these runs, one entry for each metric of the settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<MetricBaseline>,
}

/// The clean and the corrupted run in another metric than the answer's probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricBaseline {
    /// Which metric.
    pub metric: Metric,
    /// Of the clean run.
    pub clean: f32,
    /// Of the corrupted run of each sample.
    pub corrupted: Vec<f32>,
}

impl Baseline {
    /// TE, see [`effect::total_effect`].
    #[must_use]
    pub fn total_effect(&self) -> f64 {
        effect::total_effect(self.clean, &self.corrupted)
    }

    /// A metric of the clean and of each corrupted run, where it was measured.
    #[must_use]
    pub fn of(&self, metric: Metric) -> Option<(f32, &[f32])> {
        if metric == Metric::Probability {
            return Some((self.clean, &self.corrupted));
        }
        let other = self.others.iter().find(|other| other.metric == metric)?;
        Some((other.clean, &other.corrupted))
    }
}

/// Receives the numbers of a trace as they are computed; every site of the grid exactly once in each metric, in any
/// order. Of a trace that fails or is ended there may be some numbers only.
pub trait Sink {
    /// The clean and the corrupted run, before any site.
    fn baseline(&mut self, baseline: &Baseline);
    /// A metric for each sample with `site` patched.
    fn patched(&mut self, site: Site, metric: Metric, samples: &[f32]);
    /// How far the work is, in units of the engine's choice; called now and then, from the calling thread. `Break` ends
    /// the work.
    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        let _ = (done, total);
        ControlFlow::Continue(())
    }
}

/// All patched runs of one component, in one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Which component was patched.
    pub component: Component,
    /// What was measured.
    pub metric: Metric,
    /// Number of tokens of the prompt.
    pub seq_len: usize,
    /// Number of layers of the model.
    pub n_layers: usize,
    /// Number of noise draws.
    pub n_samples: usize,
    /// What was measured, `[seq_len, n_layers, n_samples]`, row-major.
    pub samples: Vec<f32>,
}

impl Grid {
    /// A grid in which nothing has been measured: every value is `NaN`.
    #[must_use]
    pub fn unmeasured(
        component: Component,
        metric: Metric,
        seq_len: usize,
        n_layers: usize,
        n_samples: usize,
    ) -> Self {
        let samples = vec![f32::NAN; seq_len * n_layers * n_samples];
        Grid { component, metric, seq_len, n_layers, n_samples, samples }
    }

    fn place(&self, token: usize, layer: usize) -> Range<usize> {
        let start = (token * self.n_layers + layer) * self.n_samples;
        start..start + self.n_samples
    }

    /// The metric of each sample with the site at `token` and `layer` patched.
    #[must_use]
    pub fn at(&self, token: usize, layer: usize) -> &[f32] {
        &self.samples[self.place(token, layer)]
    }

    /// Stores what was measured at a site.
    pub fn set(&mut self, token: usize, layer: usize, samples: &[f32]) {
        let place = self.place(token, layer);
        self.samples[place].copy_from_slice(samples);
    }

    /// Mean over samples of every site; of the probability, ROME's `scores`: `[seq_len, n_layers]`, row-major.
    #[must_use]
    pub fn means(&self) -> Vec<f32> {
        self.samples.chunks(self.n_samples).map(|samples| effect::mean(samples) as f32).collect()
    }

    /// The site of some tokens with the largest indirect effect in the expected direction (the first of equals),
    /// and the effect; none where the baseline lacks the grid's metric.
    #[must_use]
    pub fn strongest(
        &self,
        tokens: Range<usize>,
        direction: Direction,
        baseline: &Baseline,
    ) -> Option<(Site, f64)> {
        let (clean, corrupted) = baseline.of(self.metric)?;
        let sites = tokens.flat_map(|token| (0..self.n_layers).map(move |layer| (token, layer)));
        let effects = sites.map(|(token, layer)| {
            let effect = effect::indirect_effect(direction, clean, corrupted, self.at(token, layer));
            (Site { component: self.component, layer, token }, effect)
        });
        let strength = |effect| effect::strength(direction, self.metric, effect);
        effects.reduce(|best, next| if strength(next.1) > strength(best.1) { next } else { best })
    }
}

/// A whole trace of one prompt; as a [`Sink`] it collects what an engine computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// The prompt as the model saw it.
    pub prompt: Prompt,
    /// The settings.
    pub config: TraceConfig,
    /// The clean and the corrupted run.
    pub baseline: Baseline,
    /// One grid for each component of the settings and, within it, each metric, in their order.
    pub grids: Vec<Grid>,
}

impl TraceRecord {
    /// A record to be filled by an engine.
    #[must_use]
    pub fn unmeasured(prompt: Prompt, config: TraceConfig, n_layers: usize) -> Self {
        let (seq_len, n_samples) = (prompt.seq_len(), config.corruption.samples);
        let grids = config
            .components
            .iter()
            .flat_map(|&component| config.all_metrics().map(move |metric| (component, metric)))
            .map(|(component, metric)| Grid::unmeasured(component, metric, seq_len, n_layers, n_samples))
            .collect();
        let baseline = Baseline {
            answer_id: 0,
            clean: f32::NAN,
            corrupted: Vec::new(),
            foil_id: None,
            others: Vec::new(),
        };
        TraceRecord { prompt, config, baseline, grids }
    }

    /// The grids of one metric, in the order of the settings' components.
    pub fn grids_of(&self, metric: Metric) -> impl Iterator<Item = &Grid> + Clone {
        self.grids.iter().filter(move |grid| grid.metric == metric)
    }
}

impl Sink for TraceRecord {
    fn baseline(&mut self, baseline: &Baseline) {
        self.baseline = baseline.clone();
    }

    fn patched(&mut self, site: Site, metric: Metric, samples: &[f32]) {
        let is_its = |grid: &&mut Grid| grid.component == site.component && grid.metric == metric;
        if let Some(grid) = self.grids.iter_mut().find(is_its) {
            grid.set(site.token, site.layer, samples);
        }
    }
}
