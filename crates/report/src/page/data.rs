//! What the page is given: the other side of `explorer/src/data.ts`, where every field is explained.

use std::collections::BTreeMap;

use causal_trace_core::{Component, Direction, Metric};
use causal_trace_results::Settings;
use causal_trace_results::statistics::{PeakClass, Summary};
use serde::Serialize;

use super::words;

/// All that is there before a prompt is opened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name and version of the program that made the page.
    pub program: String,
    /// The results folders.
    pub folders: Vec<Folder>,
}

impl Report {
    /// Some folders, shown by this program.
    #[must_use]
    pub fn new(folders: Vec<Folder>) -> Self {
        Report { program: concat!("causal-trace ", env!("CARGO_PKG_VERSION")).to_owned(), folders }
    }
}

/// One results folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Folder {
    /// What it is called on the page; its own among the folders of a report.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// Number of layers.
    pub n_layers: usize,
    /// Which run was patched.
    pub direction: Direction,
    /// What was patched, in the order of reports.
    pub components: Vec<ComponentInfo>,
    /// What was measured, the probability first.
    pub metrics: Vec<MetricInfo>,
    /// What was run, in words: a label and a text each.
    pub made: Vec<(&'static str, String)>,
    /// A command that repeats it, of several lines where folders were merged; none for imported cases.
    pub command: Option<String>,
    /// How many facts were left out for a reason, in words, most first.
    pub skipped: Vec<(&'static str, usize)>,
    /// Averages, one for each metric; empty where no prompt was traced.
    pub summaries: Vec<Summary>,
    /// How many prompts are in each class.
    pub census: BTreeMap<Component, Vec<ClassCount>>,
    /// Every traced prompt, in the order of the facts.
    pub prompts: Vec<PromptRow>,
    /// Whether the single samples of every site are in the chunks.
    pub has_samples: bool,
    /// What a report file leaves out, and what to do; none where all is there.
    pub left_out: Option<String>,
}

/// A component that was patched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentInfo {
    /// Which.
    pub name: Component,
    /// As in "MLP, window of 10 layers".
    pub label: String,
    /// Layers patched at once.
    pub window: usize,
}

impl ComponentInfo {
    /// A component under some settings.
    #[must_use]
    pub fn new(component: Component, settings: &Settings) -> Self {
        Self::with_window(component, settings.window_of(component).width)
    }

    /// A component of which so many layers are patched at once.
    #[must_use]
    pub fn with_window(component: Component, window: usize) -> Self {
        ComponentInfo { name: component, label: words::component_label(component, window), window }
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MetricInfo {
    /// Which metric.
    pub name: Metric,
    /// As in "KL divergence".
    pub label: &'static str,
    /// As in "nats"; empty for a fraction.
    pub unit: &'static str,
    /// 1 where an effect in the expected direction is positive, else −1.
    pub expected_sign: i8,
}

impl MetricInfo {
    /// A metric, where runs were patched that way.
    #[must_use]
    pub fn new(metric: Metric, direction: Direction) -> Self {
        let (label, unit) = words::metric_label(metric);
        let expected_sign = if metric.expected_sign(direction) > 0.0 { 1 } else { -1 };
        MetricInfo { name: metric, label, unit, expected_sign }
    }
}

/// How many prompts are in a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// The class.
    pub class: PeakClass,
    /// How many.
    pub prompts: usize,
}

/// A row of the table of prompts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromptRow {
    /// The fact's id.
    pub id: i64,
    /// The prompt's text.
    pub prompt: String,
    /// Its subject.
    pub subject: String,
    /// The token whose probability was measured.
    pub answer: String,
    /// What the fact file expects.
    pub attribute: String,
    /// Whether the model itself predicts the answer.
    pub correct_prediction: bool,
    /// Number of tokens.
    pub n_tokens: usize,
    /// p.
    pub clean: f64,
    /// p*, mean over samples.
    pub corrupted: f64,
    /// p − p*.
    pub total_effect: f64,
    /// Which chunk has its numbers; none where a report file leaves them out.
    pub chunk: Option<usize>,
    /// One for each of the folder's components; none where the case lacks it.
    pub deciding: Vec<Option<DecidingSite>>,
}

/// The site that stands for a prompt in the table: not always the one with the largest effect.
///
/// It is the one that decides the prompt's class in the census
/// ([`classify`](causal_trace_results::statistics::classify)): the strongest of the subject's tokens, or the strongest
/// of the prompt's last token where only that one brings back half of the total effect. The strongest of all sites would
/// be the last token's nearly always in the residual stream, whose last states hold the answer whatever the subject
/// does, and would say nothing of the prompt. Where the subject is not known, it is the strongest of all but the
/// trivial last sites ([`View::late_layers`](causal_trace_results::statistics::View::late_layers)), without a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecidingSite {
    /// Its token.
    pub token: usize,
    /// Its layer, or the centre of its window.
    pub layer: usize,
    /// The token's text.
    pub text: String,
    /// IE, with its sign.
    pub indirect_effect: f64,
    /// The prompt's class.
    pub class: PeakClass,
}
