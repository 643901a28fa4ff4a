//! Prompts drawn with replacement: intervals for numbers that are made of whole tables of averages.

use anyhow::Result;
use causal_trace_core::Metric;
use causal_trace_results::statistics::{StatisticsError, Summariser, Summary, SummaryOptions};
use causal_trace_results::{Manifest, Outcome, PromptRecord, ResultsFolder};
use rayon::prelude::*;

/// How many times; an interval's ends are its fifth from below and from above.
const DRAWS: u64 = 200;

/// The averages of each draw; none where fewer than two prompts were traced.
pub(super) fn summaries(folder: &ResultsFolder, metric: Metric) -> Result<Vec<Summary>> {
    let mut records = Vec::new();
    for record in folder.records() {
        records.extend(lean(record?, metric));
    }
    if records.len() < 2 {
        return Ok(Vec::new());
    }
    let manifest = folder.manifest();
    let drawn = (0..DRAWS).into_par_iter().map(|draw| summary(manifest, &records, metric, draw));
    Ok(drawn.collect::<Result<_, _>>()?)
}

/// A traced record with what its averages need: without samples and other metrics.
fn lean(mut record: PromptRecord, metric: Metric) -> Option<PromptRecord> {
    let Outcome::Traced(traced) = &mut record.outcome else { return None };
    traced.grids.retain(|grid| grid.metric == metric);
    traced.grids.iter_mut().for_each(|grid| grid.samples = Vec::new());
    Some(record)
}

fn summary(
    manifest: &Manifest,
    records: &[PromptRecord],
    metric: Metric,
    draw: u64,
) -> Result<Summary, StatisticsError> {
    let roles = manifest.settings.roles;
    let options = SummaryOptions { metric, roles, bootstrap_draws: 0, ..SummaryOptions::default() };
    let mut summariser = Summariser::new(manifest, options);
    let mut numbers = Numbers(draw);
    for _ in records {
        summariser.add(&records[numbers.below(records.len())])?;
    }
    summariser.finish()
}

/// SplitMix64: enough for drawing prompts, the same everywhere, and every seed begins elsewhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        ((u128::from(word) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_drawn_about_as_often() {
        let mut counts = [0usize; 7];
        for draw in 0..DRAWS {
            let mut numbers = Numbers(draw);
            (0..35).for_each(|_| counts[numbers.below(7)] += 1);
        }
        // Binomial(7000, 1/7): deviation 29; five of them.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 147), "{counts:?}");
    }
}
