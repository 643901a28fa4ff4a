//! The patched runs that have begun, and their states.

use std::ops::Range;

use causal_trace_core::{Component, Direction};
use causal_trace_lm::kernels::{Run, Threads};
use causal_trace_lm::{Block, Model, Scratch};

use crate::plan::{Known, Opening, Patched, SiteLayer, run_of};
use crate::trunk::{Trunk, TrunkRun};
use crate::turns::{Opened, Turn};

/// Where a patched run comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub patched: Patched,
    /// See [`Opening::severed`].
    pub severed: Option<Component>,
    pub token: usize,
    /// See [`Opening::first_carried`].
    pub first_carried: usize,
    pub sample: usize,
    /// The run that was patched, and the run its patches come from.
    pub base: TrunkRun,
    pub source: TrunkRun,
    /// The next layer is patched too.
    pub patching: bool,
    /// The sites it stands for: see [`Opening::ends`].
    pub ends: Vec<(usize, Vec<SiteLayer>)>,
}

impl Origin {
    /// What the layers set in the patched token's row, and the run that it comes from.
    pub(crate) fn held(&self) -> impl Iterator<Item = (Component, TrunkRun)> {
        let patched = match self.patched {
            Patched::Stream => Component::Residual,
            Patched::Mlp => Component::Mlp,
            Patched::Attention => Component::Attention,
        };
        let severed = self.severed.map(|component| (component, self.base));
        self.patching.then_some((patched, self.source)).into_iter().chain(severed)
    }
}

/// The patched runs that have begun; the three lists go together.
#[derive(Debug)]
pub(crate) struct Live {
    pub n_layers: usize,
    d_model: usize,
    direction: Direction,
    pub runs: Vec<Run>,
    pub origins: Vec<Origin>,
    /// The runs' states after each other, `[rows, d_model]`; after the last layer, of each only the last token.
    pub x: Vec<f32>,
    /// Runs from this index on began at the layer before.
    pub first_fresh: usize,
    scratch: Scratch,
}

impl Live {
    pub(crate) fn new(model: &Model, trunk: &Trunk, turn: &Turn<'_>, direction: Direction) -> Self {
        let rows = |opened: &Opened<'_>| {
            opened.opening.ends.len() * (trunk.seq_len(opened.member) - opened.opening.first_carried)
        };
        let rows: usize = turn.openings.iter().map(rows).sum();
        let (n_layers, d_model) = (model.architecture().n_layers, model.architecture().d_model);
        Live {
            n_layers,
            d_model,
            direction,
            runs: Vec::new(),
            origins: Vec::new(),
            x: Vec::with_capacity(rows * d_model),
            first_fresh: 0,
            scratch: Scratch::default(),
        }
    }

    /// After `layer`: the sites whose window ends here stop being patched; where others go on, they get a run
    /// of their own.
    pub(crate) fn split_off(&mut self, layer: usize) {
        let next = layer + 1;
        if next == self.n_layers {
            return;
        }
        let mut first_row = 0;
        for index in 0..self.runs.len() {
            let len = self.runs[index].len;
            let origin = &mut self.origins[index];
            if origin.patching && origin.ends[0].0 == next {
                if origin.ends.len() == 1 {
                    origin.patching = false;
                } else {
                    let ended = origin.ends.remove(0);
                    let split = Origin { patching: false, ends: vec![ended], ..origin.clone() };
                    self.origins.push(split);
                    self.runs.push(self.runs[index].clone());
                    let d_model = self.d_model;
                    self.x.extend_from_within(first_row * d_model..(first_row + len) * d_model);
                }
            }
            first_row += len;
        }
    }

    /// Begins the runs that open when so many layers have been passed. The trunk is at the last of these layers, which
    /// is `block`; for none, at the first layer, of which only the input is read.
    pub(crate) fn open(&mut self, block: &Block, passed: usize, trunk: &Trunk, turn: &Turn<'_>) {
        self.first_fresh = self.runs.len();
        for opened in turn.openings.iter().filter(|opened| opened.opening.opens == passed) {
            self.begin(block, passed, trunk, opened);
        }
    }

    fn begin(&mut self, block: &Block, passed: usize, trunk: &Trunk, opened: &Opened<'_>) {
        let &Opened { member, sample, opening } = opened;
        let &Opening { patched, severed, token, first_carried, .. } = opening;
        let states = if passed == 0 { &trunk.at.x_in } else { &trunk.at.x };
        let run = |known| TrunkRun { member, run: run_of(known, self.direction, sample) };
        let (base, source) = (run(Known::Base), run(Known::Source));
        let (first, seq_len) = (self.x.len(), trunk.seq_len(member));
        for token in first_carried..seq_len {
            self.x.extend_from_slice(trunk.state(states, base, token));
        }
        let mut prefix = trunk.prefix(base, token);
        if first_carried == token {
            let row = first..first + self.d_model;
            if passed == 0 || patched == Patched::Stream {
                self.x[row].copy_from_slice(trunk.state(states, source, token));
            } else {
                self.patch_first(block, trunk, patched, token, [base, source], row);
            }
        } else {
            let row = trunk.row(source, token);
            prefix.push(row..row + 1);
        }
        let run = Run { start: first_carried, len: seq_len - first_carried, prefix };
        self.runs.push(run);
        let mut ends = opening.ends.clone();
        let origin = |patching: bool, ends: Vec<(usize, Vec<SiteLayer>)>| Origin {
            patched,
            severed,
            token,
            first_carried,
            sample,
            base,
            source,
            patching,
            ends,
        };
        if ends.len() > 1 && ends[0].0 == passed {
            // The shortest window is this layer alone: its run parts from the others at once.
            let ended = ends.remove(0);
            self.duplicate_last(origin(false, vec![ended]));
        }
        let patching = ends[0].0 > passed;
        self.origins.push(origin(patching, ends));
    }

    /// Sets the patched token's row of `self.x` to what the layer makes of it with a patched output.
    fn patch_first(
        &mut self,
        block: &Block,
        trunk: &Trunk,
        patched: Patched,
        token: usize,
        [base, source]: [TrunkRun; 2],
        row: Range<usize>,
    ) {
        let row = &mut self.x[row];
        row.copy_from_slice(trunk.state(&trunk.at.x_in, base, token));
        let attention = if patched == Patched::Attention { source } else { base };
        let mut attention_out = trunk.state(&trunk.at.attention_out, attention, token).to_vec();
        if patched == Patched::Mlp {
            let mut mlp_out = trunk.state(&trunk.at.mlp_out, source, token).to_vec();
            block.finish_from_outputs(row, &mut attention_out, &mut mlp_out, &mut self.scratch);
        } else {
            let scratch = &mut self.scratch;
            block.finish_from_attention(row, &mut attention_out, Threads::One, scratch, &mut |_, _| {});
        }
    }

    /// Inserts a copy of the run that was just begun, before its origin is known.
    fn duplicate_last(&mut self, origin: Origin) {
        let Some(run) = self.runs.last().cloned() else { return };
        let first = self.x.len() - run.len * self.d_model;
        self.x.extend_from_within(first..);
        self.runs.push(run);
        self.origins.push(origin);
    }
}
