//! A run's averages over prompts drawn with replacement, again and again.

use std::collections::BTreeSet;

use anyhow::Result;
use causal_trace_core::Metric;
use causal_trace_results::statistics::{RESAMPLES, Summariser, Summary, SummaryOptions, resampled};
use causal_trace_results::{Outcome, PromptRecord, ResultsFolder};
use rayon::prelude::*;

/// The averages over some prompts, and over each draw of as many of them.
pub(super) struct Resampled {
    pub(super) whole: Summary,
    pub(super) draws: Vec<Summary>,
}

impl Resampled {
    /// None where fewer than two of the ids were traced. The same ids are drawn alike in every run.
    pub(super) fn of(folder: &ResultsFolder, metric: Metric, ids: &BTreeSet<i64>) -> Result<Option<Self>> {
        let mut records = Vec::new();
        for record in folder.records() {
            records.extend(lean(record?, metric).filter(|record| ids.contains(&record.fact.known_id)));
        }
        if records.len() < 2 {
            return Ok(None);
        }
        records.sort_by_key(|record| record.fact.known_id);
        let manifest = folder.manifest();
        let roles = manifest.settings.roles;
        let options = SummaryOptions { metric, roles, bootstrap_draws: 0, ..SummaryOptions::default() };
        let mut whole = Summariser::new(manifest, options.clone());
        records.iter().try_for_each(|record| whole.add(record))?;
        let drawn = (0..RESAMPLES).into_par_iter().map(|draw| resampled(manifest, &records, &options, draw));
        Ok(Some(Resampled { whole: whole.finish()?, draws: drawn.collect::<Result<_, _>>()? }))
    }
}

/// A traced record with what its averages need: without samples and other metrics.
fn lean(mut record: PromptRecord, metric: Metric) -> Option<PromptRecord> {
    let Outcome::Traced(traced) = &mut record.outcome else { return None };
    traced.grids.retain(|grid| grid.metric == metric);
    traced.grids.iter_mut().for_each(|grid| grid.samples = Vec::new());
    Some(record)
}
