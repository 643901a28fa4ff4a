//! AdamW with gradient clipping, in one pass over each parameter.

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};
use rayon::prelude::*;

use crate::model::Parameters;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Applied to matrices only, not to biases and norms.
const WEIGHT_DECAY: f32 = 0.1;
/// Largest norm of the gradient over all parameters.
const CLIP: f32 = 1.0;
const CHUNK: usize = 16384;

/// The state of one parameter.
struct Slot {
    var: Var,
    value: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
}

pub struct AdamW {
    slots: Vec<Slot>,
    step: i32,
}

/// What one step uses for every element.
#[derive(Clone, Copy)]
struct Rates {
    learning: f32,
    clip: f32,
    correction_1: f32,
    correction_2: f32,
}

impl AdamW {
    pub fn new(parameters: &Parameters) -> Result<Self> {
        let slots = parameters.iter().map(|(_, var)| Slot::new(var)).collect::<Result<_>>()?;
        Ok(Self { slots, step: 0 })
    }

    /// Moves every parameter against its gradient.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f32) -> Result<()> {
        self.step += 1;
        let gradients: Vec<Vec<f32>> =
            self.slots.iter().map(|slot| gradient(gradients, &slot.var)).collect::<Result<_>>()?;
        let squares: f32 = gradients
            .par_iter()
            .map(|g| g.iter().map(|x| x * x).sum::<f32>())
            .collect::<Vec<_>>()
            .iter()
            .sum();
        let rates = Rates {
            learning: learning_rate,
            clip: (CLIP / squares.sqrt()).min(1.0),
            correction_1: 1.0 - BETA_1.powi(self.step),
            correction_2: 1.0 - BETA_2.powi(self.step),
        };
        self.slots.iter_mut().zip(&gradients).try_for_each(|(slot, gradient)| slot.step(gradient, rates))
    }
}

fn gradient(gradients: &GradStore, var: &Var) -> Result<Vec<f32>> {
    match gradients.get(var) {
        Some(gradient) => gradient.flatten_all()?.to_vec1(),
        None => candle_core::bail!("a parameter of shape {:?} has no gradient", var.shape()),
    }
}

impl Slot {
    fn new(var: &Var) -> Result<Self> {
        let zeros = vec![0f32; var.elem_count()];
        let value = var.flatten_all()?.to_vec1()?;
        Ok(Self { var: var.clone(), value, mean: zeros.clone(), square: zeros })
    }

    fn step(&mut self, gradient: &[f32], rates: Rates) -> Result<()> {
        let decay = if self.var.rank() > 1 { 1.0 - rates.learning * WEIGHT_DECAY } else { 1.0 };
        let moments = self.mean.par_chunks_mut(CHUNK).zip(self.square.par_chunks_mut(CHUNK));
        let chunks = self.value.par_chunks_mut(CHUNK).zip(moments).zip(gradient.par_chunks(CHUNK));
        chunks.for_each(|((value, (mean, square)), gradient)| {
            for i in 0..value.len() {
                let g = gradient[i] * rates.clip;
                mean[i] = BETA_1 * mean[i] + (1.0 - BETA_1) * g;
                square[i] = BETA_2 * square[i] + (1.0 - BETA_2) * g * g;
                let size = (square[i] / rates.correction_2).sqrt() + EPSILON;
                value[i] = decay * value[i] - rates.learning * mean[i] / rates.correction_1 / size;
            }
        });
        self.var.set(&Tensor::from_slice(&self.value, self.var.shape(), &Device::Cpu)?)
    }
}
