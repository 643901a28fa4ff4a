//! The clean run and the corrupted runs, a layer ahead of the patched runs, which start from their states and
//! read their keys and values.

use std::ops::Range;

use causal_trace_core::Component;
use causal_trace_lm::kernels::{Run, Threads};
use causal_trace_lm::{Architecture, Block, Model, RopeTable, Scratch};

use crate::corrupt::Embeddings;

/// The clean run and some corrupted runs of some prompts at one layer. Corrupted runs carry only the tokens from
/// the first corrupted one on; those before are the clean run's.
#[derive(Debug)]
pub(crate) struct Trunk {
    prompts: Vec<PromptRuns>,
    d_model: usize,
    runs: Vec<Run>,
    /// The runs at the layer they have reached.
    pub at: TrunkLayer,
}

/// Where the runs of one prompt lie.
#[derive(Debug)]
struct PromptRuns {
    first_row: usize,
    seq_len: usize,
    first_corrupted: usize,
    samples: Range<usize>,
}

/// A run of the trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrunkRun {
    /// Its prompt's place among those of the trunk.
    pub member: usize,
    /// 0 is the clean run, 1 + sample a corrupted one.
    pub run: usize,
}

/// All rows of the trunk's runs at one layer.
#[derive(Debug, Default)]
pub(crate) struct TrunkLayer {
    /// Before the layer, `[rows, d_model]`.
    pub x_in: Vec<f32>,
    /// The layer's queries, keys and values, `[rows, d_qkv]`.
    pub qkv: Vec<f32>,
    /// Attention's output, `[rows, d_model]`.
    pub attention_out: Vec<f32>,
    /// The mlp's output, `[rows, d_model]`.
    pub mlp_out: Vec<f32>,
    /// After the layer, `[rows, d_model]`.
    pub x: Vec<f32>,
}

/// What computing a layer of the trunk takes, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    scratch: Scratch,
    context: Vec<f32>,
}

impl TrunkLayer {
    /// How many numbers a token takes, in the two layers that a sweep holds at once and in the buffers of the block
    /// between them.
    pub(crate) fn row(architecture: &Architecture) -> usize {
        2 * (4 * architecture.d_model + architecture.d_qkv()) + architecture.buffer_width()
    }
}

impl Trunk {
    /// The runs of some prompts and samples before the first layer: only `at.x` is there.
    pub(crate) fn new(model: &Model, members: &[(&Embeddings, Range<usize>)]) -> Self {
        let d_model = model.architecture().d_model;
        let (mut x, mut runs, mut prompts) = (Vec::new(), Vec::new(), Vec::new());
        for (embeddings, samples) in members {
            let seq_len = embeddings.clean.len() / d_model;
            let (first_row, first) = (x.len() / d_model, embeddings.span.start);
            x.extend_from_slice(&embeddings.clean);
            runs.push(Run { start: 0, len: seq_len, prefix: Vec::new() });
            for sample in samples.clone() {
                x.extend(embeddings.corrupted_from(sample, first));
                let prefix = Vec::from_iter((first > 0).then_some(first_row..first_row + first));
                runs.push(Run { start: first, len: seq_len - first, prefix });
            }
            prompts.push(PromptRuns { first_row, seq_len, first_corrupted: first, samples: samples.clone() });
        }
        model.enter(&mut x, runs.iter().flat_map(Run::positions));
        let at = TrunkLayer { x, ..TrunkLayer::default() };
        Trunk { prompts, d_model, runs, at }
    }

    /// Number of tokens of a prompt.
    pub(crate) fn seq_len(&self, member: usize) -> usize {
        self.prompts[member].seq_len
    }

    /// All runs at the layer after the one they have reached, in the buffers of `layer`, which are used again.
    pub(crate) fn next(
        &self,
        block: &Block,
        rope: Option<&RopeTable>,
        layer: &mut TrunkLayer,
        Buffers { scratch, context }: &mut Buffers,
    ) {
        let TrunkLayer { x_in, qkv, attention_out, mlp_out, x } = layer;
        x_in.clone_from(&self.at.x);
        x.clone_from(&self.at.x);
        block.project(x, &self.runs, rope, Threads::All, scratch, qkv);
        block.attend(qkv, qkv, &self.runs, context);
        let mut keep = |component: Component, states: &mut [f32]| {
            let kept = match component {
                Component::Attention => &mut *attention_out,
                Component::Mlp => &mut *mlp_out,
                _ => return,
            };
            kept.clear();
            kept.extend_from_slice(states);
        };
        block.finish(x, context, Threads::All, scratch, &mut keep);
    }

    /// Takes all runs through a block, on the calling thread, and keeps nothing of what happens there.
    pub(crate) fn pass(&mut self, block: &Block, rope: Option<&RopeTable>, scratch: &mut Scratch) {
        block.forward(&mut self.at.x, &self.runs, rope, Threads::One, scratch, &mut |_, _| {});
    }

    /// The row of a token of a run.
    pub(crate) fn row(&self, TrunkRun { member, run }: TrunkRun, token: usize) -> usize {
        let prompt = &self.prompts[member];
        if run == 0 || token < prompt.first_corrupted {
            return prompt.first_row + token;
        }
        let corrupted = run - 1 - prompt.samples.start;
        let len = prompt.seq_len - prompt.first_corrupted;
        prompt.first_row + prompt.seq_len + corrupted * len + token - prompt.first_corrupted
    }

    /// The state of a token of a run, from one of this trunk's `[rows, d_model]` buffers.
    pub(crate) fn state<'a>(&self, buffer: &'a [f32], run: TrunkRun, token: usize) -> &'a [f32] {
        let start = self.row(run, token) * self.d_model;
        &buffer[start..start + self.d_model]
    }

    /// Where the keys and values of a run's tokens before `token` lie.
    pub(crate) fn prefix(&self, run: TrunkRun, token: usize) -> Vec<Range<usize>> {
        let PromptRuns { first_row, first_corrupted, .. } = self.prompts[run.member];
        let shared = token.min(first_corrupted);
        let own = self.row(run, shared)..self.row(run, shared) + token - shared;
        [first_row..first_row + shared, own].into_iter().filter(|rows| !rows.is_empty()).collect()
    }

    /// All runs of a prompt, clean first.
    pub(crate) fn runs_of(&self, member: usize) -> impl Iterator<Item = TrunkRun> {
        let corrupted = self.prompts[member].samples.clone().map(|sample| 1 + sample);
        std::iter::once(0).chain(corrupted).map(move |run| TrunkRun { member, run })
    }

    /// A run's state at its last token.
    pub(crate) fn last_state(&self, run: TrunkRun) -> &[f32] {
        self.state(&self.at.x, run, self.seq_len(run.member) - 1)
    }
}
