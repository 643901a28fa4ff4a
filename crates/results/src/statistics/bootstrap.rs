//! Percentile bootstrap over prompts (Efron and Tibshirani 1993, chapters 6 and 13).
//!
//! Tokens of one prompt are not independent, prompts are: so whole prompts are drawn with replacement, and
//! the average of a draw is a ratio of two sums over the prompts drawn, of their values and of their tokens.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How many draws pass over a table of sums together, so that it stays in the cache.
const DRAWS_AT_ONCE: usize = 64;

/// Sums of some prompts' values, each prompt with its own number of values.
#[derive(Debug, Clone)]
pub(super) struct PromptSums {
    n_columns: usize,
    /// Which prompts; each once.
    prompts: Vec<usize>,
    /// How many values each of them has.
    counts: Vec<usize>,
    /// `[prompts, n_columns]`, row-major.
    sums: Vec<f64>,
}

impl PromptSums {
    pub(super) fn new(n_columns: usize) -> Self {
        PromptSums { n_columns, prompts: Vec::new(), counts: Vec::new(), sums: Vec::new() }
    }

    /// Adds one prompt's sums; `prompt` is its place among all prompts.
    pub(super) fn push(&mut self, prompt: usize, count: usize, sums: &[f64]) {
        self.prompts.push(prompt);
        self.counts.push(count);
        self.sums.extend_from_slice(sums);
    }

    /// How many prompts have values.
    pub(super) fn n_prompts(&self) -> usize {
        self.prompts.len()
    }

    /// The average when each prompt counts as often as it was drawn; nothing where none with values was.
    fn weighted_average(&self, weights: &[u32]) -> Option<Vec<f64>> {
        let mut total = vec![0.0; self.n_columns];
        let mut count = 0.0;
        for (index, &prompt) in self.prompts.iter().enumerate() {
            if weights[prompt] == 0 {
                continue;
            }
            let weight = f64::from(weights[prompt]);
            count += weight * self.counts[index] as f64;
            let sums = &self.sums[index * self.n_columns..][..self.n_columns];
            for (total, sum) in total.iter_mut().zip(sums) {
                *total += weight * sum;
            }
        }
        (count > 0.0).then(|| total.into_iter().map(|total| total / count).collect())
    }
}

/// The ends of a 95 % interval for each column of a table of sums.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Interval {
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
}

/// The 2.5th and 97.5th percentiles of the average of every column, over draws of prompts with replacement.
///
/// All tables see the same draws, which depend on the seed and the number of prompts only. A draw without any
/// value of a table does not count for it; where no draw has one, the interval is `NaN`.
pub(super) fn intervals(tables: &[&PromptSums], n_prompts: usize, draws: usize, seed: u64) -> Vec<Interval> {
    let mut averages: Vec<Vec<Vec<f64>>> =
        tables.iter().map(|table| vec![Vec::with_capacity(draws); table.n_columns]).collect();
    let mut generator = seeded(seed);
    let mut remaining = draws;
    while remaining > 0 {
        let now = remaining.min(DRAWS_AT_ONCE);
        let weights: Vec<Vec<u32>> = (0..now).map(|_| draw(n_prompts, &mut generator)).collect();
        for (table, averages) in tables.iter().zip(&mut averages) {
            for average in weights.iter().filter_map(|weights| table.weighted_average(weights)) {
                for (values, value) in averages.iter_mut().zip(average) {
                    values.push(value);
                }
            }
        }
        remaining -= now;
    }
    averages.into_iter().map(Interval::of).collect()
}

impl Interval {
    fn of(columns: Vec<Vec<f64>>) -> Self {
        let ends = columns.into_iter().map(|mut values| {
            values.sort_unstable_by(f64::total_cmp);
            (quantile(&values, 0.025), quantile(&values, 0.975))
        });
        let (low, high) = ends.unzip();
        Interval { low, high }
    }
}

/// How often each of `n` prompts is drawn in `n` draws with replacement.
pub(super) fn draw(n: usize, generator: &mut impl Rng) -> Vec<u32> {
    let mut weights = vec![0; n];
    for _ in 0..n {
        weights[below(n, generator)] += 1;
    }
    weights
}

/// A stream of random numbers; its key is the seed's bytes, which no version of a crate can change.
pub(super) fn seeded(seed: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A random number below `n`; no number is likelier than another by more than `n` / 2⁶⁴.
pub(super) fn below(n: usize, generator: &mut impl Rng) -> usize {
    ((u128::from(generator.next_u64()) * n as u128) >> 64) as usize
}

/// A quantile of sorted values, interpolated linearly between neighbours as NumPy does; `NaN` for none.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    low + (place - place.floor()) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpy_s() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.975])
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((quantile(&sorted, 0.025) - 1.075).abs() < 1e-12);
        assert_eq!(quantile(&sorted, 0.5), 3.0);
        assert!((quantile(&sorted, 0.975) - 7.7).abs() < 1e-12);
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_draw_has_as_many_prompts_as_there_are() {
        let mut generator = seeded(3);
        let mut total = [0; 5];
        for _ in 0..2000 {
            let weights = draw(5, &mut generator);
            assert_eq!(weights.iter().sum::<u32>(), 5);
            for (total, weight) in total.iter_mut().zip(&weights) {
                *total += weight;
            }
        }
        // Binomial(10000, 1/5): deviation 40; five of them.
        assert!(total.iter().all(|&total| total.abs_diff(2000) < 200), "{total:?}");
    }

    #[test]
    fn an_average_is_the_ratio_of_sums_and_counts() {
        let mut table = PromptSums::new(1);
        table.push(0, 2, &[3.0]);
        table.push(2, 1, &[6.0]);
        assert_eq!(table.weighted_average(&[2, 5, 1]), Some(vec![12.0 / 5.0]));
        assert_eq!(table.weighted_average(&[0, 8, 0]), None);
    }

    #[test]
    fn draws_without_a_value_do_not_count() {
        let mut table = PromptSums::new(1);
        table.push(1, 1, &[7.0]);
        let found = intervals(&[&table, &PromptSums::new(2)], 4, 500, 1);
        assert_eq!(found[0], Interval { low: vec![7.0], high: vec![7.0] });
        assert!(found[1].low.len() == 2 && found[1].high.iter().all(|value| value.is_nan()));
    }

    /// Means of 400 normal values: the interval's half width is 1.96 / √400 but for its own noise.
    #[test]
    fn the_width_is_that_of_the_normal_approximation() {
        let mut generator = seeded(11);
        let mut table = PromptSums::new(1);
        let mut values = Vec::new();
        for prompt in 0..400 {
            // A sum of twelve uniforms minus 6 has mean 0 and deviation 1.
            let value: f64 =
                (0..12).map(|_| generator.next_u64() as f64 / u64::MAX as f64).sum::<f64>() - 6.0;
            values.push(value);
            table.push(prompt, 1, &[value]);
        }
        let mean = values.iter().sum::<f64>() / 400.0;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 399.0).sqrt();
        let expected = 1.96 * deviation / 20.0;
        let found = &intervals(&[&table], 400, 4000, 1)[0];
        for end in [mean - found.low[0], found.high[0] - mean] {
            assert!((end / expected - 1.0).abs() < 0.1, "{end} beside {expected}");
        }
    }

    /// A true mean of 0 lies within the interval about 95 times of 100.
    #[test]
    fn the_coverage_is_near_95_per_cent() {
        let mut generator = seeded(5);
        let mut covered = 0;
        for seed in 0..200 {
            let mut table = PromptSums::new(1);
            for prompt in 0..60 {
                // One to three values a prompt that share the prompt's own offset.
                let count = 1 + below(3, &mut generator);
                let offset = generator.next_u64() as f64 / u64::MAX as f64 - 0.5;
                table.push(prompt, count, &[offset * count as f64]);
            }
            let found = &intervals(&[&table], 60, 400, seed)[0];
            covered += usize::from(found.low[0] <= 0.0 && found.high[0] >= 0.0);
        }
        // Binomial(200, 0.95): deviation 3.1; the percentile interval covers a little less than it says.
        assert!((178..=199).contains(&covered), "{covered} of 200");
    }
}
