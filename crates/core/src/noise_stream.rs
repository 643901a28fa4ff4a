//! Streams of random numbers: NumPy's legacy generator, and one keyed by seed, prompt and sample.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_mt::Mt;

/// A stream of random numbers that is the same on every machine.
#[derive(Debug)]
pub struct RandomStream {
    words: Words,
    /// The polar method makes two values at a time; this one waits for its turn.
    second_normal: Option<f64>,
}

#[derive(Debug)]
enum Words {
    Rome(Box<Mt>),
    Independent(Box<ChaCha8Rng>),
}

impl RandomStream {
    /// NumPy's `RandomState(seed)`, bit for bit.
    ///
    /// NumPy takes seeds below 2³²; settings with others are refused for this stream.
    pub(crate) fn rome(seed: u64) -> Self {
        RandomStream { words: Words::Rome(Box::new(Mt::new(seed as u32))), second_normal: None }
    }

    /// Depends on the seed, the prompt's tokens, the sample's number, and a number for what it is drawn for.
    pub(crate) fn independent(seed: u64, prompt_ids: &[u32], sample: usize, purpose: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&fnv1a(prompt_ids).to_le_bytes());
        key[16..24].copy_from_slice(&(sample as u64).to_le_bytes());
        key[24..].copy_from_slice(&purpose.to_le_bytes());
        let words = Words::Independent(Box::new(ChaCha8Rng::from_seed(key)));
        RandomStream { words, second_normal: None }
    }

    fn word(&mut self) -> u32 {
        match &mut self.words {
            Words::Rome(generator) => generator.next_u32(),
            Words::Independent(generator) => generator.next_u32(),
        }
    }

    /// 53 random bits in [0, 1), from two 32-bit words as the Mersenne Twister's authors do.
    fn unit(&mut self) -> f64 {
        let high = f64::from(self.word() >> 5);
        let low = f64::from(self.word() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// Uniform between −1 and 1; `RandomState.uniform(-1, 1)`.
    pub fn uniform(&mut self) -> f64 {
        -1.0 + 2.0 * self.unit()
    }

    /// Normal with mean 0 and deviation 1, by the polar method; `RandomState.randn()`.
    pub fn normal(&mut self) -> f64 {
        if let Some(second) = self.second_normal.take() {
            return second;
        }
        loop {
            let x = 2.0 * self.unit() - 1.0;
            let y = 2.0 * self.unit() - 1.0;
            let radius = x * x + y * y;
            if radius < 1.0 && radius != 0.0 {
                let factor = (-2.0 * radius.ln() / radius).sqrt();
                // NumPy hands out the second one first.
                self.second_normal = Some(factor * x);
                return factor * y;
            }
        }
    }

    /// χ² with more than 2 degrees of freedom, by Marsaglia and Tsang (2000); `RandomState.chisquare(degrees)`.
    pub fn chi_squared(&mut self, degrees: f64) -> f64 {
        let b = degrees / 2.0 - 1.0 / 3.0;
        let c = 1.0 / (9.0 * b).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root.powi(3);
            let u = self.unit();
            let x2 = x * x;
            if u < 1.0 - 0.0331 * x2 * x2 || u.ln() < 0.5 * x2 + b * (1.0 - v + v.ln()) {
                return 2.0 * b * v;
            }
        }
    }

    /// A whole number below `n`, each as probable as the others to within 2⁻⁵³.
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "there is a number below");
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    /// The numbers below `n` in random order (Fisher and Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for end in (1..n).rev() {
            order.swap(end, self.below(end + 1));
        }
        order
    }
}

/// Fowler–Noll–Vo over the ids' bytes: short, and the same on every platform.
fn fnv1a(ids: &[u32]) -> u64 {
    ids.iter()
        .flat_map(|id| id.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Values printed by NumPy 2.
    #[test]
    fn equals_numpy_bit_for_bit() {
        let mut stream = RandomStream::rome(1);
        let expected = [
            1.6243453636632417,
            -0.6117564136500754,
            -0.5281717522634557,
            -1.0729686221561705,
            0.8654076293246785,
        ];
        assert_eq!(expected.map(|_| stream.normal()), expected);
        let mut stream = RandomStream::rome(4_294_967_295);
        let expected = [0.6484086742306527, 0.6693235306338161];
        assert_eq!(expected.map(|_| stream.normal()), expected);
        let mut stream = RandomStream::rome(1);
        let expected = [-0.165955990594852, 0.4406489868843162, -0.9997712503653102];
        assert_eq!(expected.map(|_| stream.uniform()), expected);
        let mut stream = RandomStream::rome(2);
        let expected = [1.5438607459046478, 2.2138815149120945, 0.20774935783382983, 0.9464088852915643];
        assert_eq!(expected.map(|_| stream.chi_squared(3.0)), expected);
        let mut stream = RandomStream::rome(1);
        let expected = [14.769037063579498, 4.812086777539753, 5.06083630048693];
        assert_eq!(expected.map(|_| stream.chi_squared(7.5)), expected);
    }

    /// The bits of five million values, combined, against NumPy's: `bitwise_xor.reduce(x.view(uint64))`.
    #[test]
    fn equals_numpy_over_five_million_values() {
        let mut stream = RandomStream::rome(1);
        let values: Vec<f64> = (0..5_000_000).map(|_| stream.normal()).collect();
        assert_eq!(values.iter().fold(0, |bits, value| bits ^ value.to_bits()), 18_322_977_165_115_023_673);
        assert_eq!(values[4_999_999], f64::from_bits(0x3fef_5686_a986_d9c4));
    }

    #[test]
    fn independent_noise_is_standard_normal() {
        let mut stream = RandomStream::independent(7, &[1, 2, 3], 0, 0);
        let values: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 1e5;
        // Four standard errors: 4/√n for the mean, 4·√(2/n) for the variance.
        assert!(mean.abs() < 0.0127, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.0179, "variance {variance}");
    }

    #[test]
    fn every_order_is_equally_probable() {
        let mut stream = RandomStream::independent(1, &[4], 0, 0);
        let mut counts = std::collections::BTreeMap::new();
        (0..6_000).for_each(|_| *counts.entry(stream.permutation(3)).or_insert(0) += 1);
        // Four standard deviations: 4·√(6000 · 1/6 · 5/6).
        assert!(counts.len() == 6 && counts.values().all(|count| (884..=1116).contains(count)), "{counts:?}");
    }
}
