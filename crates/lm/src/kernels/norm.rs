//! Layer norm and root-mean-square norm.

use super::math::{sum, vectorised};
use crate::NormKind;

/// A norm with its parameters; `weight` already contains Gemma's unit offset.
#[derive(Debug, Clone)]
pub struct Norm {
    kind: NormKind,
    eps: f32,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Norm {
    /// A norm over rows as wide as `weight`.
    #[must_use]
    pub fn new(kind: NormKind, eps: f32, mut weight: Vec<f32>, bias: Option<Vec<f32>>) -> Self {
        if kind == NormKind::RmsUnitOffset {
            weight.iter_mut().for_each(|weight| *weight += 1.0);
        }
        Norm { kind, eps, weight, bias }
    }

    /// Width of the rows.
    #[must_use]
    pub fn width(&self) -> usize {
        self.weight.len()
    }
}

/// Normalises every row of `x` into `out`.
///
/// # Shapes
/// Both `[rows, norm.width()]`.
pub fn norm(norm: &Norm, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "a norm keeps the shape");
    let width = norm.width();
    vectorised(
        #[inline(always)]
        || {
            for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                match norm.kind {
                    NormKind::LayerNorm => layer_norm(norm, x, out),
                    NormKind::Rms | NormKind::RmsUnitOffset => rms_norm(norm, x, out),
                }
            }
        },
    );
}

#[inline(always)]
fn layer_norm(norm: &Norm, x: &[f32], out: &mut [f32]) {
    let mean = sum(x, |value| value) / x.len() as f32;
    let variance = sum(x, |value| (value - mean) * (value - mean)) / x.len() as f32;
    let scale = 1.0 / (variance + norm.eps).sqrt();
    match &norm.bias {
        Some(bias) => {
            for (((out, &x), &weight), &bias) in out.iter_mut().zip(x).zip(&norm.weight).zip(bias) {
                *out = ((x - mean) * scale).mul_add(weight, bias);
            }
        }
        None => {
            for ((out, &x), &weight) in out.iter_mut().zip(x).zip(&norm.weight) {
                *out = (x - mean) * scale * weight;
            }
        }
    }
}

#[inline(always)]
fn rms_norm(norm: &Norm, x: &[f32], out: &mut [f32]) {
    let mean_square = sum(x, |value| value * value) / x.len() as f32;
    let scale = 1.0 / (mean_square + norm.eps).sqrt();
    for ((out, &x), &weight) in out.iter_mut().zip(x).zip(&norm.weight) {
        *out = x * scale * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_norm_has_mean_zero_and_deviation_one() {
        let x: Vec<f32> = (0..37).map(|i| (i * i % 17) as f32).collect();
        let mut out = vec![f32::NAN; 37];
        norm(&Norm::new(NormKind::LayerNorm, 0.0, vec![1.0; 37], Some(vec![0.5; 37])), &x, &mut out);
        let mean = out.iter().sum::<f32>() / 37.0;
        let variance = out.iter().map(|y| (y - 0.5) * (y - 0.5)).sum::<f32>() / 37.0;
        assert!((mean - 0.5).abs() < 1e-6 && (variance - 1.0).abs() < 1e-5);
    }

    #[test]
    fn rms_norm_scales_by_the_root_mean_square() {
        let mut out = [0.0; 2];
        norm(&Norm::new(NormKind::Rms, 0.0, vec![2.0; 2], None), &[3.0, 4.0], &mut out);
        let rms = 12.5f32.sqrt();
        assert!((out[0] - 6.0 / rms).abs() < 1e-6 && (out[1] - 8.0 / rms).abs() < 1e-6);
        norm(&Norm::new(NormKind::RmsUnitOffset, 0.0, vec![1.0; 2], None), &[3.0, 4.0], &mut out);
        assert!((out[0] - 6.0 / rms).abs() < 1e-6);
    }
}
