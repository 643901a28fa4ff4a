//! Which patched runs open at which layer, which need no run at all, and which share one.

use std::collections::BTreeMap;
use std::ops::Range;

use causal_trace_core::{Component, Direction, Engine, Prompt, Site, TraceConfig};
use causal_trace_lm::{Block, Model};

use crate::trunk::TrunkLayer;

/// The sizes that a plan depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub seq_len: usize,
    pub n_layers: usize,
    pub d_model: usize,
    /// The first corrupted token: before it, all runs are the same.
    pub first_corrupted: usize,
    /// What a token of the trunk holds in memory, in numbers.
    pub trunk_row: usize,
}

impl Sizes {
    pub(crate) fn new(model: &Model, seq_len: usize, first_corrupted: usize) -> Self {
        let (n_layers, d_model) = (model.architecture().n_layers, model.architecture().d_model);
        let d_qkv = model.blocks().first().map_or(0, Block::d_qkv);
        Sizes { seq_len, n_layers, d_model, first_corrupted, trunk_row: TrunkLayer::row(d_model, d_qkv) }
    }
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

/// All work of one prompt.
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
}

/// Splits the openings of all prompts and samples into turns whose states fit the memory; the prompts, as `order`
/// lists them, and their samples stay in order.
pub(crate) fn turns<'a>(
    plans: &'a [(Sizes, Plan)],
    order: &[usize],
    n_samples: usize,
    memory: usize,
) -> Vec<Turn<'a>> {
    let mut turns = Turns { done: Vec::new(), turn: Turn::default(), bytes: 0, memory };
    for &prompt in order {
        let (sizes, plan) = &plans[prompt];
        if plan.openings.is_empty() {
            turns.needs_trunk(prompt, 0..n_samples, *sizes);
        }
        for sample in 0..n_samples {
            for opening in &plan.openings {
                turns.add(prompt, sample, opening, *sizes);
            }
        }
    }
    turns.done.push(turns.turn);
    turns.done
}

/// The turns as they are being filled.
struct Turns<'a> {
    done: Vec<Turn<'a>>,
    turn: Turn<'a>,
    bytes: usize,
    memory: usize,
}

impl<'a> Turns<'a> {
    fn add(&mut self, prompt: usize, sample: usize, opening: &'a Opening, sizes: Sizes) {
        let states = opening.bytes(sizes);
        let trunk = self.turn.missing_trunk(prompt, sample..sample + 1, sizes);
        if !self.turn.openings.is_empty() && self.bytes + states + trunk > self.memory {
            self.done.push(std::mem::take(&mut self.turn));
            self.bytes = 0;
        }
        self.needs_trunk(prompt, sample..sample + 1, sizes);
        self.bytes += states;
        self.turn.openings.push(Opened { member: self.turn.members.len() - 1, sample, opening });
    }

    /// Sees to it that the turn's trunk has the prompt's clean run and its samples' corrupted ones.
    fn needs_trunk(&mut self, prompt: usize, samples: Range<usize>, sizes: Sizes) {
        self.bytes += self.turn.missing_trunk(prompt, samples.clone(), sizes);
        match self.turn.members.last_mut() {
            Some(last) if last.prompt == prompt => last.samples.end = samples.end.max(last.samples.end),
            _ => self.turn.members.push(Member { prompt, samples }),
        }
    }
}

/// The least work of a trace in floating-point operations: 24·d² for each row and full layer that a patched run has
/// after its first, and 2·d·V for each run and sample in the head. Attention's scores, the trunk, and what the first
/// and the last layer save are left out.
///
/// For the residual grid this is 24·d²·S·Σ (T−i)·L(L−1)/2 plus the head, for a dense block of 12·d² weights.
#[must_use]
pub fn minimal_operations(model: &Model, prompt: &Prompt, config: &TraceConfig) -> f64 {
    let sizes = Sizes::new(model, prompt.seq_len(), prompt.subject_span.start);
    let (mut row_layers, mut runs) = (0, 0);
    for opening in Plan::new(config, sizes).openings {
        let layers = opening.first_layer + 1..sizes.n_layers;
        let carried: usize = layers.map(|layer| 1 + opening.parted(layer)).sum();
        row_layers += carried * (sizes.seq_len - opening.token);
        runs += opening.ends.len();
    }
    let (samples, width) = (config.corruption.samples as f64, sizes.d_model as f64);
    let head = 2.0 * width * model.architecture().d_vocab as f64 * runs as f64;
    samples * (24.0 * width * width * row_layers as f64 + head)
}

/// About how many floating-point operations a trace takes with the configured engine: what work is shared out by.
/// Attention's scores are left out.
#[must_use]
pub fn estimated_operations(model: &Model, prompt: &Prompt, config: &TraceConfig) -> f64 {
    match config.engine {
        Engine::Wavefront => minimal_operations(model, prompt, config),
        Engine::Naive => {
            let architecture = model.architecture();
            let (seq_len, n_layers) = (prompt.seq_len() as f64, architecture.n_layers as f64);
            let (runs, width) = (1.0 + config.corruption.samples as f64, architecture.d_model as f64);
            let body = 24.0 * width * width * n_layers * seq_len;
            let head = 2.0 * width * architecture.d_vocab as f64;
            config.components.len() as f64 * seq_len * n_layers * runs * (body + head)
        }
    }
}

/// What one sweep through the layers does.
#[derive(Debug, Default)]
pub(crate) struct Turn<'a> {
    /// The prompts whose clean and corrupted runs it needs.
    pub members: Vec<Member>,
    pub openings: Vec<Opened<'a>>,
}

/// A prompt of a turn, and the samples of it that occur there.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its place in the batch.
    pub prompt: usize,
    pub samples: Range<usize>,
}

/// One sample's patched run, to be begun.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// Its prompt's place among the turn's members.
    pub member: usize,
    pub sample: usize,
    pub opening: &'a Opening,
}

impl Turn<'_> {
    /// Memory of the trunk's runs that the turn does not have yet.
    fn missing_trunk(&self, prompt: usize, samples: Range<usize>, sizes: Sizes) -> usize {
        let corrupted = sizes.seq_len - sizes.first_corrupted;
        let rows = match self.members.last().filter(|last| last.prompt == prompt) {
            Some(last) => samples.end.saturating_sub(last.samples.end) * corrupted,
            None => sizes.seq_len + samples.len() * corrupted,
        };
        rows * sizes.trunk_row * size_of::<f32>()
    }
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
