//! Activations of the mlp, in place.

use super::math::{normal_share, tanh, times_sigmoid, vectorised};
use crate::Activation;

/// Applies the activation to every element.
pub fn activate(activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Gelu => map(x, gelu),
        Activation::GeluTanh => map(x, gelu_tanh),
        Activation::QuickGelu => map(x, quick_gelu),
        Activation::Silu => map(x, silu),
        Activation::Relu => map(x, relu),
    }
}

/// `out = act(gate) · up`, where each row of `x` holds the gate's features, then the up projection's.
///
/// # Shapes
/// `x` `[rows, 2 · width]`, `out` `[rows, width]`.
pub fn activate_gated(activation: Activation, width: usize, x: &[f32], out: &mut [f32]) {
    match activation {
        Activation::Gelu => map_gated(width, x, out, gelu),
        Activation::GeluTanh => map_gated(width, x, out, gelu_tanh),
        Activation::QuickGelu => map_gated(width, x, out, quick_gelu),
        Activation::Silu => map_gated(width, x, out, silu),
        Activation::Relu => map_gated(width, x, out, relu),
    }
}

/// `x` becomes `cap · tanh(x / cap)`.
pub fn soft_cap(cap: f32, x: &mut [f32]) {
    map(x, |x| cap * tanh(x / cap));
}

/// x · σ(u), with a single division.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    x * normal_share(x)
}

/// ½ (1 + tanh u) is σ(2u), which loses no digits where it is small.
#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    const TWICE_SQRT_2_OVER_PI: f32 = 1.595_769;
    times_sigmoid(x, x * (x * x).mul_add(TWICE_SQRT_2_OVER_PI * 0.044_715, TWICE_SQRT_2_OVER_PI))
}

#[inline(always)]
fn quick_gelu(x: f32) -> f32 {
    times_sigmoid(x, 1.702 * x)
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    times_sigmoid(x, x)
}

/// Not `max`, which gives 0 for what is not a number.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn map(x: &mut [f32], function: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        || x.iter_mut().for_each(|x| *x = function(*x)),
    );
}

#[inline(always)]
fn map_gated(width: usize, x: &[f32], out: &mut [f32], function: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for (row, out) in x.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
                let (gates, ups) = row.split_at(width);
                for ((out, &gate), &up) in out.iter_mut().zip(gates).zip(ups) {
                    *out = function(gate) * up;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that PyTorch 2 gives for x = −2, −0.5, 0, 1, 3.
    #[test]
    fn known_values() {
        let cases = [
            (Activation::Gelu, [-0.045_500_264, -0.154_268_77, 0.0, 0.841_344_8, 2.995_950_2]),
            (Activation::GeluTanh, [-0.045_402_348, -0.154_286, 0.0, 0.841_192, 2.996_362_7]),
            (Activation::QuickGelu, [-0.064_341_374, -0.149_611_56, 0.0, 0.845_795_75, 2.981_928_8]),
            (Activation::Silu, [-0.238_405_84, -0.188_770_33, 0.0, 0.731_058_6, 2.857_722_3]),
            (Activation::Relu, [0.0, 0.0, 0.0, 1.0, 3.0]),
        ];
        for (activation, expected) in cases {
            let mut x = [-2.0, -0.5, 0.0, 1.0, 3.0];
            activate(activation, &mut x);
            for (x, expected) in x.iter().zip(expected) {
                assert!((x - expected).abs() < 1e-6, "{activation:?}: {x} instead of {expected}");
            }
        }
    }

    #[test]
    fn gate_and_up_are_the_halves_of_a_row() {
        let (x, mut out) = ([1.0, -1.0, 5.0, 7.0], [f32::NAN; 2]);
        activate_gated(Activation::Relu, 2, &x, &mut out);
        assert_eq!(out, [5.0, 0.0]);
    }
}
