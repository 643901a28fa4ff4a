//! Which figures a results folder yields: from records and summaries to [`Figure`]s, without a model.
//!
//! - [`standard()`]: everything about the averages over prompts;
//! - [`prompt_figures()`], [`overview()`]: one prompt; [`gallery()`]: many;
//! - [`repeated()`]: one prompt's noise draws;
//! - [`prompts_side_by_side()`], [`summaries_side_by_side()`]: models, or selections of prompts, on one scale;
//!   [`metrics_side_by_side()`], [`directions()`]: what differs in its unit or its sign;
//! - [`against()`]: effects over the size of the noise or the width of windows;
//! - [`calibration()`]: what `calibrate` measures, which is no results folder;
//! - [`severed()`], [`census()`], [`census_examples()`], [`aligned()`], [`group_effects()`], [`prompt_sizes()`],
//!   [`deviations()`]: the questions that single experiments ask.
//!
//! The functions that give several figures name each by the stem of its file.

mod against;
mod aligned;
mod average;
mod calibration;
mod census;
mod gallery;
mod group_effects;
mod limits;
mod lines;
mod peaks;
mod prompt;
mod repeated;
mod roles;
mod scatter;
mod severed;
mod side_by_side;
mod wrong_direction;

use causal_trace_core::{Component, Metric};
use causal_trace_results::Manifest;
use causal_trace_results::statistics::Summary;

pub use against::{NumberedSummary, against};
pub use aligned::aligned;
pub use average::{Statistic, average};
pub use calibration::calibration;
pub use census::{census, census_examples};
pub use gallery::gallery;
pub use group_effects::{GroupSeries, group_effects};
pub use lines::lines;
pub use peaks::{peaks, role_peaks};
pub use prompt::{MapStyle, overview, prompt, prompt_figures};
pub use repeated::repeated;
pub use scatter::{deviations, prompt_sizes};
pub use severed::severed;
pub use side_by_side::{
    PromptSide, SummarySide, metrics_side_by_side, prompts_side_by_side, summaries_side_by_side,
};
pub use wrong_direction::{directions, wrong_direction};

use crate::{Figure, FigureError, Width, words};

/// Which effect a figure shows, of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// IE, in units of the metric.
    IndirectEffect,
    /// PI, in per cent.
    PercentImprovement,
}

impl Measure {
    /// Both.
    pub const ALL: [Measure; 2] = [Measure::IndirectEffect, Measure::PercentImprovement];

    /// In words.
    fn name(self) -> &'static str {
        match self {
            Measure::IndirectEffect => "indirect effect",
            Measure::PercentImprovement => "percent improvement",
        }
    }

    /// In words, at the beginning of a title.
    fn title(self) -> &'static str {
        match self {
            Measure::IndirectEffect => "Indirect effect",
            Measure::PercentImprovement => "Percent improvement",
        }
    }

    /// In file names.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Measure::IndirectEffect => "ie",
            Measure::PercentImprovement => "pi",
        }
    }

    /// From the data's unit to the figure's: a fraction to per cent.
    fn factor(self) -> f64 {
        match self {
            Measure::IndirectEffect => 1.0,
            Measure::PercentImprovement => 100.0,
        }
    }

    /// What it is called with something before it on a colour bar, as in "AIE (probability)".
    fn with_unit(self, before: &str, metric: Metric) -> String {
        match self {
            Measure::IndirectEffect => format!("{before}IE ({})", words::in_brackets(metric)),
            Measure::PercentImprovement => format!("{before}PI (%)"),
        }
    }

    /// Its definition, for the small print.
    fn definition(self, metric: Metric) -> String {
        let quantity = words::quantity(metric);
        let is_probability = metric == Metric::Probability;
        let (total, p) = if is_probability { ("|p − p*|", "p") } else { ("|clean − corrupted|", "it") };
        let ie = match self {
            Measure::IndirectEffect => {
                format!("IE: {quantity} with the patch minus without, mean over samples")
            }
            Measure::PercentImprovement => format!(
                "PI: {quantity} with the patch minus without, as a share of {total}, mean over samples; samples in which \
                 the corruption hardly changes {p} weigh most"
            ),
        };
        match metric {
            Metric::LogitDifference => format!(
                "{ie}; logit difference: the answer's logit minus its foil's, which is given or the most probable \
                 token of the corrupted runs"
            ),
            _ => ie,
        }
    }
}

/// The figures of a results folder's averages, each with the stem of its file, which ends in the metric where that is
/// not the probability: average and deviation of both effects, lines, peaks, wrong directions, severed tracing where it
/// was done, and the prompts with the fewest beside those with the most tokens where both are given.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
pub fn standard(
    manifest: &Manifest,
    summary: &Summary,
    fewest: Option<&Summary>,
    most: Option<&Summary>,
) -> Result<Vec<(String, Figure)>, FigureError> {
    let mut figures = Vec::new();
    for measure in Measure::ALL {
        for statistic in Statistic::ALL {
            let stem = format!("{}-{}", statistic.short(), measure.name().replace(' ', "-"));
            figures.push((stem, average(manifest, summary, measure, statistic)?));
        }
    }
    figures.push(("lines".to_owned(), lines(manifest, summary)?));
    figures.push(("peaks".to_owned(), peaks(manifest, summary)?));
    figures.push(("role-peaks".to_owned(), role_peaks(manifest, summary)?));
    figures.push(("wrong-direction".to_owned(), wrong_direction(manifest, summary)?));
    if summary.components.contains_key(&Component::Residual)
        && summary.components.keys().any(|component| component.severed().is_some())
    {
        figures.push(("severed".to_owned(), severed(manifest, summary)?));
    }
    if let (Some(fewest), Some(most)) = (fewest, most) {
        let side =
            |summary: &'_ Summary, which: &str| format!("the {} with the {which} tokens", summary.prompts);
        let (few, many) = (side(fewest, "fewest"), side(most, "most"));
        let sides = [
            SummarySide { name: &few, manifest, summary: fewest },
            SummarySide { name: &many, manifest, summary: most },
        ];
        let figure = summaries_side_by_side("Prompts with the fewest and with the most tokens", &sides)?;
        figures.push(("fewest-and-most-tokens".to_owned(), figure));
    }
    figures.iter_mut().for_each(|(stem, _)| stem.push_str(&metric_suffix(summary.metric)));
    Ok(figures)
}

/// What the stems of a metric's figures end in, as in "-logit-difference"; nothing for the probability.
#[must_use]
pub fn metric_suffix(metric: Metric) -> String {
    if metric == Metric::Probability {
        String::new()
    } else {
        format!("-{}", metric.name().replace('_', "-"))
    }
}

/// How many of some panels stand side by side: at most three.
fn columns(panels: usize) -> usize {
    if panels == 4 { 2 } else { panels.min(3) }
}

/// One panel fills one column of a paper, panels side by side fill both.
fn width(columns: usize) -> Width {
    if columns == 1 { Width::Column } else { Width::Page }
}

/// The figure, if it can be drawn.
fn checked(figure: Figure) -> Result<Figure, FigureError> {
    figure.check()?;
    Ok(figure)
}
