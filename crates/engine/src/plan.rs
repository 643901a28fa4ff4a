//! Which patched runs open at which layer, which need no run at all, and which share one.

use std::collections::BTreeMap;
use std::ops::Range;

use causal_trace_core::{Component, Direction, Engine, Site, TraceConfig};
use causal_trace_lm::Model;

use crate::corrupt::corrupted_span;
use crate::trace::Case;
use crate::trunk::TrunkLayer;
use crate::wavefront::task_rows;

/// One part of so many of a prompt's work is what several steps may add to it.
const COST_OF_STEPS: usize = 8;

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
    /// What a row holds in the buffers of a task, in numbers.
    pub buffer_row: usize,
}

impl Sizes {
    pub(crate) fn new(model: &Model, seq_len: usize, first_corrupted: usize) -> Self {
        let architecture = model.architecture();
        Sizes {
            seq_len,
            n_layers: architecture.n_layers,
            d_model: architecture.d_model,
            first_corrupted,
            trunk_row: TrunkLayer::row(architecture),
            buffer_row: architecture.buffer_width(),
        }
    }
}

/// What a patched run has of its source. All components come down to these: a residual state before a layer is the
/// one after the layer before, and one between attention and mlp makes the state after the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Patched {
    /// The residual stream.
    Stream,
    /// The mlp's output.
    Mlp,
    /// Attention's output.
    Attention,
}

/// A patched run, or several that share a beginning: one token, patched from a layer on.
///
/// Places in the model are counted by the layers that a run has passed there: 0 before the first, `n_layers` at
/// the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub patched: Patched,
    /// What is held at the base run's values from the opening on.
    pub severed: Option<Component>,
    pub token: usize,
    /// The first token whose state differs from those of the base and the source run: the patched one, or the
    /// next where the patched one goes on like the source.
    pub first_carried: usize,
    /// Layers passed when the run begins: its first patch has just been set.
    pub opens: usize,
    /// The sites by the number of layers passed at their last patch, ascending; those with the same are the same
    /// run, those with a later one go on being patched when an earlier ends.
    pub ends: Vec<(usize, Vec<SiteLayer>)>,
}

/// A site of a known token: its component and layer.
pub(crate) type SiteLayer = (Component, usize);

/// Which sites share a run to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shared {
    token: usize,
    opens: usize,
    patched: Patched,
    severed: Option<Component>,
}

/// What a site's patches come down to.
#[derive(Debug, Clone, Copy)]
struct Extent {
    patched: Patched,
    severed: Option<Component>,
    /// Layers passed at the first and at the last patch.
    opens: usize,
    ends: usize,
}

impl Extent {
    fn of(config: &TraceConfig, component: Component, layer: usize, n_layers: usize) -> Self {
        let window = config.window_of(component, layer, n_layers);
        let patched = match component {
            Component::Mlp => Patched::Mlp,
            Component::Attention => Patched::Attention,
            _ => Patched::Stream,
        };
        // The state before a layer is the one after the layer before.
        let passed = usize::from(component != Component::ResidPre);
        let (opens, ends) = (window.start + passed, window.end - 1 + passed);
        Extent { patched, severed: component.severed(), opens, ends }
    }

    /// The run that a patched run of this extent is known to equal.
    fn known(self, token: usize, sizes: Sizes) -> Option<Known> {
        let is_last_token = token + 1 == sizes.seq_len;
        let is_last_layer = self.opens == sizes.n_layers;
        let is_stream = self.patched == Patched::Stream;
        if token < sizes.first_corrupted {
            Some(Known::Base)
        } else if is_last_layer && !is_last_token {
            // Later tokens read what a layer adds in the next layer, and there is none.
            Some(Known::Base)
        } else if is_stream
            && is_last_token
            && (self.ends == sizes.n_layers || self.follows_source(token, sizes))
        {
            Some(Known::Source)
        } else {
            None
        }
    }

    /// Whether the patched token goes on like the source: before the first corrupted token base and source agree, so
    /// a residual state restored there sees nothing but what the source sees.
    fn follows_source(self, token: usize, sizes: Sizes) -> bool {
        self.patched == Patched::Stream && self.severed.is_none() && token == sizes.first_corrupted
    }
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
        let mut shared: BTreeMap<Shared, BTreeMap<usize, Vec<SiteLayer>>> = BTreeMap::new();
        for token in 0..sizes.seq_len {
            for &component in &config.components {
                for layer in 0..sizes.n_layers {
                    let extent = Extent::of(config, component, layer, sizes.n_layers);
                    if let Some(known) = extent.known(token, sizes) {
                        plan.known.push((Site { component, layer, token }, known));
                        continue;
                    }
                    let Extent { patched, severed, opens, ends } = extent;
                    // What follows the source needs no further patch.
                    let ends = if extent.follows_source(token, sizes) { opens } else { ends };
                    let run = shared.entry(Shared { token, opens, patched, severed }).or_default();
                    run.entry(ends).or_default().push((component, layer));
                }
            }
        }
        plan.openings.extend(shared.into_iter().map(|(shared, ends)| {
            let Shared { token, opens, patched, severed } = shared;
            let extent = Extent { patched, severed, opens, ends: opens };
            let first_carried = token + usize::from(extent.follows_source(token, sizes));
            Opening { patched, severed, token, first_carried, opens, ends: ends.into_iter().collect() }
        }));
        plan
    }

    /// Rows that the patched runs of a sample take through layers, all in all, their first layers left out.
    fn row_layers(&self, sizes: Sizes) -> usize {
        let of = |opening: &Opening| {
            let carried: usize = (opening.opens..sizes.n_layers).map(|layer| 1 + opening.parted(layer)).sum();
            carried * (sizes.seq_len - opening.token)
        };
        self.openings.iter().map(of).sum()
    }

    /// In how many steps it may be done: each computes the clean and the corrupted runs again, which must not add more
    /// than a part of the work.
    fn most_steps(&self, sizes: Sizes, n_samples: usize) -> usize {
        let trunk = (sizes.seq_len + n_samples * (sizes.seq_len - sizes.first_corrupted)) * sizes.n_layers;
        let patched = n_samples * self.row_layers(sizes);
        (1 + patched / (COST_OF_STEPS * trunk)).min(self.openings.len()).max(1)
    }
}

/// Splits the openings of all prompts and samples into turns whose states fit the memory; the prompts, as `order`
/// lists them, and their samples stay in order.
///
/// With several steps, every prompt's openings are first dealt out among them, see [`dealt_to`].
pub(crate) fn turns<'a>(
    plans: &'a [(Sizes, Plan)],
    order: &[usize],
    n_samples: usize,
    n_steps: usize,
    memory: usize,
) -> Vec<Turn<'a>> {
    let mut turns = Turns { done: Vec::new(), turn: Turn::default(), bytes: 0, rows: 0, memory };
    for &prompt in order {
        let (sizes, plan) = &plans[prompt];
        if plan.openings.is_empty() {
            turns.needs_trunk(prompt, 0..n_samples, *sizes);
        }
        let n_steps_of_it = n_steps.min(plan.most_steps(*sizes, n_samples));
        let mut steps = vec![Vec::new(); n_steps_of_it];
        for (index, opening) in plan.openings.iter().enumerate() {
            steps[dealt_to(index, n_steps_of_it)].push(opening);
        }
        for openings in steps.iter().filter(|openings| !openings.is_empty() || plan.openings.is_empty()) {
            for sample in 0..n_samples {
                for opening in openings {
                    turns.add(prompt, sample, opening, *sizes);
                }
            }
            turns.turn.completes.push(prompt);
            if n_steps > 1 {
                turns.end_turn();
            }
        }
    }
    if !turns.turn.members.is_empty() {
        turns.end_turn();
    }
    turns.done
}

/// The step of an opening: multiples of the golden ratio lie evenly whatever period the openings have, so that every
/// step has some at all tokens and layers. Steps are about equally long then, and each shows something of the whole map.
fn dealt_to(index: usize, n_steps: usize) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let place = (index as u64).wrapping_mul(GOLDEN) >> 32;
    ((place * n_steps as u64) >> 32) as usize
}

/// The turns as they are being filled.
struct Turns<'a> {
    done: Vec<Turn<'a>>,
    turn: Turn<'a>,
    /// Of the states and the trunk.
    bytes: usize,
    /// Of the patched runs.
    rows: usize,
    memory: usize,
}

impl<'a> Turns<'a> {
    fn add(&mut self, prompt: usize, sample: usize, opening: &'a Opening, sizes: Sizes) {
        let (states, rows) = (opening.bytes(sizes), opening.rows(sizes));
        let trunk = self.turn.missing_trunk(prompt, sample..sample + 1, sizes);
        let bytes = self.bytes + states + trunk + buffers(self.rows + rows, sizes);
        if !self.turn.openings.is_empty() && bytes > self.memory {
            self.end_turn();
        }
        self.needs_trunk(prompt, sample..sample + 1, sizes);
        self.bytes += states;
        self.rows += rows;
        self.turn.openings.push(Opened { member: self.turn.members.len() - 1, sample, opening });
    }

    fn end_turn(&mut self) {
        self.done.push(std::mem::take(&mut self.turn));
        (self.bytes, self.rows) = (0, 0);
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

/// Memory of the buffers of all tasks, about, when a turn has so many rows at the end of the sweep.
fn buffers(rows: usize, sizes: Sizes) -> usize {
    let n_threads = rayon::current_num_threads();
    n_threads * task_rows(rows).min(rows) * sizes.buffer_row * size_of::<f32>()
}

/// The memory that a trace takes at least beside the model's weights, in bytes: with less, it takes this nevertheless.
///
/// Nothing for the naive engine, whose memory is not bounded, and for a case that cannot be traced.
#[must_use]
pub fn least_memory(model: &Model, case: &Case<'_>, config: &TraceConfig) -> usize {
    let Ok(span) = corrupted_span(case.prompt, case.counterpart, &config.corruption) else { return 0 };
    if config.engine == Engine::Naive {
        return 0;
    }
    let sizes = Sizes::new(model, case.prompt.seq_len(), span.start);
    let trunk = Turn::default().missing_trunk(0, 0..1, sizes);
    let openings = Plan::new(config, sizes).openings;
    let of = |opening: &Opening| opening.bytes(sizes) + buffers(opening.rows(sizes), sizes);
    trunk + openings.iter().map(of).max().unwrap_or(0)
}

/// The least work of a trace in floating-point operations: 24·d² for each row and full layer that a patched run has
/// after its first, and 2·d·V for each run and sample in the head. Attention's scores, the trunk, and what the first
/// and the last layer save are left out.
///
/// For the residual grid this is 24·d²·S·Σ (T−i)·L(L−1)/2 plus the head, for a dense block of 12·d² weights. Nothing
/// for a case that cannot be traced.
#[must_use]
pub fn minimal_operations(model: &Model, case: &Case<'_>, config: &TraceConfig) -> f64 {
    let Ok(span) = corrupted_span(case.prompt, case.counterpart, &config.corruption) else { return 0.0 };
    let sizes = Sizes::new(model, case.prompt.seq_len(), span.start);
    let plan = Plan::new(config, sizes);
    let row_layers = plan.row_layers(sizes);
    let runs: usize = plan.openings.iter().map(|opening| opening.ends.len()).sum();
    let (samples, width) = (config.corruption.samples as f64, sizes.d_model as f64);
    let head = 2.0 * width * model.architecture().d_vocab as f64 * runs as f64;
    samples * (24.0 * width * width * row_layers as f64 + head)
}

/// About how many floating-point operations a trace takes with the configured engine: what work is shared out by.
/// Attention's scores are left out.
#[must_use]
pub fn estimated_operations(model: &Model, case: &Case<'_>, config: &TraceConfig) -> f64 {
    match config.engine {
        Engine::Wavefront => minimal_operations(model, case, config),
        Engine::Naive => {
            let architecture = model.architecture();
            let (seq_len, n_layers) = (case.prompt.seq_len() as f64, architecture.n_layers as f64);
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
    /// The prompts that have a step's sites, all samples of them, after this turn.
    pub completes: Vec<usize>,
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

    /// Rows of its runs at the end of the sweep.
    fn rows(&self, sizes: Sizes) -> usize {
        self.ends.len() * (sizes.seq_len - self.first_carried)
    }

    /// Memory of its states at the end of the sweep, where the last tokens are there twice more.
    fn bytes(&self, sizes: Sizes) -> usize {
        (self.rows(sizes) + 2 * self.ends.len()) * sizes.d_model * size_of::<f32>()
    }
}

/// The sample's base or source run, as an index into clean (0) and corrupted (1 + sample) runs.
pub(crate) fn run_of(known: Known, direction: Direction, sample: usize) -> usize {
    match (known, direction) {
        (Known::Base, Direction::Denoise) | (Known::Source, Direction::Noise) => 1 + sample,
        (Known::Source, Direction::Denoise) | (Known::Base, Direction::Noise) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_alike() {
        let n_tokens = 12;
        for n_layers in [8, 12, 48] {
            for n_steps in 2..=10 {
                let mut layers = vec![Vec::new(); n_steps];
                for index in 0..n_tokens * n_layers {
                    layers[dealt_to(index, n_steps)].push(index % n_layers);
                }
                let (fair, middle) = (n_tokens * n_layers / n_steps, (n_layers - 1) as f64 / 2.0);
                for layers in layers {
                    assert!(layers.len().abs_diff(fair) <= 3, "{} openings of {fair}", layers.len());
                    let mean = layers.iter().sum::<usize>() as f64 / layers.len() as f64;
                    let off = (mean - middle).abs() / n_layers as f64;
                    assert!(off < 0.15, "{n_layers} layers, {n_steps} steps: mean layer {mean}");
                }
            }
        }
    }
}
