//! Which patched runs open at which layer, which need no run at all, and which share one.

use std::collections::BTreeMap;

use causal_trace_core::{Component, Direction, Engine, Site, TraceConfig};
use causal_trace_lm::Model;

use crate::corrupt::corrupted_span;
use crate::trace::Case;
use crate::trunk::TrunkLayer;

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
    pub(crate) fn most_steps(&self, sizes: Sizes, n_samples: usize) -> usize {
        let trunk = (sizes.seq_len + n_samples * (sizes.seq_len - sizes.first_corrupted)) * sizes.n_layers;
        let patched = n_samples * self.row_layers(sizes);
        (1 + patched / (COST_OF_STEPS * trunk)).min(self.openings.len()).max(1)
    }
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

impl Opening {
    /// How many runs have parted from the longest patched by `layer`.
    fn parted(&self, layer: usize) -> usize {
        let longest = self.ends.len() - 1;
        self.ends[..longest].iter().filter(|(end, _)| *end <= layer).count()
    }

    /// Rows of its runs at the end of the sweep.
    pub(crate) fn rows(&self, sizes: Sizes) -> usize {
        self.ends.len() * (sizes.seq_len - self.first_carried)
    }

    /// Memory of its states at the end of the sweep, where the last tokens are there twice more.
    pub(crate) fn bytes(&self, sizes: Sizes) -> usize {
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
