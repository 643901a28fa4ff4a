//! Causal self-attention over packed sentences, with or without GPT-J's rotary positions.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Maps rows of queries, keys and values side by side, `[rows, 3 · width]`, to `[rows, width]`.
pub struct Attention {
    pub heads: usize,
    /// Number of tokens of each sentence, in the order of the rows.
    pub lengths: Arc<Vec<usize>>,
    pub rotary: Option<Rotary>,
}

/// Rotary positions: pairs of neighbouring features are turned, in the first `dim` features of a head.
#[derive(Clone)]
pub struct Rotary {
    dim: usize,
    /// Sine and cosine per position and pair.
    turns: Arc<Vec<(f32, f32)>>,
}

impl Rotary {
    /// The angles for a number of positions.
    pub fn new(dim: usize, positions: usize) -> Self {
        let rate = |pair: usize| 10_000f64.powf(-2.0 * pair as f64 / dim as f64);
        let turn = |position, pair| (position as f64 * rate(pair)).sin_cos();
        let turns = (0..positions).flat_map(|position| (0..dim / 2).map(move |pair| turn(position, pair)));
        Self { dim, turns: Arc::new(turns.map(|(sin, cos)| (sin as f32, cos as f32)).collect()) }
    }

    /// Turns one head's features by the angles of a position, backwards if `sign` is −1.
    fn turn(&self, head: &mut [f32], position: usize, sign: f32) {
        let turns = &self.turns[position * self.dim / 2..][..self.dim / 2];
        for (pair, (sin, cos)) in head.chunks_exact_mut(2).zip(turns) {
            let (even, odd) = (pair[0], pair[1]);
            pair[0] = even * cos - sign * odd * sin;
            pair[1] = odd * cos + sign * even * sin;
        }
    }
}

/// The third of a row in which queries, keys or values stand.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

/// One attention head.
#[derive(Clone, Copy)]
struct Head {
    start: usize,
    dim: usize,
    width: usize,
}

impl Head {
    /// Where a token's query, key or value stands in rows of `3 · width`.
    fn part(self, which: usize, token: usize) -> Range<usize> {
        let start = (3 * token + which) * self.width + self.start;
        start..start + self.dim
    }

    /// Where a token's output stands in rows of `width`.
    fn output(self, token: usize) -> Range<usize> {
        let start = token * self.width + self.start;
        start..start + self.dim
    }

    fn scale(self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }

    /// How much a token attends to itself and each token before it.
    fn weights(self, qkv: &[f32], token: usize) -> Vec<f32> {
        let query = &qkv[self.part(QUERY, token)];
        let score = |j| dot(query, &qkv[self.part(KEY, j)]) * self.scale();
        let mut weights: Vec<f32> = (0..=token).map(score).collect();
        let max = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        weights.iter_mut().for_each(|w| *w = (*w - max).exp());
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        weights
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(sum: &mut [f32], x: &[f32], scale: f32) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += scale * x);
}

impl Attention {
    fn head_list(&self, width: usize) -> impl Iterator<Item = Head> {
        let dim = width / self.heads;
        (0..self.heads).map(move |head| Head { start: head * dim, dim, width })
    }

    /// Turns the queries and keys of a sentence.
    fn turn(&self, qkv: &mut [f32], width: usize, sign: f32) {
        let Some(rotary) = &self.rotary else { return };
        for position in 0..qkv.len() / (3 * width) {
            for head in self.head_list(width) {
                rotary.turn(&mut qkv[head.part(QUERY, position)], position, sign);
                rotary.turn(&mut qkv[head.part(KEY, position)], position, sign);
            }
        }
    }

    fn forward(&self, qkv: &[f32], out: &mut [f32], width: usize) {
        let mut qkv = qkv.to_vec();
        self.turn(&mut qkv, width, 1.0);
        for head in self.head_list(width) {
            for i in 0..out.len() / width {
                for (j, weight) in head.weights(&qkv, i).into_iter().enumerate() {
                    add_scaled(&mut out[head.output(i)], &qkv[head.part(VALUE, j)], weight);
                }
            }
        }
    }

    /// Writes the gradient of a sentence's queries, keys and values.
    fn backward(&self, qkv: &[f32], dout: &[f32], dqkv: &mut [f32], width: usize) {
        let mut qkv = qkv.to_vec();
        self.turn(&mut qkv, width, 1.0);
        for head in self.head_list(width) {
            for i in 0..dout.len() / width {
                let (dout, weights) = (&dout[head.output(i)], head.weights(&qkv, i));
                let dweights: Vec<f32> = (0..=i).map(|j| dot(dout, &qkv[head.part(VALUE, j)])).collect();
                let mean = dot(&weights, &dweights);
                for j in 0..=i {
                    let dscore = weights[j] * (dweights[j] - mean) * head.scale();
                    add_scaled(&mut dqkv[head.part(QUERY, i)], &qkv[head.part(KEY, j)], dscore);
                    add_scaled(&mut dqkv[head.part(KEY, j)], &qkv[head.part(QUERY, i)], dscore);
                    add_scaled(&mut dqkv[head.part(VALUE, j)], dout, weights[j]);
                }
            }
        }
        self.turn(dqkv, width, -1.0);
    }

    /// Cuts rows of `width` values into the sentences.
    fn sentences<'a>(&self, mut rows: &'a [f32], width: usize) -> Vec<&'a [f32]> {
        let mut parts = Vec::with_capacity(self.lengths.len());
        for &length in self.lengths.iter() {
            let (part, rest) = rows.split_at(length * width);
            parts.push(part);
            rows = rest;
        }
        parts
    }

    fn sentences_mut<'a>(&self, mut rows: &'a mut [f32], width: usize) -> Vec<&'a mut [f32]> {
        let mut parts = Vec::with_capacity(self.lengths.len());
        for &length in self.lengths.iter() {
            let (part, rest) = rows.split_at_mut(length * width);
            parts.push(part);
            rows = rest;
        }
        parts
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, features) = layout.shape().dims2()?;
        let width = features / 3;
        let qkv = super::operand(qkv, layout)?;
        let mut out = vec![0f32; rows * width];
        let parts = self.sentences_mut(&mut out, width);
        parts
            .into_par_iter()
            .zip(self.sentences(qkv, features))
            .for_each(|(out, qkv)| self.forward(qkv, out, width));
        Ok((CpuStorage::F32(out), Shape::from((rows, width))))
    }

    fn bwd(&self, qkv: &Tensor, _out: &Tensor, dout: &Tensor) -> Result<Option<Tensor>> {
        let shape = qkv.shape();
        let (features, width) = (shape.dims()[1], shape.dims()[1] / 3);
        let (qkv, dout) = (super::values(qkv)?, super::values(dout)?);
        let mut dqkv = vec![0f32; qkv.len()];
        self.sentences_mut(&mut dqkv, features)
            .into_par_iter()
            .zip(self.sentences(&qkv, features))
            .zip(self.sentences(&dout, width))
            .for_each(|((dqkv, qkv), dout)| self.backward(qkv, dout, dqkv, width));
        super::tensor(dqkv, shape).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(rotary: Option<Rotary>) -> Result<f32> {
        let x: Vec<f32> = (0..5 * 24).map(|i| ((i * 37) % 29) as f32 / 15.0 - 1.0).collect();
        let lengths = Arc::new(vec![3, 2]);
        crate::ops::gradient_error(&x, (5, 24), |x| {
            x.apply_op1(Attention { heads: 2, lengths: lengths.clone(), rotary: rotary.clone() })
        })
    }

    #[test]
    fn gradient_equals_differences() -> Result<()> {
        let error = error(None)?;
        assert!(error < 2e-3, "largest difference {error}");
        Ok(())
    }

    #[test]
    fn rotary_gradient_equals_differences() -> Result<()> {
        let error = error(Some(Rotary::new(4, 3)))?;
        assert!(error < 2e-3, "largest difference {error}");
        Ok(())
    }
}
