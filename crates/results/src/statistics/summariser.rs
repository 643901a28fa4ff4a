//! Records in, one after the other; averages out.

use std::collections::{BTreeMap, BTreeSet};

use causal_trace_core::{Component, Metric, RoleConvention};

use super::Summary;
use super::bootstrap::{PromptSums, intervals};
use super::tally::{ComponentTally, PromptRoles};
use crate::{EffectGrid, Manifest, Outcome, PromptRecord, Settings, TracedPrompt};

/// What to average, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryOptions {
    /// Which metric's effects are averaged.
    pub metric: Metric,
    /// Whose definition of the roles.
    pub roles: RoleConvention,
    /// Number of bootstrap draws behind the intervals; 0 leaves them `NaN`.
    pub bootstrap_draws: usize,
    /// Their seed.
    pub bootstrap_seed: u64,
    /// Which prompts are averaged, in words.
    pub selection: String,
    /// Their ids; all traced prompts where there are none.
    pub selected: Option<BTreeSet<i64>>,
}

impl Default for SummaryOptions {
    fn default() -> Self {
        SummaryOptions {
            metric: Metric::Probability,
            roles: RoleConvention::Rome,
            bootstrap_draws: 2000,
            bootstrap_seed: 1,
            selection: "all".to_owned(),
            selected: None,
        }
    }
}

/// Why there are no averages.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum StatisticsError {
    /// Nothing to average.
    #[error("no traced prompt to average (selection: {selection}); skipped: {}", reasons(skipped))]
    NoPrompts {
        /// Which prompts were asked for.
        selection: String,
        /// How many facts were skipped, by reason.
        skipped: BTreeMap<String, usize>,
    },
    /// The metric was not measured.
    #[error("{metric} was not measured in this folder, which has {}: trace again with it", metrics(there))]
    NoMetric {
        /// The metric that was asked for.
        metric: Metric,
        /// What was measured.
        there: Vec<Metric>,
    },
    /// A number of a prompt is infinite or not a number; one such number would spoil every average.
    #[error("fact {known_id}: {what} is not a finite number; trace it again, or leave it out with --select")]
    NotFinite {
        /// The fact.
        known_id: i64,
        /// Which of its numbers.
        what: String,
    },
    /// A prompt does not have what the manifest says.
    #[error("fact {known_id} does not fit the folder's manifest: {problem}; the folder is damaged")]
    Misfit {
        /// The fact.
        known_id: i64,
        /// What is wrong.
        problem: String,
    },
}

fn metrics(there: &[Metric]) -> String {
    there.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

fn reasons(skipped: &BTreeMap<String, usize>) -> String {
    if skipped.is_empty() {
        return "none".to_owned();
    }
    skipped.iter().map(|(reason, count)| format!("{reason} {count}")).collect::<Vec<_>>().join(", ")
}

/// Collects the records of a results folder, in the folder's order, into a [`Summary`].
///
/// # Memory
/// For each prompt, six rows of one number a layer for each component; no record is kept.
#[derive(Debug)]
pub struct Summariser {
    options: SummaryOptions,
    model: String,
    settings: Settings,
    skipped: BTreeMap<String, usize>,
    total_effects: PromptSums,
    totals: Totals,
    components: Vec<ComponentTally>,
}

/// Sums over prompts.
#[derive(Debug, Default)]
struct Totals {
    prompts: usize,
    clean: f64,
    corrupted: f64,
    total_effect: f64,
}

impl Summariser {
    /// Nothing collected yet.
    #[must_use]
    pub fn new(manifest: &Manifest, options: SummaryOptions) -> Self {
        let n_layers = manifest.model.n_layers;
        let tally = |&component: &Component| ComponentTally::new(component, n_layers);
        Summariser {
            options,
            model: manifest.model.name.clone(),
            settings: manifest.settings.clone(),
            skipped: BTreeMap::new(),
            total_effects: PromptSums::new(1),
            totals: Totals::default(),
            components: manifest.settings.components.iter().map(tally).collect(),
        }
    }

    /// Adds a record. A skipped one is counted by its reason, whatever the selection; a traced one that is not
    /// selected is passed over.
    ///
    /// # Errors
    /// When the folder lacks the metric, a number is not finite, or the record has other layers or components than the
    /// manifest says.
    pub fn add(&mut self, record: &PromptRecord) -> Result<(), StatisticsError> {
        let known_id = record.fact.known_id;
        let traced = match &record.outcome {
            Outcome::Traced(traced) => traced,
            Outcome::Skipped(skip) => {
                *self.skipped.entry(skip.reason.name().to_owned()).or_insert(0) += 1;
                return Ok(());
            }
        };
        if self.options.selected.as_ref().is_some_and(|selected| !selected.contains(&known_id)) {
            return Ok(());
        }
        self.check_metric()?;
        let (clean, corrupted) = self.checked_baseline(known_id, traced)?;
        let grids = self.checked_grids(record, traced)?;
        let roles = PromptRoles {
            convention: self.options.roles,
            subject: record.subject,
            n_tokens: record.tokens.len(),
        };
        for (tally, grid) in self.components.iter_mut().zip(grids) {
            tally.add(self.totals.prompts, traced, grid, roles, self.settings.direction);
        }
        self.total_effects.push(self.totals.prompts, 1, &[clean - corrupted]);
        self.totals.prompts += 1;
        self.totals.clean += clean;
        self.totals.corrupted += corrupted;
        self.totals.total_effect += clean - corrupted;
        Ok(())
    }

    fn check_metric(&self) -> Result<(), StatisticsError> {
        let metric = self.options.metric;
        let there: Vec<Metric> =
            std::iter::once(Metric::Probability).chain(self.settings.metrics.iter().copied()).collect();
        if there.contains(&metric) { Ok(()) } else { Err(StatisticsError::NoMetric { metric, there }) }
    }

    /// The metric of the clean run and its mean over the corrupted runs.
    fn checked_baseline(&self, known_id: i64, traced: &TracedPrompt) -> Result<(f64, f64), StatisticsError> {
        let metric = self.options.metric;
        let (clean, corrupted) = traced.baseline_in(metric).ok_or_else(|| {
            let problem = format!("its runs have no {metric}");
            StatisticsError::Misfit { known_id, problem }
        })?;
        for (what, value) in [("clean", clean), ("corrupted", corrupted)] {
            if !value.is_finite() {
                let what = format!("the {metric} of the {what} run");
                return Err(StatisticsError::NotFinite { known_id, what });
            }
        }
        Ok((clean, corrupted))
    }

    /// The grids in the order of the components, after a look at all of their numbers.
    fn checked_grids<'a>(
        &self,
        record: &PromptRecord,
        traced: &'a TracedPrompt,
    ) -> Result<Vec<&'a EffectGrid>, StatisticsError> {
        let known_id = record.fact.known_id;
        let misfit = |problem: String| StatisticsError::Misfit { known_id, problem };
        let mut grids = Vec::new();
        for tally in &self.components {
            let component = tally.component;
            let grid = traced
                .grid_in(component, self.options.metric)
                .ok_or_else(|| misfit(format!("{component} was not traced")))?;
            check_shape(grid, tally.n_layers, record.tokens.len()).map_err(misfit)?;
            check_finite(grid).map_err(|what| StatisticsError::NotFinite { known_id, what })?;
            grids.push(grid);
        }
        Ok(grids)
    }

    /// The averages, deviations and intervals.
    ///
    /// # Errors
    /// When the folder lacks the metric, or no traced prompt was added.
    pub fn finish(self) -> Result<Summary, StatisticsError> {
        self.check_metric()?;
        let Summariser { options, settings, totals, components, .. } = self;
        if totals.prompts == 0 {
            return Err(StatisticsError::NoPrompts { selection: options.selection, skipped: self.skipped });
        }
        let tables: Vec<&PromptSums> = std::iter::once(&self.total_effects)
            .chain(components.iter().flat_map(ComponentTally::prompt_sums))
            .collect();
        let found = intervals(&tables, totals.prompts, options.bootstrap_draws, options.bootstrap_seed);
        let average = |sum: f64| sum / totals.prompts as f64;
        Ok(Summary {
            model: self.model,
            prompts: totals.prompts,
            skipped: self.skipped,
            selection: options.selection,
            role_convention: options.roles,
            direction: settings.direction,
            metric: options.metric,
            average_total_effect: average(totals.total_effect),
            ci95_total_effect: [found[0].low[0], found[0].high[0]],
            mean_clean: average(totals.clean),
            mean_corrupted: average(totals.corrupted),
            bootstrap_seed: options.bootstrap_seed,
            bootstrap_draws: options.bootstrap_draws,
            components: components
                .into_iter()
                .zip(found[1..].chunks(6))
                .map(|(tally, intervals)| {
                    let window = settings.window_of(tally.component);
                    (tally.component, tally.summary(window, intervals))
                })
                .collect(),
        })
    }
}

fn check_shape(grid: &EffectGrid, n_layers: usize, n_tokens: usize) -> Result<(), String> {
    let component = grid.component;
    let sites = n_tokens * n_layers;
    let lengths = [grid.patched.len(), grid.indirect_effect.len(), grid.percent_improvement.len()];
    if grid.n_layers != n_layers {
        return Err(format!("{component} has {} layers, expected {n_layers}", grid.n_layers));
    }
    if lengths != [sites; 3] {
        return Err(format!(
            "{component} has {lengths:?} values, expected {sites} each ({n_tokens} tokens, {n_layers} layers)"
        ));
    }
    Ok(())
}

fn check_finite(grid: &EffectGrid) -> Result<(), String> {
    let EffectGrid { component, n_layers, patched, indirect_effect, percent_improvement, samples, .. } = grid;
    let tables = [patched, indirect_effect, percent_improvement];
    let names = ["the patched run", "the indirect effect", "the percent improvement"];
    for (name, table) in names.into_iter().zip(tables) {
        if let Some(site) = table.iter().position(|value| !value.is_finite()) {
            let (token, layer) = (site / n_layers, site % n_layers);
            return Err(format!("{name} of {component} at token {token}, layer {layer}"));
        }
    }
    match samples.iter().any(|sample| !sample.is_finite()) {
        true => Err(format!("a sample of {component}")),
        false => Ok(()),
    }
}
