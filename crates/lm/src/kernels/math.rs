//! Elementary functions that the compiler can vectorise: no branches, no calls.
//!
//! Each is accurate to a few units in the last place of float32 (tests compare with float64), and is meant
//! to be inlined into a loop inside [`vectorised`].

use std::f32::consts::LOG2_E;

/// Runs a loop compiled for the widest vector instructions that this processor has.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// eˣ; 0 below −87.0, infinite above 88.8.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts keeps r exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5·2²³ rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.8);
    let shifted = clamped.mul_add(LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, clamped));
    // 2·eʳ, fitted on that interval: relative error 3e-9. Twice, since 2^128 alone has no float32.
    let tail = r.mul_add(2.0 * 0.001_381_453_2, 2.0 * 0.008_368_746);
    let tail = r.mul_add(r.mul_add(tail, 2.0 * 0.041_668_39), 2.0 * 0.166_665_2);
    let twice = r.mul_add(r.mul_add(r.mul_add(tail, 2.0 * 0.499_999_93), 2.0), 2.0);
    // 2ⁿ⁻¹ from its exponent's bits (those of `ROUND` are shifted out); 0 for the smallest n.
    let half = f32::from_bits((shifted.to_bits() << 23).wrapping_add(126 << 23));
    twice * half
}

/// x · σ(u) = x / (1 + e⁻ᵘ), with a single division.
#[inline(always)]
pub(crate) fn times_sigmoid(x: f32, u: f32) -> f32 {
    x / (1.0 + exp(-u))
}

/// tanh x: by its series near 0, where 1 − 2/(e²ˣ + 1) would cancel.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let square = x * x;
    let tail = square.mul_add(square.mul_add(-1382.0 / 155_925.0, 62.0 / 2835.0), -17.0 / 315.0);
    let series = square.mul_add(square.mul_add(square.mul_add(tail, 2.0 / 15.0), -1.0 / 3.0), 1.0) * x;
    let closed = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if x.abs() < 0.3 { series } else { closed }
}

/// Φ(x), the normal distribution's share below x.
#[inline(always)]
pub(crate) fn normal_share(x: f32) -> f32 {
    // ln 2Φ(−t), fitted on 0 ≤ t ≤ 6 so that the error of 2Φ(−t) is below 4e-9; beyond, it falls ever faster.
    const LAST: f32 = -2.359_568e-8;
    const FIT: [f32; 9] = [
        -0.797_884_7,
        -0.318_307_73,
        -0.036_345_612,
        0.004_803_034,
        1.586_507_3e-5,
        -2.044_732e-4,
        5.691_750_6e-5,
        -8.403_27e-6,
        6.800_118e-7,
    ];
    let t = x.abs();
    let log = FIT.iter().rev().fold(LAST, |sum, &coefficient| t.mul_add(sum, coefficient));
    let tail = 0.5 * exp(t * log);
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// The number of partial sums in a vector: those of the widest registers.
pub(crate) const LANES: usize = 16;

/// Sum of the lanes, by halves. Not inlined, or the loop before it would be cut into single lanes.
#[inline(never)]
pub(crate) fn sum_of_lanes(mut lanes: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}

/// Largest of the lanes. What is not a number may be passed over: whoever asks sees it elsewhere.
#[inline(never)]
pub(crate) fn largest_of_lanes(mut lanes: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] = larger(lanes[lane], lanes[lane + half]);
        }
    }
    lanes[0]
}

/// The larger, in one instruction; `b` when one is not a number.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Σ value(x) over a row, in enough partial sums to keep the vector units busy (and to lose few digits).
#[inline(always)]
pub(crate) fn sum(x: &[f32], value: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [[0.0f32; LANES]; 4];
    let (blocks, rest) = x.as_chunks::<{ 4 * LANES }>();
    for block in blocks {
        for (lanes, chunk) in sums.iter_mut().zip(block.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                lanes[lane] += value(chunk[lane]);
            }
        }
    }
    let (chunks, rest) = rest.as_chunks::<LANES>();
    for (lanes, chunk) in sums.iter_mut().zip(chunks) {
        for lane in 0..LANES {
            lanes[lane] += value(chunk[lane]);
        }
    }
    let mut total = [0.0; LANES];
    for lane in 0..LANES {
        total[lane] = (sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]);
    }
    for (lane, &x) in total.iter_mut().zip(rest) {
        *lane += value(x);
    }
    sum_of_lanes(total)
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

    /// Φ in float64: by erf's series near 0, by the continued fraction of erfc where the series would cancel.
    fn exact_normal_share(x: f64) -> f64 {
        let x = x / 2.0f64.sqrt();
        if x.abs() > 2.0 {
            let fraction = (1..=100).rev().fold(x.abs(), |below, n| x.abs() + 0.5 * f64::from(n) / below);
            let tail = 0.5 * (-x * x).exp() / (fraction * std::f64::consts::PI.sqrt());
            return if x < 0.0 { tail } else { 1.0 - tail };
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        0.5 + 0.5 * sum * std::f64::consts::FRAC_2_SQRT_PI
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
    fn sigmoid_tanh_and_normal_share_are_accurate() {
        let sigmoid_error =
            largest_error(30.0, |x| times_sigmoid(1.0, x), |x| 1.0 / (1.0 + (-x).exp()), true);
        let tanh_error = largest_error(12.0, tanh, f64::tanh, true);
        let share_error = largest_error(9.0, normal_share, exact_normal_share, false);
        let relative_share_error = largest_error(2.0, normal_share, exact_normal_share, true);
        println!(
            "relative: sigmoid {sigmoid_error:.1e}, tanh {tanh_error:.1e}, Φ {relative_share_error:.1e}"
        );
        println!("absolute: Φ {share_error:.1e}");
        assert!(sigmoid_error < 4e-7);
        assert!(tanh_error < 5e-7);
        // Twice Φ is 1 + erf: the bound is that of an erf with 2e-7.
        assert!(share_error < 1e-7);
        assert!(relative_share_error < 1e-6);
        assert_eq!(normal_share(f32::NEG_INFINITY), 0.0);
        assert_eq!(normal_share(-1e30), 0.0);
        assert_eq!(normal_share(1e30), 1.0);
        assert!(normal_share(f32::NAN).is_nan());
    }

    #[test]
    fn lanes_and_rows_of_any_length_are_summed() {
        for len in [0, 1, 15, 16, 17, 63, 64, 65, 80, 143, 768] {
            let x: Vec<f32> = (0..len).map(|i| (i % 7) as f32).collect();
            assert_eq!(sum(&x, |x| x + 1.0), x.iter().map(|x| x + 1.0).sum::<f32>());
        }
        let lanes: [f32; LANES] = std::array::from_fn(|lane| ((lane * 7) % 16) as f32);
        assert_eq!((sum_of_lanes(lanes), largest_of_lanes(lanes)), (120.0, 15.0));
    }
}
