//! What a trace yields, and who receives it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Component, Direction, Prompt, Site, TraceConfig, effect};

/// The clean and the corrupted run of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The token whose probability is measured.
    pub answer_id: u32,
    /// Its probability in the clean run, p.
    pub clean: f32,
    /// Its probability in the corrupted run of each sample, p*.
    pub corrupted: Vec<f32>,
}

impl Baseline {
    /// TE, see [`effect::total_effect`].
    #[must_use]
    pub fn total_effect(&self) -> f64 {
        effect::total_effect(self.clean, &self.corrupted)
    }
}

/// Receives the numbers of a trace as they are computed; every site of the grid exactly once, in any order.
pub trait Sink {
    /// The clean and the corrupted run, before any site.
    fn baseline(&mut self, baseline: &Baseline);
    /// The answer's probability for each sample with `site` patched.
    fn patched(&mut self, site: Site, samples: &[f32]);
    /// How far the work is, in units of the engine's choice; called now and then, from the calling thread.
    fn progress(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// All patched runs of one component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Which component was patched.
    pub component: Component,
    /// Number of tokens of the prompt.
    pub seq_len: usize,
    /// Number of layers of the model.
    pub n_layers: usize,
    /// Number of noise draws.
    pub n_samples: usize,
    /// The answer's probability, `[seq_len, n_layers, n_samples]`, row-major.
    pub samples: Vec<f32>,
}

impl Grid {
    /// A grid in which nothing has been measured: every value is `NaN`.
    #[must_use]
    pub fn unmeasured(component: Component, seq_len: usize, n_layers: usize, n_samples: usize) -> Self {
        let samples = vec![f32::NAN; seq_len * n_layers * n_samples];
        Grid { component, seq_len, n_layers, n_samples, samples }
    }

    fn place(&self, token: usize, layer: usize) -> Range<usize> {
        let start = (token * self.n_layers + layer) * self.n_samples;
        start..start + self.n_samples
    }

    /// The probability of each sample with the site at `token` and `layer` patched.
    #[must_use]
    pub fn at(&self, token: usize, layer: usize) -> &[f32] {
        &self.samples[self.place(token, layer)]
    }

    /// Stores what was measured at a site.
    pub fn set(&mut self, token: usize, layer: usize, samples: &[f32]) {
        let place = self.place(token, layer);
        self.samples[place].copy_from_slice(samples);
    }

    /// Mean patched probability of every site, ROME's `scores`: `[seq_len, n_layers]`, row-major.
    #[must_use]
    pub fn mean_probabilities(&self) -> Vec<f32> {
        self.samples.chunks(self.n_samples).map(|samples| effect::mean(samples) as f32).collect()
    }

    /// The site of some tokens with the largest indirect effect in the expected direction (the first of equals),
    /// and the effect.
    #[must_use]
    pub fn strongest(
        &self,
        tokens: Range<usize>,
        direction: Direction,
        baseline: &Baseline,
    ) -> Option<(Site, f64)> {
        let sites = tokens.flat_map(|token| (0..self.n_layers).map(move |layer| (token, layer)));
        let effects = sites.map(|(token, layer)| {
            let patched = self.at(token, layer);
            let effect = effect::indirect_effect(direction, baseline.clean, &baseline.corrupted, patched);
            (Site { component: self.component, layer, token }, effect)
        });
        effects.reduce(|best, next| {
            let stronger = match direction {
                Direction::Denoise => next.1 > best.1,
                Direction::Noise => next.1 < best.1,
            };
            if stronger { next } else { best }
        })
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
    /// One grid for each component of the settings, in their order.
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
            .map(|&component| Grid::unmeasured(component, seq_len, n_layers, n_samples))
            .collect();
        let baseline = Baseline { answer_id: 0, clean: f32::NAN, corrupted: Vec::new() };
        TraceRecord { prompt, config, baseline, grids }
    }
}

impl Sink for TraceRecord {
    fn baseline(&mut self, baseline: &Baseline) {
        self.baseline = baseline.clone();
    }

    fn patched(&mut self, site: Site, samples: &[f32]) {
        if let Some(grid) = self.grids.iter_mut().find(|grid| grid.component == site.component) {
            grid.set(site.token, site.layer, samples);
        }
    }
}
