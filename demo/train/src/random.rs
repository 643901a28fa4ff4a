//! Random numbers of the recipe: ChaCha streams derived from one seed, so that a run can be repeated.

use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is used for. Uses never share numbers.
#[derive(Clone, Copy)]
pub enum Use {
    Phrasings = 1,
    Weights = 2,
    Batches = 3,
    Dropout = 4,
    Noise = 5,
}

/// A stream of random numbers.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream for one use; `index` separates streams of the same use, such as one per fact.
    pub fn new(seed: u64, purpose: Use, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(((purpose as u64) << 32) + index);
        Self(rng)
    }

    /// A number below `bound`. The bias of the multiplication is below 2^-32 × bound.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.0.next_u32()) * bound as u64) >> 32) as usize
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Independent draws of a Gaussian with mean 0 (Box and Muller).
    pub fn normal(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        let mut values = Vec::with_capacity(count + 1);
        while values.len() < count {
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt() * f64::from(deviation);
            let angle = std::f64::consts::TAU * self.unit();
            values.push((radius * angle.cos()) as f32);
            values.push((radius * angle.sin()) as f32);
        }
        values.truncate(count);
        values
    }

    /// A number in [0, 1) with 53 random bits.
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Dropout whose masks come from a stream; none at all outside training.
pub struct Dropout {
    stream: Option<Stream>,
    rate: f32,
}

impl Dropout {
    /// Zeroes each value with probability `rate`, in steps of 1/256.
    pub fn new(stream: Stream, rate: f32) -> Self {
        Self { stream: Some(stream), rate }
    }

    /// Leaves everything as it is.
    pub fn off() -> Self {
        Self { stream: None, rate: 0.0 }
    }

    /// Applies a fresh mask. The kept values are scaled up so that the mean stays the same.
    pub fn apply(&mut self, x: &Tensor) -> Result<Tensor> {
        let Some(stream) = &mut self.stream else { return Ok(x.clone()) };
        let mut bytes = vec![0u8; x.elem_count()];
        stream.0.fill_bytes(&mut bytes);
        let threshold = (self.rate * 256.0).round() as u8;
        let kept = 256.0 / (256.0 - f32::from(threshold));
        let mask: Vec<f32> = bytes.iter().map(|&b| if b < threshold { 0.0 } else { kept }).collect();
        x.mul(&Tensor::from_vec(mask, x.shape(), &Device::Cpu)?)
    }
}
