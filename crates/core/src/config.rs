//! What determines a trace, besides the model and the prompt.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Component, Corruption, Direction, Metric, ParseNameError, Window};

/// Which algorithm computes the patched runs; the numbers are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// One sweep through the layers that carries only what a patch can change.
    Wavefront,
    /// The whole model once per site: slow, and the yardstick.
    Naive,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Wavefront => "wavefront",
            Engine::Naive => "naive",
        })
    }
}

impl FromStr for Engine {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "wavefront" => Ok(Engine::Wavefront),
            "naive" => Ok(Engine::Naive),
            _ => Err(ParseNameError { what: "engine", given: text.to_owned(), expected: "wavefront, naive" }),
        }
    }
}

/// The settings of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceConfig {
    /// Which components are restored, each over the whole grid of tokens and layers.
    pub components: Vec<Component>,
    /// How many layers at once, for mlp and attention.
    pub window: Window,
    /// How many layers at once, for the residual stream before, between and after: usually one.
    pub residual_window: Window,
    /// What is measured beside the answer's probability, which always is.
    pub metrics: Vec<Metric>,
    /// Clean states into the corrupted run, or the reverse.
    pub direction: Direction,
    /// How the subject is obscured.
    pub corruption: Corruption,
    /// Which algorithm.
    pub engine: Engine,
    /// Upper bound in bytes for the states that the wavefront carries and the buffers that it works on them with; more
    /// sites than fit are done in turns.
    /// It does not determine the numbers, so records leave it out.
    #[serde(skip)]
    pub memory: usize,
    /// In how many steps, at most, the sink receives a prompt's sites: with one, all at the end, which is fastest; with
    /// more, every step's as soon as they are measured. The wavefront does it in fewer where they would make it much
    /// slower.
    /// It does not determine the numbers either.
    #[serde(skip)]
    pub steps: usize,
}

impl TraceConfig {
    /// The layers restored for a site of `component` at `layer`.
    #[must_use]
    pub fn window_of(&self, component: Component, layer: usize, n_layers: usize) -> std::ops::Range<usize> {
        component.window(self.window, self.residual_window).layers(layer, n_layers)
    }

    /// Everything that is measured, the probability first.
    pub fn all_metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        std::iter::once(Metric::Probability).chain(self.metrics.iter().copied())
    }
}
