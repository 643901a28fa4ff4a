//! Layer norm of each row, with weight and bias.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Rows handled by one task.
const ROWS: usize = 64;

/// (x − mean) / √(variance + epsilon) · weight + bias.
pub struct LayerNorm {
    pub epsilon: f32,
}

impl LayerNorm {
    /// Mean and 1 / √(variance + epsilon) of a row.
    fn moments(&self, row: &[f32]) -> (f32, f32) {
        let count = row.len() as f32;
        let mean = row.iter().sum::<f32>() / count;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }

    /// Turns a row's output gradient into its input gradient and adds to those of weight and bias.
    fn row_backward(
        &self,
        x: &[f32],
        weight: &[f32],
        dy: &mut [f32],
        dweight: &mut [f32],
        dbias: &mut [f32],
    ) {
        let (mean, scale) = self.moments(x);
        let (mut sum, mut sum_normed) = (0f32, 0f32);
        for i in 0..x.len() {
            let normed = (x[i] - mean) * scale;
            dbias[i] += dy[i];
            dweight[i] += dy[i] * normed;
            dy[i] *= weight[i];
            sum += dy[i];
            sum_normed += dy[i] * normed;
        }
        let count = x.len() as f32;
        for (dx, x) in dy.iter_mut().zip(x) {
            *dx = scale * (*dx - sum / count - (x - mean) * scale * sum_normed / count);
        }
    }
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = super::operand(x, x_layout)?;
        let (weight, bias) = (super::operand(weight, weight_layout)?, super::operand(bias, bias_layout)?);
        let width = weight.len();
        let mut y = vec![0f32; x.len()];
        y.par_chunks_mut(width).zip(x.par_chunks(width)).with_min_len(ROWS).for_each(|(y, x)| {
            let (mean, scale) = self.moments(x);
            for i in 0..width {
                y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
            }
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = x.shape();
        let (x, weight, mut dx) = (super::values(x)?, super::values(weight)?, super::values(dy)?);
        let width = weight.len();
        let tasks = dx.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width));
        let partial: Vec<_> = tasks
            .map(|(dx, x)| {
                let (mut dweight, mut dbias) = (vec![0f32; width], vec![0f32; width]);
                for (dx, x) in dx.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    self.row_backward(x, &weight, dx, &mut dweight, &mut dbias);
                }
                (dweight, dbias)
            })
            .collect();
        let (mut dweight, mut dbias) = (vec![0f32; width], vec![0f32; width]);
        for (w, b) in &partial {
            dweight.iter_mut().zip(w).for_each(|(sum, w)| *sum += w);
            dbias.iter_mut().zip(b).for_each(|(sum, b)| *sum += b);
        }
        let parameter = |gradient| super::tensor(gradient, bias.shape()).map(Some);
        Ok((Some(super::tensor(dx, shape)?), parameter(dweight)?, parameter(dbias)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn gradients_equal_differences() -> Result<()> {
        let x: Vec<f32> = (0..24).map(|i| ((i * 5) % 13) as f32 / 4.0 - 1.0).collect();
        let row = Tensor::new(&[0.5f32, -1.0, 2.0, 1.5, 0.25, -0.5], &Device::Cpu)?;
        let op = || LayerNorm { epsilon: 1e-5 };
        let of_x = crate::ops::gradient_error(&x, (4, 6), |x| x.apply_op3(&row, &row, op()))?;
        let fixed = Tensor::from_slice(&x, (4, 6), &Device::Cpu)?;
        let of_weight = crate::ops::gradient_error(&x[..6], (1, 6), |w| {
            fixed.apply_op3(&w.flatten_all()?, &w.flatten_all()?, op())
        })?;
        assert!(of_x < 5e-3 && of_weight < 5e-3, "largest differences {of_x}, {of_weight}");
        Ok(())
    }
}
