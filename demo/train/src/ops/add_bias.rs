//! Adds one bias to every row. Candle's broadcast sums the gradient on one thread, element by element.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Rows handled by one task.
const ROWS: usize = 64;

/// x + bias, row by row.
pub struct AddBias;

fn add(sum: &mut [f32], x: &[f32]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
}

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = super::operand(bias, bias_layout)?;
        let mut y = super::operand(x, x_layout)?.to_vec();
        y.par_chunks_mut(bias.len()).with_min_len(ROWS).for_each(|row| add(row, bias));
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        _x: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (rows, width) = (super::values(dy)?, bias.elem_count());
        let partial: Vec<Vec<f32>> = rows
            .par_chunks(ROWS * width)
            .map(|rows| {
                let mut sum = vec![0f32; width];
                rows.chunks_exact(width).for_each(|row| add(&mut sum, row));
                sum
            })
            .collect();
        let mut dbias = vec![0f32; width];
        partial.iter().for_each(|sum| add(&mut dbias, sum));
        Ok((Some(dy.clone()), Some(super::tensor(dbias, bias.shape())?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn gradients_equal_differences() -> Result<()> {
        let x: Vec<f32> = (0..24).map(|i| ((i * 5) % 13) as f32 / 4.0 - 1.0).collect();
        let fixed = Tensor::from_slice(&x, (4, 6), &Device::Cpu)?;
        let bias = Tensor::from_slice(&x[..6], 6, &Device::Cpu)?;
        let of_x = crate::ops::gradient_error(&x, (4, 6), |x| x.apply_op2(&bias, AddBias))?;
        let of_bias = crate::ops::gradient_error(&x[..6], (1, 6), |bias| {
            fixed.apply_op2(&bias.flatten_all()?, AddBias)
        })?;
        assert!(of_x < 2e-3 && of_bias < 2e-3, "largest differences {of_x}, {of_bias}");
        Ok(())
    }
}
