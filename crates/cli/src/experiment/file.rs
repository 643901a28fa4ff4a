//! An experiment file: `docs/experiments.md` describes every key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;

use super::analysis::Analysis;
use super::options;
use super::source::Source;
use super::verdict::Claim;
use crate::known_facts;

/// A whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Experiment {
    /// What it is called on its page.
    pub(crate) title: String,
    /// Who did it first.
    pub(crate) source: Origin,
    /// What it shows, in one line.
    pub(crate) shows: String,
    /// What a reader should know beside that, a paragraph each.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
    /// The sweeps.
    #[serde(rename = "run")]
    pub(crate) runs: Vec<Run>,
    /// What was said of the experiment, and how to test it here.
    #[serde(rename = "claim", default)]
    pub(crate) claims: Vec<Claim>,
    /// Figures and tables.
    #[serde(rename = "analysis", default)]
    pub(crate) analyses: Vec<Analysis>,
}

/// Who did an experiment first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// <https://github.com/dannyallover/causal-tracing>
    Dannyallover,
    /// Meng et al. 2022.
    Rome,
    /// This program.
    CausalTrace,
}

impl Origin {
    /// For a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Origin::Dannyallover => "dannyallover",
            Origin::Rome => "rome",
            Origin::CausalTrace => "causal-trace",
        }
    }

    /// For a sentence.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Origin::Dannyallover => {
                "[dannyallover/causal-tracing](https://github.com/dannyallover/causal-tracing)"
            }
            Origin::Rome => "ROME ([Meng et al. 2022](https://arxiv.org/abs/2202.05262))",
            Origin::CausalTrace => "this program",
        }
    }
}

/// A sweep, or several that differ in one option.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Run {
    /// The name of its results folder.
    pub(crate) name: String,
    /// Which of the two models.
    #[serde(default)]
    pub(crate) model: Which,
    /// Prompts in place of a fact file.
    #[serde(default)]
    pub(crate) prompts: Vec<InlinePrompt>,
    /// What stands before every prompt.
    pub(crate) prefix: Option<Prefix>,
    /// Options that take the others' place on a model of fewer than [`DEEP`] layers.
    #[serde(default)]
    pub(crate) shallow: BTreeMap<String, toml::Value>,
    /// One option with several values: a sweep for each.
    pub(crate) each: Option<BTreeMap<String, Vec<toml::Value>>>,
    /// The options of `sweep`, by their long names.
    #[serde(flatten)]
    pub(crate) options: BTreeMap<String, toml::Value>,
}

/// The keys of a run beside the options of `sweep`.
pub(super) const RUN_KEYS: [&str; 6] = ["name", "model", "prompts", "prefix", "shallow", "each"];

/// A window of ROME's ten layers covers most of a model with fewer layers than this.
const DEEP: usize = 20;

/// Which model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which {
    /// `--model`.
    #[default]
    First,
    /// `--second-model`.
    Second,
}

/// A prompt that stands in the file itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct InlinePrompt {
    pub(crate) id: i64,
    pub(crate) prompt: String,
    pub(crate) subject: String,
    pub(crate) attribute: String,
    pub(crate) counterpart: Option<String>,
    pub(crate) foil: Option<String>,
}

/// Sentences that stand before every prompt: true ones in the clean run, others in the corrupted run.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Prefix {
    pub(crate) clean: Vec<String>,
    pub(crate) corrupted: Vec<String>,
}

impl Experiment {
    /// Reads a file; a key or value that is wrong is an error that names its line and what is allowed.
    pub(super) fn parse(source: &Source) -> Result<Self> {
        let mut experiment: Experiment = toml::from_str(&source.text)
            .map_err(|error| source.parse_error(error.span(), error.message()))?;
        for (index, run) in experiment.runs.iter().enumerate() {
            options::check(run).map_err(|(key, problem)| {
                source.error(source.find("run", index, &key), &format!("run {}: {problem}", run.name))
            })?;
        }
        experiment.runs = experiment.runs.iter().flat_map(expanded).collect();
        experiment.check_names(source)?;
        for run in &mut experiment.runs {
            run.resolve(source);
        }
        Ok(experiment)
    }

    fn check_names(&self, source: &Source) -> Result<()> {
        if self.runs.is_empty() {
            return Err(source.error(None, "it has no [[run]]"));
        }
        let mut names: Vec<&str> = self.runs.iter().map(|run| &*run.name).collect();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if let Some(name) = names.iter().find(|name| name.is_empty() || !name.chars().all(is_plain)) {
            let problem = format!("the run name '{name}' becomes a folder: use letters, digits, - and _");
            return Err(source.error(None, &problem));
        }
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(source.error(None, &format!("two runs are called '{}'", twice[0])));
        }
        let unknown = |name: &str| {
            let problem = format!("there is no run '{name}': the runs are {}", self.run_names().join(", "));
            (self.named(name).is_empty()).then_some(problem)
        };
        for (index, analysis) in self.analyses.iter().enumerate() {
            if let Some(problem) = analysis.run_names().into_iter().find_map(unknown) {
                return Err(source.error(source.find("analysis", index, "runs"), &problem));
            }
        }
        for (index, claim) in self.claims.iter().enumerate() {
            if let Some(problem) = claim.run_names().into_iter().find_map(unknown) {
                return Err(source.error(source.find("claim", index, "test"), &problem));
            }
        }
        Ok(())
    }

    fn run_names(&self) -> Vec<&str> {
        self.runs.iter().map(|run| &*run.name).collect()
    }

    /// The runs of a name: one, or all that an `each` has made of it.
    pub(super) fn named(&self, name: &str) -> Vec<usize> {
        let is_its = |run: &Run| {
            run.name == name
                || run.each.is_some() && run.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        };
        (0..self.runs.len()).filter(|&index| is_its(&self.runs[index])).collect()
    }

    /// Whether a run needs the second model.
    pub(crate) fn needs_second_model(&self) -> bool {
        self.runs.iter().any(|run| run.model == Which::Second)
    }
}

impl Run {
    /// The run on a model of so many layers.
    pub(super) fn on(&self, n_layers: usize) -> Run {
        let mut run = self.clone();
        if n_layers < DEEP {
            run.options.extend(self.shallow.clone());
        }
        run
    }

    /// Files are looked for beside the experiment's file; ROME's facts have a name.
    fn resolve(&mut self, source: &Source) {
        if let Some(toml::Value::String(path)) = self.options.get_mut("facts")
            && path != known_facts::NAME
        {
            *path = source.folder.join(PathBuf::from(&*path)).display().to_string();
        }
        if let Some(toml::Value::String(path)) = self.options.get_mut("corpus") {
            *path = source.folder.join(PathBuf::from(&*path)).display().to_string();
        }
    }
}

/// One run for each value of `each`, named after it.
fn expanded(run: &Run) -> Vec<Run> {
    let Some((option, values)) = run.each.iter().flatten().next() else { return vec![run.clone()] };
    let one = |value: &toml::Value| {
        let name = format!("{}-{}", run.name, options::written(value));
        let mut options = run.options.clone();
        options.insert(option.clone(), value.clone());
        Run { name, options, ..run.clone() }
    };
    values.iter().map(one).collect()
}
