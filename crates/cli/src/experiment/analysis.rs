//! The kinds of analyses: each makes figures, tables and findings of some runs.

mod averages;
mod comparisons;
mod examples;
mod extremes;
mod pairs;
mod peaks;
mod published;
mod single;

use anyhow::Result;
use causal_trace_core::{Component, Metric};
use causal_trace_results::statistics::{Selection, StatisticsError};
use serde::Deserialize;

use super::number::from_text;
use super::outcome::{Done, Runs};
use super::section::Section;
use published::Published;

/// An analysis as a file asks for it; without runs it looks at all of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(crate) enum Analysis {
    /// Everything about the averages of each run.
    Averages {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        #[serde(default, deserialize_with = "from_text")]
        select: Option<Selection>,
    },
    /// Single prompts: galleries of many, and some drawn by themselves.
    Examples {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        #[serde(default, deserialize_with = "from_text")]
        select: Option<Selection>,
        #[serde(default = "four")]
        drawn: usize,
        #[serde(default)]
        metric: Option<Metric>,
    },
    /// The prompts with the fewest and with the most tokens.
    Extremes {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        #[serde(default = "hundred")]
        prompts: usize,
    },
    /// Every draw of a prompt.
    Draws {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
    },
    /// Runs on one scale, and the same prompts in each of them.
    Beside {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        #[serde(default)]
        drawn: usize,
    },
    /// Effects over the option that differs between runs.
    Against {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        label: String,
        #[serde(default)]
        logarithmic: bool,
        #[serde(default)]
        components: Vec<Component>,
    },
    /// The residual stream beside severed tracing.
    Severed {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
    },
    /// How often effects go in the wrong direction.
    Directions {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
    },
    /// Where the effect of each prompt peaks.
    Census {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        component: Option<Component>,
        #[serde(default = "four")]
        drawn: usize,
    },
    /// The tokens of a prefix that all prompts share.
    Aligned {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
        component: Option<Component>,
    },
    /// The effects of the facts of a prefix: each alone, and several in a row.
    FactPosition {
        title: Option<String>,
        /// One run for each fact, which is its whole prefix.
        alone: Vec<String>,
        /// The first has the facts in the same order; others may have them in other orders.
        stacked: Vec<String>,
    },
    /// Whether two runs of the same prompts agree.
    Agreement {
        title: Option<String>,
        runs: [String; 2],
        #[serde(default = "probability")]
        metrics: [Metric; 2],
    },
    /// The averages in every metric that was measured.
    Metrics {
        title: Option<String>,
        #[serde(default)]
        runs: Vec<String>,
    },
    /// Numbers from a paper beside ours.
    Published(Published),
}

fn four() -> usize {
    4
}

fn hundred() -> usize {
    100
}

fn probability() -> [Metric; 2] {
    [Metric::Probability; 2]
}

impl Analysis {
    /// The runs that it names.
    pub(super) fn run_names(&self) -> Vec<&str> {
        let names: Vec<&String> = match self {
            Analysis::Averages { runs, .. }
            | Analysis::Examples { runs, .. }
            | Analysis::Extremes { runs, .. }
            | Analysis::Draws { runs, .. }
            | Analysis::Beside { runs, .. }
            | Analysis::Against { runs, .. }
            | Analysis::Severed { runs, .. }
            | Analysis::Directions { runs, .. }
            | Analysis::Census { runs, .. }
            | Analysis::Aligned { runs, .. }
            | Analysis::Metrics { runs, .. } => runs.iter().collect(),
            Analysis::FactPosition { alone, stacked, .. } => alone.iter().chain(stacked).collect(),
            Analysis::Agreement { runs, .. } => runs.iter().collect(),
            Analysis::Published(published) => return published.run_names(),
        };
        names.into_iter().map(String::as_str).collect()
    }

    /// The averages over all prompts of the same runs.
    fn is_over_all(&self, names: &[String]) -> bool {
        matches!(self, Analysis::Averages { runs, select: None | Some(Selection::All), .. } if runs == names)
    }

    /// Its figures, tables and findings; says so where there are too few prompts for it, so that it would repeat one
    /// of the `earlier` analyses.
    pub(super) fn sections(&self, runs: &Runs, earlier: &[Analysis]) -> Result<Vec<Section>> {
        match self {
            Analysis::Averages { title, runs: names, select } => {
                let title = title.as_deref().unwrap_or("Averages");
                let has_all = earlier.iter().any(|analysis| analysis.is_over_all(names));
                each(runs.named(names), title, |done, title| {
                    averages::section(done, title, select.as_ref(), has_all)
                })
            }
            Analysis::Examples { title, runs: names, select, drawn, metric } => {
                let title = title.as_deref().unwrap_or("Single prompts");
                let metric = metric.unwrap_or(Metric::Probability);
                each(runs.named(names), title, |done, title| {
                    examples::section(done, title, select.as_ref(), *drawn, metric)
                })
            }
            Analysis::Extremes { title, runs: names, prompts } => {
                let title = title.as_deref().unwrap_or("The fewest and the most tokens");
                each(runs.named(names), title, |done, title| extremes::section(done, title, *prompts))
            }
            Analysis::Draws { title, runs: names } => {
                let title = title.as_deref().unwrap_or("Draw by draw");
                each(runs.named(names), title, single::draws)
            }
            Analysis::Severed { title, runs: names } => {
                let title = title.as_deref().unwrap_or("Severed paths");
                each(runs.named(names), title, single::severed)
            }
            Analysis::Census { title, runs: names, component, drawn } => {
                let title = title.as_deref().unwrap_or("Where effects peak");
                each(runs.named(names), title, |done, title| peaks::section(done, title, *component, *drawn))
            }
            Analysis::Aligned { title, runs: names, component } => {
                let title = title.as_deref().unwrap_or("The prefix, token by token");
                each(runs.named(names), title, |done, title| pairs::aligned(done, title, *component))
            }
            Analysis::Metrics { title, runs: names } => {
                let title = title.as_deref().unwrap_or("Metrics");
                each(runs.named(names), title, comparisons::metrics)
            }
            Analysis::Beside { title, runs: names, drawn } => {
                let figure = title.as_deref().unwrap_or("Average indirect effects, run by run");
                let title = title.as_deref().unwrap_or("Side by side");
                together(title, || comparisons::beside(&runs.named(names), title, figure, *drawn))
            }
            Analysis::Against { title, runs: names, label, logarithmic, components } => {
                let title =
                    title.clone().unwrap_or_else(|| format!("Average indirect effect against the {label}"));
                together(&title, || {
                    comparisons::against(&runs.named(names), &title, label, *logarithmic, components)
                })
            }
            Analysis::Directions { title, runs: names } => {
                let title = title.as_deref().unwrap_or("Wrong directions");
                together(title, || comparisons::directions(&runs.named(names), title))
            }
            Analysis::FactPosition { title, alone, stacked } => {
                let title = title.as_deref().unwrap_or("Facts alone and in a row");
                together(title, || pairs::fact_position(&runs.named(alone), &runs.named(stacked), title))
            }
            Analysis::Agreement { title, runs: [one, other], metrics } => {
                let title = title.as_deref().unwrap_or("Agreement");
                together(title, || {
                    comparisons::agreement([runs.one(Some(one))?, runs.one(Some(other))?], *metrics, title)
                })
            }
            Analysis::Published(published) => together("Published numbers", || published.section(runs)),
        }
    }
}

/// One section for each run, under the run's name where there are several.
fn each(
    all: Vec<&Done>,
    title: &str,
    section: impl Fn(&Done, &str) -> Result<Section>,
) -> Result<Vec<Section>> {
    let several = all.len() > 1;
    let of = |done: &Done| {
        let title = if several { format!("{title}: {}", done.label) } else { title.to_owned() };
        excused(&title, section(done, &title))
    };
    all.into_iter().map(of).collect()
}

fn together(title: &str, section: impl FnOnce() -> Result<Section>) -> Result<Vec<Section>> {
    Ok(vec![excused(title, section())?])
}

/// Too few prompts are no failure of the experiment: the page says so.
fn excused(title: &str, section: Result<Section>) -> Result<Section> {
    match section {
        Err(error) if error.is::<StatisticsError>() || error.is::<TooFew>() => {
            let mut section = Section::new(title);
            section.findings.push(format!("Nothing to show: {error:#}."));
            Ok(section)
        }
        other => other,
    }
}

/// There are too few prompts for an analysis.
#[derive(Debug)]
pub(super) struct TooFew(pub(in crate::experiment) String);

impl std::fmt::Display for TooFew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TooFew {}
