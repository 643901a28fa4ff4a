//! The numbers by which claims are judged: each has a name in experiment files, and says in words what it is.

mod measured;
mod prompts;
mod tables;

use anyhow::{Context, Result};
use causal_trace_core::{Component, Metric, Role};
use causal_trace_results::statistics::Selection;
use serde::Deserialize;

use super::outcome::{Done, Runs};
pub(super) use measured::{Measured, correlation_interval, percent, share_interval, short};
pub(super) use prompts::{census, fact_effects, sizes, traced_in_all};

/// Draws of an interval over prompts, and their seed.
pub(super) const BOOTSTRAP: (usize, u64) = (2000, 1);

/// A number to be computed from the runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(super) enum Number {
    /// The strongest average IE of some roles, counted in the expected direction.
    Average {
        run: Option<String>,
        component: Option<Component>,
        #[serde(default = "probability")]
        metric: Metric,
        #[serde(default = "all_roles")]
        roles: Vec<Role>,
        #[serde(default)]
        layers: Layers,
        #[serde(default, deserialize_with = "from_text")]
        select: Option<Selection>,
    },
    /// The average total effect.
    TotalEffect {
        run: Option<String>,
        #[serde(default = "probability")]
        metric: Metric,
    },
    /// The mean probability of the answer in the clean run.
    Clean { run: Option<String> },
    /// The same in the corrupted runs.
    Corrupted { run: Option<String> },
    /// The share of prompts whose effect at a role goes in the wrong direction, mean over layers; of several roles the
    /// smallest.
    WrongShare {
        run: Option<String>,
        component: Option<Component>,
        roles: Vec<Role>,
        #[serde(default)]
        layers: Layers,
    },
    /// The correlation, over roles and layers, of the average effect's size with its standard deviation.
    DeviationCorrelation {
        run: Option<String>,
        component: Option<Component>,
        #[serde(default)]
        measure: EffectMeasure,
    },
    /// The correlation, over prompts, of the number of tokens with the size of an effect.
    LengthCorrelation {
        run: Option<String>,
        component: Option<Component>,
        #[serde(default)]
        effect: SizeOf,
    },
    /// The share of prompts whose effect peaks in some places.
    ClassShare { run: Option<String>, component: Option<Component>, classes: Vec<String> },
    /// The standard deviation over draws, at the subject's strongest site, over the mean there.
    DrawSpread { run: Option<String>, component: Option<Component> },
    /// A role's strongest average as a share of that of the strongest role other than the last.
    Relative {
        run: Option<String>,
        component: Option<Component>,
        roles: Vec<Role>,
        #[serde(default)]
        measure: EffectMeasure,
    },
    /// The mean of the subject's roles' strongest averages as a share of the largest of them.
    Evenness { run: Option<String>, component: Option<Component> },
    /// The mean effect of one fact of the prefix, counted from 1; from the end where it is negative.
    FactEffect { run: Option<String>, component: Option<Component>, fact: i64 },
    /// The correlation of a fact's place in the prefix with its mean effect, over the facts of all the runs.
    PlaceCorrelation { runs: Vec<String>, component: Option<Component> },
    /// The correlation, over roles and layers, of two runs' averages.
    MapCorrelation {
        runs: [String; 2],
        component: Option<Component>,
        #[serde(default = "all_roles")]
        roles: Vec<Role>,
        #[serde(default = "both_probability")]
        metrics: [Metric; 2],
    },
}

/// Which layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Layers {
    /// Those that say something: at the last token not those at which the whole effect returns whatever the model does.
    #[default]
    Telling,
    All,
    Last,
    FirstHalf,
    SecondHalf,
    /// The one in which the residual stream's average at the last subject token is strongest.
    EarlySite,
}

/// Which of the two effects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EffectMeasure {
    #[default]
    Ie,
    Pi,
}

impl EffectMeasure {
    fn name(self) -> &'static str {
        match self {
            EffectMeasure::Ie => "IE",
            EffectMeasure::Pi => "PI",
        }
    }
}

/// Which size of a prompt's effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SizeOf {
    Total,
    #[default]
    Strongest,
}

fn probability() -> Metric {
    Metric::Probability
}

fn both_probability() -> [Metric; 2] {
    [Metric::Probability; 2]
}

fn all_roles() -> Vec<Role> {
    Role::ALL.to_vec()
}

/// A value that is written as it is on the command line.
pub(super) fn from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: serde::Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

impl Number {
    /// Computes it; an error says why it cannot be.
    pub(super) fn measure(&self, runs: &Runs) -> Result<Measured> {
        let one = |run: &Option<String>| runs.one(run.as_ref());
        match self {
            Number::Average { run, component, metric, roles, layers, select } => {
                largest(&runs.family(run.as_ref())?, |done| {
                    tables::average(done, *component, *metric, roles, *layers, select.as_ref())
                })
            }
            Number::TotalEffect { run, metric } => {
                largest(&runs.family(run.as_ref())?, |done| tables::total_effect(done, *metric))
            }
            Number::Clean { run } => tables::probability(one(run)?, true),
            Number::Corrupted { run } => tables::probability(one(run)?, false),
            Number::WrongShare { run, component, roles, layers } => {
                tables::wrong_share(one(run)?, *component, roles, *layers)
            }
            Number::DeviationCorrelation { run, component, measure } => {
                tables::deviation_correlation(one(run)?, *component, *measure)
            }
            Number::LengthCorrelation { run, component, effect } => {
                prompts::length_correlation(one(run)?, *component, *effect)
            }
            Number::ClassShare { run, component, classes } => {
                prompts::class_share(one(run)?, *component, classes)
            }
            Number::DrawSpread { run, component } => prompts::relative_spread(one(run)?, *component),
            Number::Relative { run, component, roles, measure } => {
                tables::relative(one(run)?, *component, roles, *measure)
            }
            Number::Evenness { run, component } => tables::evenness(one(run)?, *component),
            Number::FactEffect { run, component, fact } => prompts::fact_effect(one(run)?, *component, *fact),
            Number::PlaceCorrelation { runs: names, component } => {
                prompts::place_correlation(&runs.named(names), *component)
            }
            Number::MapCorrelation { runs: [first, second], component, roles, metrics } => {
                let pair = [runs.one(Some(first))?, runs.one(Some(second))?];
                tables::map_correlation(pair, *component, roles, *metrics)
            }
        }
    }

    /// The runs that it names.
    pub(super) fn run_names(&self) -> Vec<&str> {
        match self {
            Number::PlaceCorrelation { runs, .. } => runs.iter().map(String::as_str).collect(),
            Number::MapCorrelation { runs, .. } => runs.iter().map(String::as_str).collect(),
            Number::Average { run, .. }
            | Number::TotalEffect { run, .. }
            | Number::Clean { run }
            | Number::Corrupted { run }
            | Number::WrongShare { run, .. }
            | Number::DeviationCorrelation { run, .. }
            | Number::LengthCorrelation { run, .. }
            | Number::ClassShare { run, .. }
            | Number::DrawSpread { run, .. }
            | Number::Relative { run, .. }
            | Number::Evenness { run, .. }
            | Number::FactEffect { run, .. } => run.iter().map(String::as_str).collect(),
        }
    }
}

/// The largest of several runs' numbers.
fn largest(all: &[&Done], measure: impl Fn(&Done) -> Result<Measured>) -> Result<Measured> {
    let found = all.iter().map(|done| measure(done)).collect::<Result<Vec<_>>>()?;
    let larger = |best: Measured, next: Measured| if next.value > best.value { next } else { best };
    found.into_iter().reduce(larger).context("there is no run")
}

/// A run, and the metric where it is not the usual one.
fn described(done: &Done, metric: Metric) -> String {
    match metric {
        Metric::Probability => done.label.clone(),
        metric => format!("{} ({})", done.label, metric.label()),
    }
}

/// Roles in words, as in "last subject token".
fn words(roles: &[Role]) -> String {
    if roles.len() == Role::ALL.len() {
        return "any token".to_owned();
    }
    roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(" or ")
}
