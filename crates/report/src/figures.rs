//! Which figures a results folder yields: from records and summaries to [`Figure`]s, without a model.
//!
//! - [`standard()`]: everything about the averages over prompts;
//! - [`prompt_figures()`], [`overview()`]: one prompt; [`gallery()`]: many;
//! - [`repeated()`]: one prompt's noise draws;
//! - [`prompts_side_by_side()`], [`summaries_side_by_side()`]: models, or selections of prompts, on one scale.
//!
//! The functions that give several figures name each by the stem of its file.

mod average;
mod gallery;
mod lines;
mod peaks;
mod prompt;
mod repeated;
mod roles;
mod side_by_side;
mod wrong_direction;

use causal_trace_results::Manifest;
use causal_trace_results::statistics::Summary;

pub use average::{Statistic, average};
pub use gallery::gallery;
pub use lines::lines;
pub use peaks::{peaks, role_peaks};
pub use prompt::{MapStyle, overview, prompt, prompt_figures};
pub use repeated::repeated;
pub use side_by_side::{PromptSide, SummarySide, prompts_side_by_side, summaries_side_by_side};
pub use wrong_direction::wrong_direction;

use crate::{Figure, FigureError, Width};

/// Which effect a figure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// IE, in units of probability.
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
    fn with_unit(self, before: &str) -> String {
        match self {
            Measure::IndirectEffect => format!("{before}IE (probability)"),
            Measure::PercentImprovement => format!("{before}PI (%)"),
        }
    }

    /// Its definition, for the small print.
    fn definition(self) -> &'static str {
        match self {
            Measure::IndirectEffect => {
                "IE: the answer's probability with the patch minus without, mean over samples"
            }
            Measure::PercentImprovement => {
                "PI: the answer's probability with the patch minus without, as a share of |p − p*|, mean over samples; \
                 samples whose noise hardly changes p weigh most"
            }
        }
    }
}

/// The figures of a results folder's averages, each with the stem of its file: average and deviation of both
/// effects, lines, peaks, wrong directions, and the prompts with the fewest beside those with the most tokens where
/// both are given.
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
    Ok(figures)
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
