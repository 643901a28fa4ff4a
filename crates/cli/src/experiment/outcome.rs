//! A run that is done: its results folder, and what analyses ask of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use causal_trace_core::{Component, Metric};
use causal_trace_results::statistics::{Candidate, Selection, Summary, View, common_ids};
use causal_trace_results::{Manifest, Outcome, PromptRecord, ResultsFolder};

use super::analysis::TooFew;
use super::file::Run;
use super::options;
use super::resample::Resampled;
use crate::commands::summary::{Choice, summarise};

/// None where there are fewer than two prompts.
type Drawn = Option<Rc<Resampled>>;

/// A finished run.
pub(crate) struct Done {
    pub(super) name: String,
    /// What figures and sentences call it: with its model where there are two.
    pub(super) label: String,
    /// The value of the option that differs within a family of runs.
    pub(super) value: Option<f64>,
    pub(super) folder: ResultsFolder,
    summaries: RefCell<BTreeMap<(Metric, String), Rc<Summary>>>,
    resampled: RefCell<BTreeMap<(Metric, BTreeSet<i64>), Drawn>>,
}

impl Done {
    pub(super) fn new(run: &Run, folder: ResultsFolder, has_two_models: bool) -> Self {
        let label = if has_two_models {
            format!("{} ({})", run.name, folder.manifest().model.name)
        } else {
            run.name.clone()
        };
        let varied = run.each.iter().flatten().next().and_then(|(option, _)| run.options.get(option));
        let value = varied.and_then(|value| options::written(value).trim_start_matches('s').parse().ok());
        Done {
            name: run.name.clone(),
            label,
            value,
            folder,
            summaries: RefCell::default(),
            resampled: RefCell::default(),
        }
    }

    pub(super) fn manifest(&self) -> &Manifest {
        self.folder.manifest()
    }

    /// How a component's effects are read.
    pub(super) fn view(&self, component: Component, metric: Metric) -> View {
        View::of(self.manifest(), component, metric)
    }

    /// The component itself, or the run's first one where none is named.
    pub(super) fn component(&self, component: Option<Component>) -> Component {
        let first = self.manifest().settings.components.first().copied();
        component.or(first).unwrap_or(Component::Residual)
    }

    /// The averages over all prompts.
    pub(super) fn summary(&self, metric: Metric) -> Result<Rc<Summary>> {
        self.summary_of(metric, &Selection::All)
    }

    /// The averages over some prompts; as many as there are where more are asked for.
    pub(super) fn summary_of(&self, metric: Metric, select: &Selection) -> Result<Rc<Summary>> {
        let key = (metric, select.to_string());
        if let Some(summary) = self.summaries.borrow().get(&key) {
            return Ok(Rc::clone(summary));
        }
        let (select, ids) = self.select(select)?;
        let choice = Choice { select, metric, ..Choice::default() };
        let summary = Rc::new(summarise(&self.folder, &choice, &ids)?);
        self.summaries.borrow_mut().insert(key, Rc::clone(&summary));
        Ok(summary)
    }

    /// The averages over some prompts drawn with replacement, again and again; none for fewer than two prompts.
    pub(super) fn resampled(&self, metric: Metric, ids: BTreeSet<i64>) -> Result<Drawn> {
        let key = (metric, ids);
        if let Some(drawn) = self.resampled.borrow().get(&key) {
            return Ok(drawn.clone());
        }
        let drawn = Resampled::of(&self.folder, metric, &key.1)?.map(Rc::new);
        self.resampled.borrow_mut().insert(key, drawn.clone());
        Ok(drawn)
    }

    /// The ids of all prompts that were traced.
    pub(super) fn traced_ids(&self) -> Result<BTreeSet<i64>> {
        Ok(self.select(&Selection::All)?.1)
    }

    /// A selection that does not ask for more prompts than were traced, and their ids.
    pub(super) fn select(&self, select: &Selection) -> Result<(Selection, BTreeSet<i64>)> {
        let candidates: Vec<Candidate> =
            self.folder.prompts().map(|record| Ok(Candidate::from(&record?))).collect::<Result<_>>()?;
        let traced = candidates.iter().filter(|candidate| candidate.skipped.is_none()).count();
        let within = |n: usize| n.min(traced);
        let select = match select {
            _ if traced == 0 => Selection::All,
            Selection::MostTokens(n) => Selection::MostTokens(within(*n)),
            Selection::LeastTokens(n) => Selection::LeastTokens(within(*n)),
            Selection::Random { n, .. } if *n >= traced => Selection::All,
            other => other.clone(),
        };
        let ids = select.choose_among(&candidates)?;
        Ok((select, ids))
    }

    /// The same for one of two groups that are compared: at most half of the prompts, so that the groups have none in
    /// common.
    pub(super) fn half(&self, select: &Selection) -> Result<Selection> {
        let within = |n: usize| match n.min(self.n_traced()? / 2) {
            0 => Err(TooFew(format!("fewer than two prompts were traced in {}", self.label)).into()),
            n => Ok::<_, anyhow::Error>(n),
        };
        Ok(match select {
            Selection::MostTokens(n) => Selection::MostTokens(within(*n)?),
            Selection::LeastTokens(n) => Selection::LeastTokens(within(*n)?),
            other => self.select(other)?.0,
        })
    }

    /// How many prompts were traced.
    pub(crate) fn n_traced(&self) -> Result<usize> {
        Ok(self.traced_ids()?.len())
    }

    /// How many facts were left out for each reason, as in "3 wrong prediction, 1 too long".
    pub(crate) fn left_out(&self) -> Result<String> {
        let mut reasons = BTreeMap::new();
        for record in self.folder.prompts() {
            if let Outcome::Skipped(skip) = record?.outcome {
                *reasons.entry(skip.reason.name().replace('_', " ")).or_insert(0) += 1;
            }
        }
        let listed: Vec<String> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        Ok(listed.join(", "))
    }

    /// Where its results are.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Every record, traced or not, one part at a time.
    pub(super) fn each(&self, mut look: impl FnMut(&PromptRecord) -> Result<()>) -> Result<()> {
        self.folder.records().try_for_each(|record| look(&record?))
    }

    /// The records of some ids, by id.
    pub(super) fn records(&self, ids: &BTreeSet<i64>) -> Result<BTreeMap<i64, PromptRecord>> {
        let mut found = BTreeMap::new();
        for record in self.folder.records() {
            let record = record?;
            if ids.contains(&record.fact.known_id) {
                found.insert(record.fact.known_id, record);
            }
        }
        Ok(found)
    }
}

/// The ids that were traced in all runs, of the same text and subject.
pub(super) fn traced_alike(all: &[&Done]) -> Result<BTreeSet<i64>> {
    let heads = |done: &Done| done.folder.prompts().collect::<Result<Vec<_>, _>>();
    let Some((first, rest)) = all.split_first() else { return Ok(BTreeSet::new()) };
    let mut ids = first.traced_ids()?;
    if rest.iter().all(|done| done.name == first.name) {
        return Ok(ids);
    }
    let first_heads = heads(first)?;
    for done in rest {
        let shared = common_ids(&first_heads, &heads(done)?);
        ids.retain(|id| shared.contains(id));
    }
    Ok(ids)
}

/// All finished runs of an experiment.
pub(crate) struct Runs {
    pub(super) all: Vec<Done>,
    /// The names under which files speak of them: a family's runs have one in common.
    families: BTreeMap<String, Vec<usize>>,
}

impl Runs {
    /// `names` says which runs a name in the file stands for.
    pub(super) fn new(all: Vec<Done>, names: impl Fn(&str) -> Vec<usize>) -> Self {
        let mut families: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for done in &all {
            // Every beginning of a name might be a family's.
            let beginnings = done.name.match_indices('-').map(|(at, _)| &done.name[..at]);
            for name in beginnings.chain([&*done.name]) {
                families.entry(name.to_owned()).or_insert_with(|| names(name));
            }
        }
        Runs { all, families }
    }

    /// The runs of some names, all without any.
    pub(super) fn named(&self, names: &[String]) -> Vec<&Done> {
        if names.is_empty() {
            return self.all.iter().collect();
        }
        let indices = names.iter().flat_map(|name| self.families.get(name).into_iter().flatten());
        indices.map(|&index| &self.all[index]).collect()
    }

    /// The run of a results folder's name.
    pub(super) fn called(&self, name: &str) -> Result<&Done> {
        self.all.iter().find(|done| done.name == name).with_context(|| format!("there is no run {name}"))
    }

    /// The runs of a name, the first run without one.
    pub(super) fn family(&self, name: Option<&String>) -> Result<Vec<&Done>> {
        match name {
            None => Ok(self.all.iter().take(1).collect()),
            Some(name) => Ok(self.named(std::slice::from_ref(name))),
        }
    }

    /// The run of a name, the first without one.
    pub(super) fn one(&self, name: Option<&String>) -> Result<&Done> {
        let found = match name {
            None => self.all.first(),
            Some(name) => self.named(std::slice::from_ref(name)).first().copied(),
        };
        found.with_context(|| format!("there is no run {}", name.map_or("", String::as_str)))
    }
}
