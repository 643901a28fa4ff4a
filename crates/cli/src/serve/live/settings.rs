//! How a prompt of the live view is traced.

use causal_trace_core::{Component, Direction, Metric, NoiseRule, Precision};
use serde::{Deserialize, Serialize};

use super::MAX_SAMPLES;
use crate::args::{ComponentChoice, CorruptionChoice, MOST_LAYERS, MethodArgs, PrecisionChoice};
use crate::serve::Problem;

/// What `--noise` is where nothing else is said.
pub(super) const USUAL_NOISE: &str = "s3";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceSettings {
    components: Vec<Component>,
    window: usize,
    direction: Direction,
    corruption: CorruptionName,
    noise: String,
    samples: usize,
    seed: u64,
    metrics: Vec<Metric>,
}

impl TraceSettings {
    /// Those of `trace`, with other components and another window.
    pub(super) fn new(components: Vec<Component>, window: usize) -> Self {
        TraceSettings {
            components,
            window,
            direction: Direction::Denoise,
            corruption: CorruptionName::Noise,
            noise: USUAL_NOISE.to_owned(),
            samples: 10,
            seed: 1,
            metrics: Vec::new(),
        }
    }

    /// Whether the corrupted run has another prompt.
    pub(super) fn is_pair(&self) -> bool {
        self.corruption == CorruptionName::Pair
    }

    /// The options of `trace` that say the same.
    pub(super) fn method(&self, precision: Precision) -> Result<MethodArgs, Problem> {
        let TraceSettings { components, window, samples, .. } = self;
        let within = |what: &str, number: usize, most: usize| match number {
            n if (1..=most).contains(&n) => Ok(n),
            n => Err(Problem::request(format!("the {what} is {n}, and must be from 1 to {most}"))),
        };
        if components.is_empty() {
            return Err(Problem::request("no component is chosen: choose at least one"));
        }
        let twice = components.iter().enumerate().find(|(place, it)| components[..*place].contains(it));
        if let Some((_, component)) = twice {
            return Err(Problem::request(format!("the component {component} is chosen twice")));
        }
        let is_noise = matches!(self.corruption, CorruptionName::Noise | CorruptionName::NoiseReplace);
        let noise = is_noise.then(|| self.noise.parse::<NoiseRule>()).transpose();
        let mut metrics: Vec<Metric> = self.metrics.clone();
        metrics.retain(|&metric| metric != Metric::Probability);
        metrics.sort_unstable();
        metrics.dedup();
        let corruption = match self.corruption {
            CorruptionName::Noise | CorruptionName::NoiseReplace | CorruptionName::Pair => None,
            CorruptionName::RandomEmbedding => Some(CorruptionChoice::RandomEmbedding),
            CorruptionName::Shuffle => Some(CorruptionChoice::Shuffle),
        };
        Ok(MethodArgs {
            component: Some(components.iter().copied().map(ComponentChoice::One).collect()),
            window: Some(within("window", *window, MOST_LAYERS)?),
            direction: Some(self.direction),
            corruption,
            noise: noise.map_err(|error| Problem::request(error.to_string()))?,
            replace: self.corruption == CorruptionName::NoiseReplace,
            metric: Some(metrics),
            samples: if self.is_pair() {
                None
            } else {
                Some(within("number of samples", *samples, MAX_SAMPLES)?)
            },
            seed: Some(self.seed),
            precision: Some(PrecisionChoice::Named(precision)),
            ..MethodArgs::default()
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CorruptionName {
    Noise,
    NoiseReplace,
    RandomEmbedding,
    Shuffle,
    Pair,
}

impl CorruptionName {
    pub(super) const ALL: [CorruptionName; 5] = [
        CorruptionName::Noise,
        CorruptionName::NoiseReplace,
        CorruptionName::RandomEmbedding,
        CorruptionName::Shuffle,
        CorruptionName::Pair,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            CorruptionName::Noise => "noise on the subject's embeddings",
            CorruptionName::NoiseReplace => "noise in place of the subject's embeddings",
            CorruptionName::RandomEmbedding => "random embeddings",
            CorruptionName::Shuffle => "the subject's embeddings in another order",
            CorruptionName::Pair => "another prompt",
        }
    }
}
