//! The clean run and the corrupted runs, a layer ahead of the patched runs, which start from their states and
//! read their keys and values.

use std::ops::Range;

use causal_trace_core::Component;
use causal_trace_lm::kernels::{Run, Threads};
use causal_trace_lm::{Block, Model, RopeTable, Scratch};

use crate::corrupt::Embeddings;

/// The clean run and some corrupted runs at one layer. Corrupted runs carry only the tokens from the first
/// corrupted one on; those before are the clean run's.
#[derive(Debug)]
pub(crate) struct Trunk {
    samples: Range<usize>,
    first_corrupted: usize,
    seq_len: usize,
    d_model: usize,
    runs: Vec<Run>,
    /// The runs at the layer they have reached.
    pub at: TrunkLayer,
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

impl Trunk {
    /// The runs before the first layer: only `at.x` is there.
    pub(crate) fn new(model: &Model, embeddings: &Embeddings, samples: Range<usize>) -> Self {
        let d_model = embeddings.d_model;
        let seq_len = embeddings.clean.len() / d_model;
        let first = embeddings.span.start;
        let mut x = embeddings.clean.clone();
        let mut runs = vec![Run { start: 0, len: seq_len, prefix: Vec::new() }];
        for sample in samples.clone() {
            x.extend(embeddings.corrupted_from(sample, first));
            let prefix = Vec::from_iter((first > 0).then_some(0..first));
            runs.push(Run { start: first, len: seq_len - first, prefix });
        }
        model.enter(&mut x, runs.iter().flat_map(Run::positions));
        let at = TrunkLayer { x, ..TrunkLayer::default() };
        Trunk { samples, first_corrupted: first, seq_len, d_model, runs, at }
    }

    /// All runs at the layer after the one they have reached, in the buffers of `layer`, which are used again.
    pub(crate) fn next(&self, block: &Block, rope: Option<&RopeTable>, layer: &mut TrunkLayer) {
        let mut scratch = Scratch::default();
        let mut context = Vec::new();
        let TrunkLayer { x_in, qkv, attention_out, mlp_out, x } = layer;
        x_in.clone_from(&self.at.x);
        x.clone_from(&self.at.x);
        block.project(x, &self.runs, rope, Threads::All, &mut scratch, qkv);
        block.attend(qkv, qkv, &self.runs, &mut context);
        let mut keep = |component: Component, states: &mut [f32]| {
            let kept = match component {
                Component::Attention => &mut *attention_out,
                Component::Mlp | Component::Residual => &mut *mlp_out,
            };
            kept.clear();
            kept.extend_from_slice(states);
        };
        block.finish(x, &context, Threads::All, &mut scratch, &mut keep);
    }

    /// The row of a token of a run: 0 is the clean run, 1 + sample a corrupted one.
    pub(crate) fn row(&self, run: usize, token: usize) -> usize {
        if run == 0 || token < self.first_corrupted {
            return token;
        }
        let corrupted = run - 1 - self.samples.start;
        let len = self.seq_len - self.first_corrupted;
        self.seq_len + corrupted * len + token - self.first_corrupted
    }

    /// The state of a token of a run, from one of this trunk's `[rows, d_model]` buffers.
    pub(crate) fn state<'a>(&self, buffer: &'a [f32], run: usize, token: usize) -> &'a [f32] {
        let start = self.row(run, token) * self.d_model;
        &buffer[start..start + self.d_model]
    }

    /// Where the keys and values of a run's tokens before `token` lie.
    pub(crate) fn prefix(&self, run: usize, token: usize) -> Vec<Range<usize>> {
        let shared = token.min(self.first_corrupted);
        let own = self.row(run, shared)..self.row(run, shared) + token - shared;
        [0..shared, own].into_iter().filter(|rows| !rows.is_empty()).collect()
    }

    /// The last token's states of all runs, clean first: `[1 + samples, d_model]`.
    pub(crate) fn last_states(&self) -> Vec<f32> {
        let corrupted = self.samples.clone().map(|sample| 1 + sample);
        let runs = std::iter::once(0).chain(corrupted);
        runs.flat_map(|run| self.state(&self.at.x, run, self.seq_len - 1)).copied().collect()
    }
}
