//! Splitting float32 into bfloat16 parts.

use super::Line;

/// The parts of 32 numbers: the first part is the nearest bfloat16 (ties to even), each further one the nearest to
/// the rest. The rests are exact.
///
/// A NaN or infinity has a first part of the same kind, and the others are NaN. Numbers from 3.396e38 on round to
/// infinity.
///
/// Integer operations and exact differences only, so that the bits are the same with every set of instructions; to be inlined into
/// [`vectorised`](crate::kernels::math::vectorised) loops.
#[inline(always)]
pub(super) fn split<const PARTS: usize>(values: &[f32; 32]) -> [Line; PARTS] {
    let mut parts = [Line::ZERO; PARTS];
    let mut rest = *values;
    for (index, part) in parts.iter_mut().enumerate() {
        for (bits, rest) in part.0.iter_mut().zip(&mut rest) {
            *bits = rounded(*rest);
            if index + 1 < PARTS {
                *rest -= widened(*bits);
            }
        }
    }
    parts
}

/// The nearest bfloat16.
#[inline(always)]
fn rounded(x: f32) -> u16 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    // Rounding could turn a NaN into an infinity or a zero: a NaN keeps its upper half, with the quiet bit set.
    let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
    let chosen = if is_nan { bits | 0x0040_0000 } else { nearest };
    (chosen >> 16) as u16
}

/// A bfloat16 as float32, exactly.
#[inline(always)]
pub(super) fn widened(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::math::vectorised;

    /// Bit patterns over the whole range, with those next to the edges of kinds.
    fn patterns() -> Vec<u32> {
        let mut patterns = vec![0, 1, 0x7f_ffff, 0x80_0000, 0x7f7f_7fff, 0x7f7f_8000, 0x7f7f_ffff];
        patterns.extend([0x7f80_0000, 0x7f80_0001, 0x7fbf_ffff, 0x7fff_ffff, 0x3f80_8000, 0x3f81_8000]);
        patterns.extend((0..40_000_u32).map(|index| index.wrapping_mul(0x9e37_79b1)));
        patterns.extend(patterns.clone().iter().map(|bits| bits ^ 0x8000_0000));
        patterns.resize(patterns.len().next_multiple_of(32), 0);
        patterns
    }

    #[test]
    fn equals_half_and_exact_rests_on_every_path() {
        for bits in patterns().chunks_exact(32) {
            let values: [f32; 32] = std::array::from_fn(|index| f32::from_bits(bits[index]));
            let plain = split::<3>(&values);
            assert_eq!(vectorised(|| split::<3>(&values)), plain);
            assert_eq!(vectorised(|| split::<2>(&values)), plain[..2]);
            assert_eq!(vectorised(|| split::<1>(&values)), plain[..1]);
            for (index, value) in values.into_iter().enumerate() {
                let [high, middle, low] = [0, 1, 2].map(|part| plain[part].0[index]);
                assert_eq!(high, half::bf16::from_f32(value).to_bits(), "{value:e}");
                if !widened(high).is_finite() {
                    assert_eq!(value.is_nan(), widened(high).is_nan());
                    assert!(!(widened(middle) + widened(low)).is_finite());
                    continue;
                }
                let rest = f64::from(value) - f64::from(widened(high));
                assert_eq!(middle, half::bf16::from_f32(rest as f32).to_bits());
                assert_eq!(f64::from(rest as f32), rest, "the rest is exact");
                let sum = f64::from(widened(high)) + f64::from(widened(middle)) + f64::from(widened(low));
                let error = (sum - f64::from(value)).abs();
                // Three parts hold all 24 bits, down to where bfloat16 ends.
                assert!(error <= 2_f64.powi(-134), "{value:e} is off by {error:e}");
            }
        }
    }
}
