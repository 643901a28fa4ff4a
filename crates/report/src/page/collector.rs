//! A results folder becomes what the page is given: records in one by one, a [`Folder`] out.

use std::collections::BTreeMap;

use causal_trace_core::Metric;
use causal_trace_results::statistics::{
    Census, CensusOptions, PeakClass, StatisticsError, Summariser, SummaryOptions, View,
};
use causal_trace_results::{Manifest, Outcome, PromptRecord, ResultsFolder, SkipReason, TracedPrompt};

use super::{
    ClassCount, ComponentInfo, Folder, MetricInfo, PageError, PromptRow, command, deciding, made, words,
};

/// What is known of a folder so far.
///
/// # Memory
/// A row for each prompt, and what [`Summariser`] keeps for each metric; no record is kept.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    manifest: &'a Manifest,
    summarisers: Vec<Summariser>,
    censuses: Vec<Census>,
    rows: Vec<PromptRow>,
    skipped: BTreeMap<SkipReason, usize>,
    has_samples: bool,
}

impl<'a> Collector<'a> {
    /// Nothing collected yet.
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        let settings = &manifest.settings;
        let summariser = |metric| {
            let options = SummaryOptions { metric, roles: settings.roles, ..SummaryOptions::default() };
            Summariser::new(manifest, options)
        };
        let census = |&component| {
            let view = View::of(manifest, component, Metric::Probability);
            Census::new(CensusOptions { view, threshold: CensusOptions::HALF })
        };
        Collector {
            manifest,
            summarisers: metrics(manifest).map(summariser).collect(),
            censuses: settings.components.iter().map(census).collect(),
            rows: Vec::new(),
            skipped: BTreeMap::new(),
            has_samples: false,
        }
    }

    /// Adds a record, whose numbers are in some chunk.
    pub(super) fn add(&mut self, record: &PromptRecord, chunk: usize) -> Result<(), StatisticsError> {
        for summariser in &mut self.summarisers {
            summariser.add(record)?;
        }
        match &record.outcome {
            Outcome::Skipped(skip) => *self.skipped.entry(skip.reason).or_insert(0) += 1,
            Outcome::Traced(traced) => {
                self.has_samples |= traced.grids.iter().any(|grid| !grid.samples.is_empty());
                let row = self.row(record, traced, chunk);
                self.rows.push(row);
            }
        }
        Ok(())
    }

    fn row(&mut self, record: &PromptRecord, traced: &TracedPrompt, chunk: usize) -> PromptRow {
        PromptRow {
            id: record.fact.known_id,
            prompt: record.fact.prompt.clone(),
            subject: record.fact.subject.clone(),
            answer: traced.answer.clone(),
            attribute: record.fact.attribute.clone(),
            correct_prediction: traced.correct_prediction,
            n_tokens: record.tokens.len(),
            clean: traced.clean,
            corrupted: traced.corrupted,
            total_effect: traced.total_effect(),
            chunk: Some(chunk),
            deciding: self.censuses.iter_mut().map(|census| deciding::count(census, record)).collect(),
        }
    }

    /// The folder, under a name of its own among those that are shown together.
    pub(super) fn finish(self, name: &str) -> Result<Folder, StatisticsError> {
        let Manifest { model, settings, .. } = self.manifest;
        let facts = self.rows.len() + self.skipped.values().sum::<usize>();
        let mut skipped: Vec<(&str, usize)> =
            self.skipped.into_iter().map(|(reason, facts)| (words::skip_reason(reason), facts)).collect();
        skipped.sort_by_key(|&(_, facts)| std::cmp::Reverse(facts));
        let summaries = if self.rows.is_empty() {
            Vec::new()
        } else {
            self.summarisers.into_iter().map(Summariser::finish).collect::<Result<_, _>>()?
        };
        Ok(Folder {
            name: name.to_owned(),
            model: model.name.clone(),
            n_layers: model.n_layers,
            direction: settings.direction,
            components: settings.components.iter().map(|&it| ComponentInfo::new(it, settings)).collect(),
            metrics: metrics(self.manifest).map(|it| MetricInfo::new(it, settings.direction)).collect(),
            made: made::rows(self.manifest, facts),
            command: command::command(self.manifest, name),
            skipped,
            summaries,
            census: self
                .censuses
                .iter()
                .map(|census| (census.options.view.component, class_counts(census)))
                .collect(),
            prompts: self.rows,
            has_samples: self.has_samples,
            left_out: None,
        })
    }
}

/// What was measured, the probability first.
fn metrics(manifest: &Manifest) -> impl Iterator<Item = Metric> {
    std::iter::once(Metric::Probability).chain(manifest.settings.metrics.iter().copied())
}

fn class_counts(census: &Census) -> Vec<ClassCount> {
    PeakClass::ALL
        .into_iter()
        .zip(census.counts)
        .map(|(class, prompts)| ClassCount { class, prompts })
        .collect()
}

impl Folder {
    /// A results folder as a server shows it: its chunks are the folder's parts. One part at a time is in memory.
    ///
    /// # Errors
    /// When the folder cannot be read, or its numbers are not what its manifest says.
    pub fn read(folder: &ResultsFolder, name: &str) -> Result<Self, PageError> {
        let mut collector = Collector::new(folder.manifest());
        for part in folder.complete_parts()? {
            for record in folder.read_part(part)? {
                collector.add(&record, part)?;
            }
        }
        Ok(collector.finish(name)?)
    }
}
