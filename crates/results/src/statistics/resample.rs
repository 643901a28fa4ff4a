//! Prompts drawn with replacement, for numbers that are made of whole tables of averages: their intervals, and those of
//! the difference of two of them over the same prompts.

use super::bootstrap::{below, quantile, seeded};
use super::{StatisticsError, Summariser, Summary, SummaryOptions};
use crate::{Manifest, PromptRecord};

/// How many draws; an interval's ends are about its fifth from below and from above.
pub const RESAMPLES: u64 = 200;

/// Fewer values than this have no percentiles.
const FEWEST: usize = 20;

/// The averages over as many records as there are, drawn with replacement. Which places are drawn depends on the number
/// of records and the draw only: two folders' records in one order have the same prompts in the same draw.
///
/// # Errors
/// As of [`Summariser`].
pub fn resampled(
    manifest: &Manifest,
    records: &[PromptRecord],
    options: &SummaryOptions,
    draw: u64,
) -> Result<Summary, StatisticsError> {
    let options = SummaryOptions { bootstrap_draws: 0, ..options.clone() };
    let mut summariser = Summariser::new(manifest, options);
    let mut generator = seeded(draw);
    for _ in records {
        summariser.add(&records[below(records.len(), &mut generator)])?;
    }
    summariser.finish()
}

/// The 2.5th and the 97.5th percentile; none for few values.
#[must_use]
pub fn percentile_interval(mut values: Vec<f64>) -> Option<[f64; 2]> {
    if values.len() < FEWEST {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    Some([quantile(&values, 0.025), quantile(&values, 0.975)])
}

/// A number minus a multiple of another, over the same prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// How many prompts were traced in both.
    pub prompts: usize,
    /// The first number minus `times` the second, over those prompts.
    pub value: f64,
    /// Its 95 % interval: the percentiles over draws, each of the same prompts for both numbers.
    pub ci95: [f64; 2],
}

impl PairedDifference {
    /// From the two numbers over all `prompts`, and over each draw of them; draws in which one cannot be told are left
    /// out. None where too few are left, or the difference is not a finite number.
    #[must_use]
    pub fn of(
        prompts: usize,
        whole: [f64; 2],
        draws: impl IntoIterator<Item = [f64; 2]>,
        times: f64,
    ) -> Option<Self> {
        let difference = |[first, second]: [f64; 2]| first - times * second;
        let differences = draws.into_iter().map(difference).filter(|value| value.is_finite()).collect();
        let (value, ci95) = (difference(whole), percentile_interval(differences)?);
        value.is_finite().then_some(PairedDifference { prompts, value, ci95 })
    }

    /// Whether its sign is clear: the interval leaves 0 out, or has no width.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let [low, high] = self.ci95;
        low > 0.0 || high < 0.0 || low == high
    }
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Component;

    use super::*;
    use crate::statistics::examples::{manifest, record};

    /// Prompts of very different effects, larger by `more` in each.
    fn records(more: f64) -> Vec<PromptRecord> {
        let effect = |id: i64| (id * 7 % 30) as f64 / 40.0 + more;
        (0..30).map(|id| record(id, 0..1, (0.9, 0.1), &[&[effect(id)], &[0.0]])).collect()
    }

    fn first_subject(summary: &Summary) -> f64 {
        summary.components[&Component::Residual].average_indirect_effect[0][0]
    }

    #[test]
    fn a_small_difference_in_every_prompt_is_clear_where_intervals_overlap() {
        let (made, options) = (manifest(1), SummaryOptions::default());
        let [one, other] = [0.01, 0.0].map(records);
        let of = |records: &[PromptRecord], draw| {
            first_subject(&resampled(&made, records, &options, draw).unwrap())
        };
        let draws: Vec<[f64; 2]> = (0..RESAMPLES).map(|draw| [of(&one, draw), of(&other, draw)]).collect();
        let [[low, _], [_, high]] =
            [0, 1].map(|side| percentile_interval(draws.iter().map(|pair| pair[side]).collect()).unwrap());
        assert!(low < high - 0.1, "apart they overlap: {low} {high}");
        let found = PairedDifference::of(30, [0.3725, 0.3625], draws.clone(), 1.0).unwrap();
        assert!(found.is_clear() && found.ci95.iter().all(|end| (end - 0.01).abs() < 1e-9), "{found:?}");
        let half = PairedDifference::of(30, [0.3725, 0.3625], draws, 0.5).unwrap();
        assert!((half.value - 0.19125).abs() < 1e-12 && half.ci95[0] > 0.1, "{half:?}");
    }

    #[test]
    fn every_prompt_is_drawn_about_as_often_and_few_draws_tell_nothing() {
        let mut counts = [0usize; 7];
        for draw in 0..RESAMPLES {
            let mut generator = seeded(draw);
            (0..35).for_each(|_| counts[below(7, &mut generator)] += 1);
        }
        // Binomial(7000, 1/7): deviation 29; five of them.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 147), "{counts:?}");
        assert_eq!(PairedDifference::of(2, [1.0, 0.0], [[1.0, 0.0]; 19], 1.0), None);
        assert_eq!(percentile_interval((0..=100).map(f64::from).collect()), Some([2.5, 97.5]));
    }
}
