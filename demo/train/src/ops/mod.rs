//! Operations that candle lacks or computes slowly on a CPU, each with its gradient.
//!
//! All work on packed rows: the tokens of all sentences of a batch stand one after the other, without
//! padding, as `[rows, features]`.

mod add_bias;
mod attention;
mod cross_entropy;
mod gelu;
mod layer_norm;

pub use add_bias::AddBias;
pub use attention::{Attention, Rotary};
pub use cross_entropy::CrossEntropy;
pub use gelu::Gelu;
pub use layer_norm::LayerNorm;

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Tensor, bail};

/// The values of a contiguous float32 operand.
fn operand<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("operand of shape {:?} is not contiguous", layout.shape()),
    }
}

/// A copy of a tensor's values in row order.
fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

fn tensor(values: Vec<f32>, shape: &Shape) -> Result<Tensor> {
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// Largest difference between a gradient and central differences of the sum of `weights * f(x)`.
#[cfg(test)]
fn gradient_error(x: &[f32], shape: (usize, usize), f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<f32> {
    let loss = |x: &Tensor| -> Result<Tensor> {
        let y = f(x)?.flatten_all()?;
        let weights: Vec<f32> = (0..y.elem_count()).map(|i| ((i * 7 + 3) % 11) as f32 / 5.0 - 1.0).collect();
        y.mul(&Tensor::from_vec(weights, y.shape(), &Device::Cpu)?)?.sum_all()
    };
    let at = |x: &[f32]| loss(&Tensor::from_slice(x, shape, &Device::Cpu)?)?.to_scalar::<f32>();
    let variable = candle_core::Var::from_slice(x, shape, &Device::Cpu)?;
    let gradients = loss(&variable)?.backward()?;
    let gradient = values(gradients.get(&variable).expect("a gradient"))?;
    let step = 1e-2;
    let mut worst = 0f32;
    for i in 0..x.len() {
        let (mut up, mut down) = (x.to_vec(), x.to_vec());
        up[i] += step;
        down[i] -= step;
        worst = worst.max((gradient[i] - (at(&up)? - at(&down)?) / (2.0 * step)).abs());
    }
    Ok(worst)
}
