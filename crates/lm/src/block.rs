//! One decoder block. [`Block::forward`] reads like the paper; the steps it consists of are public, so that an
//! engine can leave out those whose results it knows.
//!
//! Rows are tokens of any number of runs. Only attention knows which rows belong together.

use causal_trace_core::Component;

use crate::kernels::{
    AttentionShape, KeyValues, Linear, Norm, Packed, Queries, Run, Threads, activate, activate_gated,
    add_rows, attention, linear_activated, linear_packed, norm, rotate,
};
use crate::rope::RopeTable;
use crate::{Activation, Wiring};

/// Called with the output of attention or of the mlp of all rows, before it is added to the residual stream, and
/// between them with the residual stream ([`Component::ResidMid`]) where the mlp reads it: to read it or to change it.
/// `[rows, d_model]`.
pub type Edit<'a> = dyn FnMut(Component, &mut [f32]) + 'a;

/// One decoder block.
#[derive(Debug, Clone)]
pub struct Block {
    pub(crate) wiring: Wiring,
    pub(crate) shape: AttentionShape,
    pub(crate) attention_norm: Norm,
    pub(crate) qkv: Linear,
    pub(crate) qk_norms: Option<[Norm; 2]>,
    pub(crate) attention_out: Linear,
    pub(crate) attention_post_norm: Option<Norm>,
    /// Absent where the mlp shares attention's.
    pub(crate) mlp_norm: Option<Norm>,
    pub(crate) activation: Activation,
    pub(crate) gated: bool,
    pub(crate) mlp_in: Linear,
    pub(crate) mlp_out: Linear,
    pub(crate) mlp_post_norm: Option<Norm>,
}

/// Buffers that a thread reuses from block to block.
#[derive(Debug, Default)]
pub struct Scratch {
    packed: Packed,
    activated: Packed,
    normed: Vec<f32>,
    middle: Vec<f32>,
    gated: Vec<f32>,
    branch: Vec<f32>,
    mlp: Vec<f32>,
    context: Vec<f32>,
    qkv: Vec<f32>,
}

impl Block {
    /// Width of the residual stream.
    #[must_use]
    pub fn d_model(&self) -> usize {
        self.attention_norm.width()
    }

    /// Width of a row of queries, keys and values together: `[queries | keys | values]`.
    #[must_use]
    pub fn d_qkv(&self) -> usize {
        self.qkv.n_out()
    }

    /// Width of the queries; the keys follow them in a row of [`Block::project`].
    #[must_use]
    pub fn d_queries(&self) -> usize {
        self.shape.n_heads * self.shape.d_head
    }

    fn d_keys(&self) -> usize {
        self.shape.n_kv_heads * self.shape.d_head
    }

    /// The block on the rows of some runs, in place.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`, the runs' rows after each other. The runs' prefixes lie in these same rows.
    pub fn forward(
        &self,
        x: &mut [f32],
        runs: &[Run],
        rope: Option<&RopeTable>,
        threads: Threads,
        scratch: &mut Scratch,
        edit: &mut Edit<'_>,
    ) {
        let mut qkv = std::mem::take(&mut scratch.qkv);
        self.project(x, runs, rope, threads, scratch, &mut qkv);
        let mut context = std::mem::take(&mut scratch.context);
        self.attend(&qkv, &qkv, runs, &mut context);
        self.finish(x, &context, threads, scratch, edit);
        (scratch.qkv, scratch.context) = (qkv, context);
    }

    /// Queries, keys and values of every row: norm, linear map, norms of queries and keys, rotation.
    ///
    /// # Shapes
    /// `qkv` becomes `[rows, d_qkv]`.
    pub fn project(
        &self,
        x: &[f32],
        runs: &[Run],
        rope: Option<&RopeTable>,
        threads: Threads,
        scratch: &mut Scratch,
        qkv: &mut Vec<f32>,
    ) {
        let positions = || runs.iter().flat_map(Run::positions);
        self.project_part(x, 0..self.d_qkv(), positions(), rope, threads, scratch, qkv);
    }

    /// Keys and values only: `[rows, d_qkv − d_queries]`.
    pub fn project_keys_values(
        &self,
        x: &[f32],
        runs: &[Run],
        rope: Option<&RopeTable>,
        scratch: &mut Scratch,
        keys_values: &mut Vec<f32>,
    ) {
        let positions = runs.iter().flat_map(Run::positions);
        self.project_part(
            x,
            self.d_queries()..self.d_qkv(),
            positions,
            rope,
            Threads::One,
            scratch,
            keys_values,
        );
    }

    /// Queries only, of rows that are the last tokens of their runs: `[runs, d_queries]`.
    pub fn project_last_queries(
        &self,
        x: &[f32],
        runs: &[Run],
        rope: Option<&RopeTable>,
        scratch: &mut Scratch,
        queries: &mut Vec<f32>,
    ) {
        let positions = runs.iter().map(|run| run.start + run.len - 1);
        self.project_part(x, 0..self.d_queries(), positions, rope, Threads::One, scratch, queries);
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where all of a projection comes together")]
    fn project_part(
        &self,
        x: &[f32],
        features: std::ops::Range<usize>,
        positions: impl Iterator<Item = usize> + Clone,
        rope: Option<&RopeTable>,
        threads: Threads,
        scratch: &mut Scratch,
        out: &mut Vec<f32>,
    ) {
        let rows = x.len() / self.d_model();
        let stride = features.len();
        norm_packed(&self.attention_norm, x, &self.qkv, scratch);
        linear_packed(&scratch.packed, &self.qkv, features.clone(), resized(out, rows * stride), threads);
        // Queries, then keys, of those features that were asked for; values stay as they are.
        let (d_queries, d_keys) = (self.d_queries(), self.d_keys());
        let parts = [0..d_queries, d_queries..d_queries + d_keys];
        for (index, part) in parts.into_iter().enumerate() {
            if !features.contains(&part.start) {
                continue;
            }
            let heads = part.start - features.start..part.end - features.start;
            if let Some(norms) = &self.qk_norms {
                norm_heads(&norms[index], out, stride, heads.clone(), scratch);
            }
            if let Some(table) = rope {
                rotate(table, positions.clone(), out, stride, heads, self.shape.d_head);
            }
        }
    }

    /// Attention of every token over its run and the run's prefix in `shared`; both as [`Block::project`]
    /// gives them.
    ///
    /// # Shapes
    /// `context` becomes `[rows, d_queries]`.
    pub fn attend(&self, qkv: &[f32], shared: &[f32], runs: &[Run], context: &mut Vec<f32>) {
        let rows = qkv.len() / self.d_qkv();
        let queries = Queries { data: qkv, stride: self.d_qkv(), last_only: false };
        let context = resized(context, rows * self.d_queries());
        attention(self.shape, queries, self.key_values(qkv), self.key_values(shared), runs, context);
    }

    /// The same for the last token of every run only, whose keys and values come from
    /// [`Block::project_keys_values`].
    ///
    /// # Shapes
    /// `queries` `[runs, d_queries]`; `context` becomes `[runs, d_queries]`.
    pub fn attend_last(
        &self,
        queries: &[f32],
        keys_values: &[f32],
        shared: &[f32],
        runs: &[Run],
        context: &mut Vec<f32>,
    ) {
        let own = KeyValues {
            data: keys_values,
            stride: self.d_qkv() - self.d_queries(),
            keys: 0,
            values: self.d_keys(),
        };
        let queries = Queries { data: queries, stride: self.d_queries(), last_only: true };
        let context = resized(context, runs.len() * self.d_queries());
        attention(self.shape, queries, own, self.key_values(shared), runs, context);
    }

    /// The same for the last token of every run only, of whole rows as [`Block::project`] gives them, with
    /// the queries picked out.
    ///
    /// # Shapes
    /// `queries` `[runs, d_queries]`; `context` becomes `[runs, d_queries]`.
    pub fn attend_last_of_projected(
        &self,
        queries: &[f32],
        qkv: &[f32],
        shared: &[f32],
        runs: &[Run],
        context: &mut Vec<f32>,
    ) {
        let queries = Queries { data: queries, stride: self.d_queries(), last_only: true };
        let context = resized(context, runs.len() * self.d_queries());
        attention(self.shape, queries, self.key_values(qkv), self.key_values(shared), runs, context);
    }

    fn key_values<'a>(&self, data: &'a [f32]) -> KeyValues<'a> {
        let keys = self.d_queries();
        KeyValues { data, stride: self.d_qkv(), keys, values: keys + self.d_keys() }
    }

    /// Everything after attention: its output map, the mlp, and the additions to the residual stream.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]` in place, `context` `[rows, d_queries]`.
    pub fn finish(
        &self,
        x: &mut [f32],
        context: &[f32],
        threads: Threads,
        scratch: &mut Scratch,
        edit: &mut Edit<'_>,
    ) {
        let mut branch = std::mem::take(&mut scratch.branch);
        scratch.packed.pack(&self.attention_out, context);
        let out = resized(&mut branch, x.len());
        linear_packed(&scratch.packed, &self.attention_out, 0..self.d_model(), out, threads);
        self.finish_from_attention(x, &mut branch, threads, scratch, edit);
        scratch.branch = branch;
    }

    /// The same when attention's output is known.
    ///
    /// # Shapes
    /// Both `[rows, d_model]`; `x` in place, `attention_out` is used up.
    pub fn finish_from_attention(
        &self,
        x: &mut [f32],
        attention_out: &mut [f32],
        threads: Threads,
        scratch: &mut Scratch,
        edit: &mut Edit<'_>,
    ) {
        edit(Component::Attention, attention_out);
        let mut mlp_out = std::mem::take(&mut scratch.mlp);
        resized(&mut mlp_out, x.len());
        if self.wiring == Wiring::Sequential {
            add_branch(x, attention_out, self.attention_post_norm.as_ref(), scratch);
            edit(Component::ResidMid, x);
            self.mlp(x, &mut mlp_out, threads, scratch);
        } else {
            self.mlp(x, &mut mlp_out, threads, scratch);
            add_branch(x, attention_out, self.attention_post_norm.as_ref(), scratch);
        }
        edit(Component::Mlp, &mut mlp_out);
        add_branch(x, &mut mlp_out, self.mlp_post_norm.as_ref(), scratch);
        scratch.mlp = mlp_out;
    }

    /// The residual stream when both outputs are known.
    ///
    /// # Shapes
    /// All `[rows, d_model]`; `x` in place, the outputs are used up.
    pub fn finish_from_outputs(
        &self,
        x: &mut [f32],
        attention_out: &mut [f32],
        mlp_out: &mut [f32],
        scratch: &mut Scratch,
    ) {
        add_branch(x, attention_out, self.attention_post_norm.as_ref(), scratch);
        add_branch(x, mlp_out, self.mlp_post_norm.as_ref(), scratch);
    }

    fn mlp(&self, x: &[f32], out: &mut [f32], threads: Threads, scratch: &mut Scratch) {
        norm_packed(self.mlp_norm.as_ref().unwrap_or(&self.attention_norm), x, &self.mlp_in, scratch);
        let Scratch { packed, activated, middle, gated, .. } = scratch;
        if self.gated || threads == Threads::All {
            let rows = x.len() / self.d_model();
            let middle = resized(middle, rows * self.mlp_in.n_out());
            linear_packed(packed, &self.mlp_in, 0..self.mlp_in.n_out(), middle, threads);
            let width = self.mlp_out.n_in();
            if self.gated {
                let gated = resized(gated, rows * width);
                activate_gated(self.activation, width, middle, gated);
                activated.pack(&self.mlp_out, gated);
            } else {
                activate(self.activation, middle);
                activated.pack(&self.mlp_out, middle);
            }
        } else {
            linear_activated(packed, &self.mlp_in, self.activation, &self.mlp_out, activated);
        }
        linear_packed(activated, &self.mlp_out, 0..self.d_model(), out, threads);
    }
}

/// Normalises every row and packs it for a map, in `scratch.packed`.
fn norm_packed(by: &Norm, x: &[f32], map: &Linear, scratch: &mut Scratch) {
    let width = by.width();
    scratch.packed.reset(map, x.len() / width);
    let normed = resized(&mut scratch.normed, width);
    for (row, x) in x.chunks_exact(width).enumerate() {
        norm(by, x, normed);
        scratch.packed.write(row, normed);
    }
}

/// Adds attention's or the mlp's output to the residual stream, through its norm if there is one.
fn add_branch(x: &mut [f32], branch: &mut [f32], post_norm: Option<&Norm>, scratch: &mut Scratch) {
    match post_norm {
        None => add_rows(x, branch),
        Some(post_norm) => {
            let normed = resized(&mut scratch.normed, branch.len());
            norm(post_norm, branch, normed);
            add_rows(x, normed);
        }
    }
}

/// Normalises some heads of every row, in place.
fn norm_heads(
    head_norm: &Norm,
    x: &mut [f32],
    stride: usize,
    heads: std::ops::Range<usize>,
    scratch: &mut Scratch,
) {
    for row in x.chunks_exact_mut(stride) {
        let heads = &mut row[heads.clone()];
        let normed = resized(&mut scratch.normed, heads.len());
        norm(head_norm, heads, normed);
        heads.copy_from_slice(normed);
    }
}

/// A buffer of the given length; what it held may still be there.
fn resized(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    } else {
        buffer.truncate(len);
    }
    buffer
}
