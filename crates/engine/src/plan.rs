//! Which patched runs open at which layer, which need no run at all, and which share one.

use std::collections::BTreeMap;

use causal_trace_core::{Component, Direction, Prompt, Site, TraceConfig};
use causal_trace_lm::Model;

/// The sizes that a plan depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub seq_len: usize,
    pub n_layers: usize,
    pub d_model: usize,
    /// The first corrupted token: before it, all runs are the same.
    pub first_corrupted: usize,
}

/// A patched run, or several that share a beginning: one token, patched from `first_layer` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub component: Component,
    pub token: usize,
    /// The first token whose state differs from those of the base and the source run: the patched one, or the
    /// next where the patched one goes on like the source.
    pub first_carried: usize,
    pub first_layer: usize,
    /// Layers (of window centres) by the end of their windows, ascending; those with the same window are the
    /// same run, those with a longer one go on being patched when a shorter ends.
    pub ends: Vec<(usize, Vec<usize>)>,
}

/// A site whose patched run is known to equal another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing the patch changes can reach the answer: the run that was patched.
    Base,
    /// The patch replaces all that the answer depends on: the run that the state comes from.
    Source,
}

/// All work of a trace.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub openings: Vec<Opening>,
    pub known: Vec<(Site, Known)>,
}

impl Plan {
    pub(crate) fn new(config: &TraceConfig, sizes: Sizes) -> Self {
        let mut plan = Plan::default();
        for &component in &config.components {
            for token in 0..sizes.seq_len {
                plan.add_token(config, sizes, component, token);
            }
        }
        plan
    }

    fn add_token(&mut self, config: &TraceConfig, sizes: Sizes, component: Component, token: usize) {
        let mut by_first_layer: BTreeMap<usize, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
        for layer in 0..sizes.n_layers {
            let window = config.window_of(component, layer, sizes.n_layers);
            match known(component, token, window.start, sizes) {
                Some(known) => self.known.push((Site { component, layer, token }, known)),
                None => {
                    by_first_layer
                        .entry(window.start)
                        .or_default()
                        .entry(window.end)
                        .or_default()
                        .push(layer);
                }
            }
        }
        // Before the first corrupted token base and source agree, so a residual restored there sees nothing but
        // what the source sees: it equals the source in every layer.
        let follows_source = component == Component::Residual && token == sizes.first_corrupted;
        let first_carried = if follows_source { token + 1 } else { token };
        self.openings.extend(by_first_layer.into_iter().map(|(first_layer, ends)| Opening {
            component,
            token,
            first_carried,
            first_layer,
            ends: ends.into_iter().collect(),
        }));
    }

    /// Splits the openings of all samples into turns whose states fit the memory, samples in order.
    pub(crate) fn turns(&self, sizes: Sizes, n_samples: usize, memory: usize) -> Vec<Turn<'_>> {
        let mut turns = vec![Turn::default()];
        let mut bytes = 0;
        for sample in 0..n_samples {
            for opening in &self.openings {
                let needed = opening.bytes(sizes);
                let turn = match turns.last_mut() {
                    Some(turn) if turn.openings.is_empty() || bytes + needed <= memory => turn,
                    _ => {
                        bytes = 0;
                        turns.push(Turn::default());
                        let last = turns.len() - 1;
                        &mut turns[last]
                    }
                };
                bytes += needed;
                turn.openings.push((sample, opening));
            }
        }
        if self.openings.is_empty() {
            turns[0].samples = 0..n_samples;
        }
        for turn in &mut turns {
            if let (Some(first), Some(last)) = (turn.openings.first(), turn.openings.last()) {
                turn.samples = first.0..last.0 + 1;
            }
        }
        turns
    }
}

/// The least work of a trace in floating-point operations: 24·d² for each row and full layer that a patched run has
/// after its first, and 2·d·V for each run and sample in the head. Attention's scores, the trunk, and what the first
/// and the last layer save are left out.
///
/// For the residual grid this is 24·d²·S·Σ (T−i)·L(L−1)/2 plus the head, for a dense block of 12·d² weights.
#[must_use]
pub fn minimal_operations(model: &Model, prompt: &Prompt, config: &TraceConfig) -> f64 {
    let architecture = model.architecture();
    let sizes = Sizes {
        seq_len: prompt.seq_len(),
        n_layers: architecture.n_layers,
        d_model: architecture.d_model,
        first_corrupted: prompt.subject_span.start,
    };
    let (mut row_layers, mut runs) = (0, 0);
    for opening in Plan::new(config, sizes).openings {
        let layers = opening.first_layer + 1..sizes.n_layers;
        let carried: usize = layers.map(|layer| 1 + opening.parted(layer)).sum();
        row_layers += carried * (sizes.seq_len - opening.token);
        runs += opening.ends.len();
    }
    let (samples, width) = (config.corruption.samples as f64, sizes.d_model as f64);
    let head = 2.0 * width * architecture.d_vocab as f64 * runs as f64;
    samples * (24.0 * width * width * row_layers as f64 + head)
}

/// What one sweep through the layers does.
#[derive(Debug, Default)]
pub(crate) struct Turn<'a> {
    pub openings: Vec<(usize, &'a Opening)>,
    /// The samples that occur in it.
    pub samples: std::ops::Range<usize>,
}

impl Opening {
    /// How many runs have parted from the longest patched by `layer`.
    fn parted(&self, layer: usize) -> usize {
        let longest = self.ends.len() - 1;
        self.ends[..longest].iter().filter(|(end, _)| *end <= layer).count()
    }

    /// Memory of its states at the end of the sweep.
    fn bytes(&self, sizes: Sizes) -> usize {
        self.ends.len() * (sizes.seq_len - self.first_carried) * sizes.d_model * size_of::<f32>()
    }
}

fn known(component: Component, token: usize, first_layer: usize, sizes: Sizes) -> Option<Known> {
    let is_last_token = token + 1 == sizes.seq_len;
    let is_last_layer = first_layer + 1 == sizes.n_layers;
    let is_first_corrupted = token == sizes.first_corrupted;
    if token < sizes.first_corrupted {
        Some(Known::Base)
    } else if is_last_layer && !is_last_token {
        // Later tokens read what a layer adds in the next layer, and there is none.
        Some(Known::Base)
    } else if component == Component::Residual && is_last_token && (is_last_layer || is_first_corrupted) {
        Some(Known::Source)
    } else {
        None
    }
}

/// The sample's base or source run, as an index into clean (0) and corrupted (1 + sample) runs.
pub(crate) fn run_of(known: Known, direction: Direction, sample: usize) -> usize {
    match (known, direction) {
        (Known::Base, Direction::Denoise) | (Known::Source, Direction::Noise) => 1 + sample,
        (Known::Source, Direction::Denoise) | (Known::Base, Direction::Noise) => 0,
    }
}
