//! What the two models have in common: size, parameters by name, packed input.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor, Var, bail};
use serde_json::Value;

use crate::ops::{AddBias, LayerNorm};
use crate::random::{Dropout, Stream};

pub const LAYERS: usize = 8;
pub const WIDTH: usize = 128;
pub const HEADS: usize = 4;
pub const POSITIONS: usize = 64;
pub const EPSILON: f64 = 1e-5;

/// A language model in training. Rows are the tokens of all sentences, packed.
pub trait Model {
    /// All parameters.
    fn parameters(&self) -> &Parameters;

    /// What `config.json` says.
    fn config(&self) -> Value;

    /// Token embeddings alone, `[rows, WIDTH]`: what causal tracing adds noise to.
    fn embed(&self, tokens: &[u32]) -> Result<Tensor>;

    /// From token embeddings to the states after the last norm, `[rows, WIDTH]`.
    fn states(&self, embeddings: &Tensor, lengths: &Arc<Vec<usize>>, dropout: &mut Dropout)
    -> Result<Tensor>;

    /// From states to logits, `[rows, VOCABULARY]`.
    fn logits(&self, states: &Tensor) -> Result<Tensor>;
}

/// Parameters under the names and in the shapes of Hugging Face checkpoints.
pub struct Parameters(BTreeMap<String, Var>);

impl Parameters {
    /// The parameter of a name.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        match self.0.get(name) {
            Some(var) => Ok(var.as_tensor()),
            None => bail!("no parameter is called `{name}`"),
        }
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.0.iter()
    }

    /// Number of values in all of them.
    pub fn count(&self) -> usize {
        self.0.values().map(|var| var.elem_count()).sum()
    }

    /// x · w + bias, with the weight stored `[in, out]` as GPT-2's Conv1D does.
    pub fn linear_in_out(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        self.add_bias(&x.matmul(self.get(&format!("{name}.weight"))?)?, name)
    }

    /// x · wᵀ, with the weight stored `[out, in]`; no bias.
    pub fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        x.matmul(&self.get(&format!("{name}.weight"))?.t()?)
    }

    /// x · wᵀ + bias, with the weight stored `[out, in]`.
    pub fn linear_bias(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        self.add_bias(&self.linear(x, name)?, name)
    }

    fn add_bias(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        x.apply_op2(self.get(&format!("{name}.bias"))?, AddBias)
    }

    /// Layer norm with the weight and bias of a name.
    pub fn layer_norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let op = LayerNorm { epsilon: EPSILON as f32 };
        x.apply_op3(self.get(&format!("{name}.weight"))?, self.get(&format!("{name}.bias"))?, op)
    }
}

/// Draws the initial parameters, in the order in which they are asked for.
pub struct Initializer {
    stream: Stream,
    parameters: BTreeMap<String, Var>,
}

impl Initializer {
    /// Standard deviation of initial weights.
    pub const DEVIATION: f64 = 0.02;

    pub fn new(stream: Stream) -> Self {
        Self { stream, parameters: BTreeMap::new() }
    }

    /// A Gaussian matrix.
    pub fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<()> {
        self.scaled_matrix(name, rows, columns, 1.0)
    }

    /// A matrix whose output is added to the residual stream, smaller by the number of additions.
    pub fn residual_matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<()> {
        self.scaled_matrix(name, rows, columns, 1.0 / (2.0 * LAYERS as f32).sqrt())
    }

    fn scaled_matrix(&mut self, name: &str, rows: usize, columns: usize, scale: f32) -> Result<()> {
        let values = self.stream.normal(rows * columns, Self::DEVIATION as f32 * scale);
        self.insert(format!("{name}.weight"), Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
    }

    /// A bias of zeros.
    pub fn bias(&mut self, name: &str, width: usize) -> Result<()> {
        self.insert(format!("{name}.bias"), Tensor::from_vec(vec![0f32; width], width, &Device::Cpu)?)
    }

    /// Weight and bias of a layer norm.
    pub fn norm(&mut self, name: &str) -> Result<()> {
        self.insert(format!("{name}.weight"), Tensor::from_vec(vec![1f32; WIDTH], WIDTH, &Device::Cpu)?)?;
        self.bias(name, WIDTH)
    }

    fn insert(&mut self, name: String, value: Tensor) -> Result<()> {
        self.parameters.insert(name, Var::from_tensor(&value)?);
        Ok(())
    }

    /// The parameters drawn so far.
    pub fn finish(self) -> Parameters {
        Parameters(self.parameters)
    }
}

/// Index of each row's token within its sentence.
pub fn positions(lengths: &[usize]) -> Vec<u32> {
    lengths.iter().flat_map(|&length| 0..length as u32).collect()
}

/// Looks up rows of a matrix.
pub fn rows(matrix: &Tensor, indices: &[u32]) -> Result<Tensor> {
    matrix.index_select(&Tensor::from_slice(indices, indices.len(), &Device::Cpu)?, 0)
}
