//! Streams of standard noise: NumPy's legacy generator, and one keyed by seed, prompt and sample.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_mt::Mt;

use crate::Distribution;

/// `count` values of NumPy's `RandomState(seed)`: `randn(count)` or `uniform(-1, 1, count)`, bit for bit.
///
/// NumPy takes seeds below 2³²; the command line refuses others for this stream.
pub(crate) fn rome_stream(seed: u64, distribution: Distribution, count: usize) -> Vec<f64> {
    let mut generator = Mt::new(seed as u32);
    standard_noise(distribution, count, || generator.next_u32())
}

/// `count` standard values that depend on the seed, the prompt's tokens and the sample's number only.
pub(crate) fn independent_stream(
    seed: u64,
    prompt_ids: &[u32],
    sample: usize,
    distribution: Distribution,
    count: usize,
) -> Vec<f64> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(prompt_ids).to_le_bytes());
    key[16..24].copy_from_slice(&(sample as u64).to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    standard_noise(distribution, count, || generator.next_u32())
}

/// Fowler–Noll–Vo over the ids' bytes: short, and the same on every platform.
fn fnv1a(ids: &[u32]) -> u64 {
    ids.iter()
        .flat_map(|id| id.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn standard_noise(distribution: Distribution, count: usize, next_u32: impl FnMut() -> u32) -> Vec<f64> {
    let mut uniform = unit_uniform(next_u32);
    match distribution {
        Distribution::Uniform => (0..count).map(|_| -1.0 + 2.0 * uniform()).collect(),
        Distribution::Gaussian => {
            // The polar method makes two values at a time; NumPy hands out the second one first.
            let mut values = Vec::with_capacity(count + 1);
            while values.len() < count {
                let (first, second) = polar_pair(&mut uniform);
                values.extend([second, first]);
            }
            values.truncate(count);
            values
        }
    }
}

/// 53 random bits in [0, 1), from two 32-bit words as the Mersenne Twister's authors do.
fn unit_uniform(mut next_u32: impl FnMut() -> u32) -> impl FnMut() -> f64 {
    move || {
        let high = f64::from(next_u32() >> 5);
        let low = f64::from(next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }
}

fn polar_pair(uniform: &mut impl FnMut() -> f64) -> (f64, f64) {
    loop {
        let x = 2.0 * uniform() - 1.0;
        let y = 2.0 * uniform() - 1.0;
        let radius = x * x + y * y;
        if radius < 1.0 && radius != 0.0 {
            let factor = (-2.0 * radius.ln() / radius).sqrt();
            return (factor * x, factor * y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Values printed by NumPy 2.
    #[test]
    fn equals_numpy_bit_for_bit() {
        let normal = rome_stream(1, Distribution::Gaussian, 5);
        let expected = [
            1.6243453636632417,
            -0.6117564136500754,
            -0.5281717522634557,
            -1.0729686221561705,
            0.8654076293246785,
        ];
        assert_eq!(normal, expected);
        assert_eq!(
            rome_stream(4_294_967_295, Distribution::Gaussian, 2),
            [0.6484086742306527, 0.6693235306338161]
        );
        let uniform = rome_stream(1, Distribution::Uniform, 3);
        assert_eq!(uniform, [-0.165955990594852, 0.4406489868843162, -0.9997712503653102]);
    }

    /// The bits of five million values, combined, against NumPy's: `bitwise_xor.reduce(x.view(uint64))`.
    #[test]
    fn equals_numpy_over_five_million_values() {
        let values = rome_stream(1, Distribution::Gaussian, 5_000_000);
        assert_eq!(values.iter().fold(0, |bits, value| bits ^ value.to_bits()), 18_322_977_165_115_023_673);
        assert_eq!(values[4_999_999], f64::from_bits(0x3fef_5686_a986_d9c4));
    }

    #[test]
    fn independent_noise_is_standard_normal() {
        let values = independent_stream(7, &[1, 2, 3], 0, Distribution::Gaussian, 100_000);
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 1e5;
        // Four standard errors: 4/√n for the mean, 4·√(2/n) for the variance.
        assert!(mean.abs() < 0.0127, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.0179, "variance {variance}");
    }
}
