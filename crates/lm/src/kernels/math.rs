//! Elementary functions that the compiler can vectorise: no branches, no calls.
//!
//! Each is accurate to a few units in the last place of float32 (tests compare with float64), and is meant
//! to be inlined into a loop inside [`vectorised`].

/// Runs a loop compiled for the widest vector instructions that this processor has.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// eˣ; 0 below −87.3, infinite above 88.7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts keeps r exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5·2²³ rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.8);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * LN2_HIGH - n * LN2_LOW;
    // Taylor's series to the seventh power: the next term is below 6e-9 of the sum.
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail))));
    // Twice half the power, since 2^128 alone has no float32.
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = exponent >> 1;
    let power = f32::from_bits(((half + 127) << 23) as u32);
    let rest = f32::from_bits(((exponent - half + 127) << 23) as u32);
    let value = series * power * rest;
    if x < -87.3 { 0.0 } else { value }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x: by its series near 0, where 1 − 2/(e²ˣ + 1) would cancel.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let square = x * x;
    let series = x
        * (1.0
            + square
                * (-1.0 / 3.0
                    + square
                        * (2.0 / 15.0
                            + square
                                * (-17.0 / 315.0
                                    + square * (62.0 / 2835.0 - square * (1382.0 / 155_925.0))))));
    let closed = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if x.abs() < 0.3 { series } else { closed }
}

/// The error function: its Maclaurin series near 0, elsewhere 1 − erfc with a Chebyshev fit of log erfc, whose
/// relative error is 1.2e-7 (Press et al., *Numerical Recipes*, §6.2).
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let square = x * x;
    let series = x
        * std::f32::consts::FRAC_2_SQRT_PI
        * (1.0
            + square
                * (-1.0 / 3.0
                    + square
                        * (1.0 / 10.0
                            + square
                                * (-1.0 / 42.0
                                    + square * (1.0 / 216.0 + square * (-1.0 / 1320.0 + square / 9360.0))))));
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.5 * size);
    let tail = 0.278_868_07 + t * (-1.135_204 + t * (1.488_515_9 + t * (-0.822_152_2 + t * 0.170_872_77)));
    let log_erfc = -1.265_512_2
        + t * (1.000_023_7 + t * (0.374_091_96 + t * (0.096_784_18 + t * (-0.186_288_06 + t * tail))));
    let closed = (1.0 - t * exp(log_erfc - square)).copysign(x);
    if size < 0.7 { series } else { closed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest_error(range: f64, ours: fn(f32) -> f32, exact: fn(f64) -> f64, relative: bool) -> f64 {
        (-200_000..=200_000)
            .map(|step| (f64::from(step) / 200_000.0 * range) as f32)
            .map(|x| {
                let exact = exact(f64::from(x));
                let error = (f64::from(ours(x)) - exact).abs();
                if relative { error / exact.abs().max(1e-30) } else { error }
            })
            .fold(0.0, f64::max)
    }

    /// erf in float64: by its series near 0, by the continued fraction of erfc where the series would cancel.
    fn exact_erf(x: f64) -> f64 {
        if x.abs() > 3.0 {
            let fraction = (1..=60).rev().fold(x.abs(), |below, n| x.abs() + 0.5 * f64::from(n) / below);
            return x.signum() * (1.0 - (-x * x).exp() / (fraction * std::f64::consts::PI.sqrt()));
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn exp_is_accurate() {
        let error = largest_error(87.0, exp, f64::exp, true);
        println!("exp: largest relative error {error:.1e}");
        assert!(error < 3e-7);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-100.0), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(100.0), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sigmoid_tanh_and_erf_are_accurate() {
        let sigmoid_error = largest_error(30.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp()), true);
        let tanh_error = largest_error(12.0, tanh, f64::tanh, true);
        let erf_error = largest_error(6.0, erf, exact_erf, false);
        println!(
            "relative: sigmoid {sigmoid_error:.1e}, tanh {tanh_error:.1e}; absolute: erf {erf_error:.1e}"
        );
        assert!(sigmoid_error < 4e-7);
        assert!(tanh_error < 5e-7);
        assert!(erf_error < 2e-7);
    }
}
