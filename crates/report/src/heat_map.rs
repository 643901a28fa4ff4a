//! What a heat map shows, and in which words.

use std::ops::Range;

use causal_trace_core::{Component, Direction, Metric};

use crate::color_scale::{ColorScale, Ramp};
use crate::figure::{Content, Figure, Map, Panel, Rows, Width};
use crate::label::{clean, shorten, visible};
use crate::scale::{Scale, probability, short_number};
use crate::{FigureError, words};

/// The longest answer that the colour bar's title shows, in characters.
const MAX_ANSWER: f32 = 30.0;

/// One trace of one component as a map of tokens and layers: plain data, drawn without a model.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Which activation was set; decides the colour, as in ROME: residual purple, mlp green, attention red.
    pub component: Component,
    /// What was measured.
    pub metric: Metric,
    /// How many layers were set at once; 1 for the residual stream.
    pub window: usize,
    /// The model's name, for the title and the layer axis.
    pub model: String,
    /// The prompt's tokens as decoded, spaces included, for the token axis.
    pub tokens: Vec<String>,
    /// The subject's tokens, starred on the token axis.
    pub subject: Range<usize>,
    /// Number of layers.
    pub n_layers: usize,
    /// The metric with each site patched, mean over samples, row by row.
    ///
    /// # Shapes
    /// `[tokens, n_layers]`
    pub values: Vec<f32>,
    /// The metric of the clean run.
    pub clean: f32,
    /// The metric of the corrupted runs, mean over samples.
    pub corrupted: f32,
    /// The answer, for the colour bar's title.
    pub answer: String,
    /// Which run was patched.
    pub direction: Direction,
    /// Small print: how the values were made (samples, noise, seed, program version).
    pub note: String,
}

impl HeatMap {
    /// Whether the parts fit together; every drawing function asks first.
    ///
    /// # Errors
    /// No tokens or layers, a number of values other than tokens × layers, a subject beyond the tokens, or a
    /// number that is not finite.
    pub fn check(&self) -> Result<(), FigureError> {
        let (tokens, layers) = (self.tokens.len(), self.n_layers);
        if tokens == 0 || layers == 0 {
            return Err(FigureError::Empty { what: if tokens == 0 { "tokens" } else { "layers" } });
        }
        let (expected, found) = (tokens.saturating_mul(layers), self.values.len());
        if expected != found {
            return Err(FigureError::ValueCount { tokens, layers, expected, found });
        }
        let Range { start, end } = self.subject;
        if start > end || end > tokens {
            return Err(FigureError::Subject { start, end, tokens });
        }
        self.check_finite()
    }

    fn check_finite(&self) -> Result<(), FigureError> {
        for (run, value) in [("clean", self.clean), ("corrupted", self.corrupted)] {
            if !value.is_finite() {
                return Err(FigureError::Baseline { run, value });
            }
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(FigureError::NotFinite {
                token: at / self.n_layers,
                layer: at % self.n_layers,
                value: self.values[at],
            }),
        }
    }

    /// The rows of values, one per token.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.n_layers)
    }

    /// The colour scale: from the run that was patched to the value farthest from it in the expected direction, as
    /// from p* to the largest p. Dark is where the patch changed most.
    pub(crate) fn scale(&self) -> Scale {
        let patched_run = match self.direction {
            Direction::Denoise => self.corrupted,
            Direction::Noise => self.clean,
        };
        let farther = if self.metric.expected_sign(self.direction) > 0.0 { f32::max } else { f32::min };
        let farthest = self.values.iter().copied().fold(patched_run, farther);
        Scale { pale: patched_run.into(), dark: farthest.into() }
    }

    /// The map as a figure of one panel, one column of a paper wide.
    pub(crate) fn figure(&self) -> Figure {
        let scale = self.scale();
        let answer = shorten(&visible(&self.answer), MAX_ANSWER, |text| text.chars().count() as f32);
        let map = Map {
            rows: Rows::Tokens { tokens: self.tokens.clone(), subject: self.subject.clone() },
            n_layers: self.n_layers,
            // Beyond the baseline is as pale as the baseline.
            values: self.values.iter().map(|&value| scale.clamp(value.into())).collect(),
            scale: ColorScale {
                ramp: Ramp::Sequential(self.component),
                pale: scale.pale,
                dark: scale.dark,
                cutoff: false,
                root: false,
            },
            measure: words::of_answer(self.metric, &answer),
            layer_axis: self.layer_axis(),
            counts: false,
            no_value: None,
        };
        Figure {
            title: self.title(),
            subtitle: self.of_model(),
            width: Width::Column,
            columns: 1,
            panels: vec![Panel { title: String::new(), content: Content::Map(map) }],
            small_print: self.small_print(),
            provenance: Vec::new(),
        }
    }

    /// The figure's title: what was done in which run. [`HeatMap::of_model`] ends the sentence.
    pub(crate) fn title(&self) -> String {
        let run = match self.direction {
            Direction::Denoise => "corrupted",
            Direction::Noise => "clean",
        };
        let patching = words::patching(self.component, self.direction);
        format!("Impact of {patching}{} in the {run} run", words::on(self.metric))
    }

    /// The title's end: the run of which model.
    pub(crate) fn of_model(&self) -> String {
        format!("of {}", clean(&self.model))
    }

    /// The layer axis' label: how many layers were set at once, and in which model.
    pub(crate) fn layer_axis(&self) -> String {
        let done = match self.direction {
            Direction::Denoise => "restored",
            Direction::Noise => "corrupted",
        };
        let what = match self.component {
            Component::Residual | Component::MlpSevered | Component::AttentionSevered => "layer",
            Component::Mlp => "MLP layer",
            Component::Attention => "attention layer",
            Component::ResidPre => "layer input",
            Component::ResidMid => "mid-layer state",
        };
        let model = clean(&self.model);
        match self.window {
            0 | 1 => format!("single {done} {what} within {model}"),
            width => format!("center of interval of {width} {done} {what}s within {model}"),
        }
    }

    /// The small print's paragraphs: the metric of both runs, and the note where there is one.
    pub(crate) fn small_print(&self) -> Vec<String> {
        let [clean_run, corrupted_run] = [self.clean, self.corrupted].map(|value| self.number(value.into()));
        let runs = if self.metric == Metric::Probability {
            format!("clean p = {clean_run}, corrupted p* = {corrupted_run}")
        } else {
            format!("{}: {clean_run} clean, {corrupted_run} corrupted", self.metric.label())
        };
        let note = clean(self.note.trim());
        [runs, note].into_iter().filter(|paragraph| !paragraph.is_empty()).collect()
    }

    /// A value as it is written.
    pub(crate) fn number(&self, value: f64) -> String {
        if self.metric == Metric::Probability { probability(value) } else { short_number(value) }
    }
}
