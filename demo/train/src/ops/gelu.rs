//! The tanh form of GELU (`gelu_new`), written as x · σ(u) with u = 2 √(2/π) (x + 0.044715 x³).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

const SCALE: f32 = 1.595_769_2;
const CUBIC: f32 = 0.044_715;
const CHUNK: usize = 8192;

/// GELU, element by element.
pub struct Gelu;

fn gate(x: f32) -> f32 {
    1.0 / (1.0 + (-SCALE * (x + CUBIC * x * x * x)).exp())
}

fn derivative(x: f32) -> f32 {
    let gate = gate(x);
    gate + x * gate * (1.0 - gate) * SCALE * (1.0 + 3.0 * CUBIC * x * x)
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = super::operand(storage, layout)?;
        let mut y = vec![0f32; x.len()];
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * gate(x));
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (x, mut dx) = (super::values(x)?, super::values(dy)?);
        dx.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(dx, x)| {
            dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx *= derivative(x));
        });
        super::tensor(dx, dy.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_equals_differences() -> Result<()> {
        let x: Vec<f32> = (0..24).map(|i| i as f32 / 4.0 - 3.0).collect();
        let error = crate::ops::gradient_error(&x, (4, 6), |x| x.apply_op1(Gelu))?;
        assert!(error < 2e-3, "largest difference {error}");
        Ok(())
    }

    #[test]
    fn equals_candle() -> Result<()> {
        let x = Tensor::arange(-4f32, 4f32, &candle_core::Device::Cpu)?;
        let difference = (x.apply_op1(Gelu)? - x.gelu()?)?.abs()?.max(0)?.to_scalar::<f32>()?;
        assert!(difference < 1e-5, "largest difference {difference}");
        Ok(())
    }
}
