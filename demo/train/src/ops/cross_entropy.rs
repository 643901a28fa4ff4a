//! Mean cross entropy of rows of logits, without a copy of the probabilities in the graph.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// −log p(target), averaged over the rows.
pub struct CrossEntropy {
    /// The right token of each row.
    pub targets: Arc<Vec<u32>>,
}

/// Turns logits into probabilities; returns the logarithm of their sum before.
fn softmax(row: &mut [f32]) -> f32 {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0f32;
    for x in row.iter_mut() {
        *x = (*x - max).exp();
        sum += *x;
    }
    row.iter_mut().for_each(|x| *x /= sum);
    max + sum.ln()
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = super::operand(logits, layout)?;
        let width = logits.len() / self.targets.len();
        let losses: Vec<f32> = logits
            .par_chunks(width)
            .zip(self.targets.par_iter())
            .map(|(row, &target)| softmax(&mut row.to_vec()) - row[target as usize])
            .collect();
        let mean = losses.iter().sum::<f32>() / losses.len() as f32;
        Ok((CpuStorage::F32(vec![mean]), Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _loss: &Tensor, dloss: &Tensor) -> Result<Option<Tensor>> {
        let shape = logits.shape();
        let mut gradient = super::values(logits)?;
        let width = gradient.len() / self.targets.len();
        let scale = dloss.to_scalar::<f32>()? / self.targets.len() as f32;
        gradient.par_chunks_mut(width).zip(self.targets.par_iter()).for_each(|(row, &target)| {
            softmax(row);
            row[target as usize] -= 1.0;
            row.iter_mut().for_each(|x| *x *= scale);
        });
        super::tensor(gradient, shape).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_equals_differences() -> Result<()> {
        let x: Vec<f32> = (0..24).map(|i| ((i * 5) % 13) as f32 / 4.0 - 1.0).collect();
        let targets = Arc::new(vec![0, 3, 5, 2]);
        let op = |x: &Tensor| x.apply_op1(CrossEntropy { targets: targets.clone() });
        let error = crate::ops::gradient_error(&x, (4, 6), op)?;
        assert!(error < 1e-3, "largest difference {error}");
        Ok(())
    }
}
