//! What a results folder knows about one fact.

use causal_trace_core::{Component, Direction, Fact, Metric, ParseNameError, TokenSpan, TraceRecord, effect};
use serde::{Deserialize, Serialize};

/// One fact of a results folder: how the model saw it, and what tracing it found.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptRecord {
    /// The fact as the fact file has it.
    pub fact: Fact,
    /// Token ids of the prompt; empty where they are not known (imported cases, texts without tokens).
    pub ids: Vec<u32>,
    /// The tokens as text.
    pub tokens: Vec<String>,
    /// The subject's tokens, where it was found.
    pub subject: Option<TokenSpan>,
    /// How often the subject occurs in the prompt; the first occurrence is corrupted. 0 where it is not known.
    pub subject_occurrences: usize,
    /// The prompt of the corrupted run, where that is another prompt.
    pub counterpart: Option<Counterpart>,
    /// What came of it.
    pub outcome: Outcome,
}

/// The prompt of the corrupted run; it has as many tokens as the fact's prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterpart {
    /// The text.
    pub text: String,
    /// Token ids.
    pub ids: Vec<u32>,
    /// The tokens as text.
    pub tokens: Vec<String>,
}

/// A fact is traced, or skipped for a reason.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All sites were measured.
    Traced(TracedPrompt),
    /// It was left out.
    Skipped(Skip),
}

/// Why a fact was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The kind of reason.
    pub reason: SkipReason,
    /// The details, for a person: what was predicted, which tokens there are.
    pub detail: String,
}

/// The kinds of reasons for leaving a fact out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The model's own prediction is not the attribute's first token.
    WrongPrediction,
    /// The subject does not occur in the prompt.
    SubjectNotFound,
    /// The prompt has more tokens than the model takes.
    TooLong,
    /// The attribute is several tokens, and the probability of one is measured.
    SeveralTokens,
    /// The tokenizer or the model cannot take the text.
    NotTokenized,
    /// A probability came out that is not a finite number.
    NotFinite,
    /// The corrupted run's prompt has another number of tokens, or the same tokens.
    NotAligned,
    /// There is no prompt for the corrupted run: none is given, or no other fact of the relation has a subject of as
    /// many tokens.
    NoCounterpart,
    /// The subject's embeddings have no other order: it is one token, or one token repeated.
    NothingToShuffle,
}

impl SkipReason {
    /// All reasons.
    pub const ALL: [SkipReason; 9] = [
        SkipReason::WrongPrediction,
        SkipReason::SubjectNotFound,
        SkipReason::TooLong,
        SkipReason::SeveralTokens,
        SkipReason::NotTokenized,
        SkipReason::NotFinite,
        SkipReason::NotAligned,
        SkipReason::NoCounterpart,
        SkipReason::NothingToShuffle,
    ];

    /// The data's name, as in `wrong_prediction`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SkipReason::WrongPrediction => "wrong_prediction",
            SkipReason::SubjectNotFound => "subject_not_found",
            SkipReason::TooLong => "too_long",
            SkipReason::SeveralTokens => "several_tokens",
            SkipReason::NotTokenized => "not_tokenized",
            SkipReason::NotFinite => "not_finite",
            SkipReason::NotAligned => "not_aligned",
            SkipReason::NoCounterpart => "no_counterpart",
            SkipReason::NothingToShuffle => "nothing_to_shuffle",
        }
    }
}

impl std::str::FromStr for SkipReason {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        SkipReason::ALL.into_iter().find(|reason| reason.name() == text).ok_or_else(|| ParseNameError {
            what: "reason for skipping",
            given: text.to_owned(),
            expected: "wrong_prediction, subject_not_found, too_long, several_tokens, not_tokenized, not_finite, \
                       not_aligned, no_counterpart, nothing_to_shuffle",
        })
    }
}

/// The numbers of a traced fact.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedPrompt {
    /// The token whose probability was measured, as text.
    pub answer: String,
    /// Its id, where it is known.
    pub answer_id: Option<u32>,
    /// The answer is the model's own prediction.
    pub correct_prediction: bool,
    /// The answer's probability in the clean run, p.
    pub clean: f64,
    /// Its mean probability in the corrupted runs, p*.
    pub corrupted: f64,
    /// Its probability in each corrupted run; empty where only the mean is known.
    pub corrupted_samples: Vec<f32>,
    /// The noise level in units of the token embeddings, where it is known.
    pub noise_level: Option<f64>,
    /// The token that the answer's logit is compared with, where it is: as text, and its id.
    pub foil: Option<(String, u32)>,
    /// The clean and the corrupted runs in other metrics than the probability.
    pub others: Vec<OtherMetric>,
    /// One grid for each component, in the order of [`Component::ALL`], and within it for each metric, the
    /// probability first.
    pub grids: Vec<EffectGrid>,
}

/// The clean and the corrupted runs in another metric than the answer's probability.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherMetric {
    /// Which metric.
    pub metric: Metric,
    /// Of the clean run.
    pub clean: f64,
    /// Mean of the corrupted runs.
    pub corrupted: f64,
    /// Of each corrupted run.
    pub corrupted_samples: Vec<f32>,
}

impl TracedPrompt {
    /// p − mean p*.
    #[must_use]
    pub fn total_effect(&self) -> f64 {
        self.clean - self.corrupted
    }

    /// The grid of a component's probabilities, where it was traced.
    #[must_use]
    pub fn grid(&self, component: Component) -> Option<&EffectGrid> {
        self.grid_in(component, Metric::Probability)
    }

    /// The grid of a component in a metric, where it was measured.
    #[must_use]
    pub fn grid_in(&self, component: Component, metric: Metric) -> Option<&EffectGrid> {
        self.grids.iter().find(|grid| grid.component == component && grid.metric == metric)
    }

    /// A metric of the clean run and its mean over the corrupted runs, where it was measured.
    #[must_use]
    pub fn baseline_in(&self, metric: Metric) -> Option<(f64, f64)> {
        if metric == Metric::Probability {
            return Some((self.clean, self.corrupted));
        }
        let other = self.others.iter().find(|other| other.metric == metric)?;
        Some((other.clean, other.corrupted))
    }

    /// A metric of each corrupted run, where it was measured; empty where only the mean is known.
    #[must_use]
    pub fn corrupted_samples_in(&self, metric: Metric) -> Option<&[f32]> {
        if metric == Metric::Probability {
            return Some(&self.corrupted_samples);
        }
        let other = self.others.iter().find(|other| other.metric == metric)?;
        Some(&other.corrupted_samples)
    }

    /// Clean minus mean corrupted of a metric, where it was measured.
    #[must_use]
    pub fn total_effect_in(&self, metric: Metric) -> Option<f64> {
        self.baseline_in(metric).map(|(clean, corrupted)| clean - corrupted)
    }

    /// The numbers of a record that an engine has filled; answer and foil as text.
    #[must_use]
    pub fn of(record: &TraceRecord, answer: String, foil: Option<String>, correct_prediction: bool) -> Self {
        let TraceRecord { baseline, grids, config, .. } = record;
        let grid = |grid: &causal_trace_core::Grid| EffectGrid::of(grid, config.direction, baseline);
        let others = baseline.others.iter().map(|other| OtherMetric {
            metric: other.metric,
            clean: f64::from(other.clean),
            corrupted: effect::mean(&other.corrupted),
            corrupted_samples: other.corrupted.clone(),
        });
        TracedPrompt {
            answer,
            answer_id: Some(baseline.answer_id),
            correct_prediction,
            clean: f64::from(baseline.clean),
            corrupted: effect::mean(&baseline.corrupted),
            corrupted_samples: baseline.corrupted.clone(),
            noise_level: config.corruption.noise_level(),
            foil: foil.zip(baseline.foil_id),
            others: others.collect(),
            grids: grids.iter().filter_map(grid).collect(),
        }
    }
}

/// The effects of every site of one component in one metric; all grids are `[n_tokens, n_layers]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectGrid {
    /// Which component was patched.
    pub component: Component,
    /// What was measured.
    pub metric: Metric,
    /// Number of layers of the model.
    pub n_layers: usize,
    /// The metric of the patched run, mean over samples.
    pub patched: Vec<f64>,
    /// IE, see [`effect::indirect_effect`].
    pub indirect_effect: Vec<f64>,
    /// PI, a fraction, see [`effect::percent_improvement`].
    pub percent_improvement: Vec<f64>,
    /// The metric of the patched run in each sample, `[n_tokens, n_layers, n_samples]`, row-major; empty where
    /// only the mean is known.
    pub samples: Vec<f32>,
}

impl PromptRecord {
    /// What tracing found; none where the fact was skipped.
    #[must_use]
    pub fn traced(&self) -> Option<&TracedPrompt> {
        match &self.outcome {
            Outcome::Traced(traced) => Some(traced),
            Outcome::Skipped(_) => None,
        }
    }
}

impl EffectGrid {
    /// Number of tokens of the prompt.
    #[must_use]
    pub fn n_tokens(&self) -> usize {
        self.patched.len() / self.n_layers.max(1)
    }

    /// Number of noise draws; 0 where only the mean is known.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.samples.len() / self.patched.len().max(1)
    }

    /// What was measured in a site's samples; empty where only the mean is known.
    #[must_use]
    pub fn samples_at(&self, token: usize, layer: usize) -> &[f32] {
        let n_samples = self.n_samples();
        let start = (token * self.n_layers + layer) * n_samples;
        &self.samples[start..start + n_samples]
    }

    /// None where the baseline lacks the grid's metric.
    fn of(
        grid: &causal_trace_core::Grid,
        direction: Direction,
        baseline: &causal_trace_core::Baseline,
    ) -> Option<Self> {
        let sites = || grid.samples.chunks(grid.n_samples);
        let (clean, corrupted) = baseline.of(grid.metric)?;
        let indirect = |patched| effect::indirect_effect(direction, clean, corrupted, patched);
        let improvement = |patched| effect::percent_improvement(direction, clean, corrupted, patched);
        Some(EffectGrid {
            component: grid.component,
            metric: grid.metric,
            n_layers: grid.n_layers,
            patched: sites().map(effect::mean).collect(),
            indirect_effect: sites().map(indirect).collect(),
            percent_improvement: sites().map(improvement).collect(),
            samples: grid.samples.clone(),
        })
    }
}
