//! What a results folder knows about one fact.

use causal_trace_core::{Component, Direction, Fact, ParseNameError, TokenSpan, TraceRecord, effect};

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
    /// What came of it.
    pub outcome: Outcome,
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
}

impl SkipReason {
    /// All reasons.
    pub const ALL: [SkipReason; 6] = [
        SkipReason::WrongPrediction,
        SkipReason::SubjectNotFound,
        SkipReason::TooLong,
        SkipReason::SeveralTokens,
        SkipReason::NotTokenized,
        SkipReason::NotFinite,
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
        }
    }
}

impl std::str::FromStr for SkipReason {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        SkipReason::ALL.into_iter().find(|reason| reason.name() == text).ok_or_else(|| ParseNameError {
            what: "reason for skipping",
            given: text.to_owned(),
            expected: "wrong_prediction, subject_not_found, too_long, several_tokens, not_tokenized, not_finite",
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
    /// One grid for each component, in the order of [`Component::ALL`].
    pub grids: Vec<EffectGrid>,
}

impl TracedPrompt {
    /// p − mean p*.
    #[must_use]
    pub fn total_effect(&self) -> f64 {
        self.clean - self.corrupted
    }

    /// The grid of a component, where it was traced.
    #[must_use]
    pub fn grid(&self, component: Component) -> Option<&EffectGrid> {
        self.grids.iter().find(|grid| grid.component == component)
    }

    /// The numbers of a record that an engine has filled.
    #[must_use]
    pub fn of(record: &TraceRecord, answer: String, correct_prediction: bool) -> Self {
        let TraceRecord { baseline, grids, config, .. } = record;
        let grid = |grid: &causal_trace_core::Grid| EffectGrid::of(grid, config.direction, baseline);
        TracedPrompt {
            answer,
            answer_id: Some(baseline.answer_id),
            correct_prediction,
            clean: f64::from(baseline.clean),
            corrupted: effect::mean(&baseline.corrupted),
            corrupted_samples: baseline.corrupted.clone(),
            noise_level: Some(config.corruption.level),
            grids: grids.iter().map(grid).collect(),
        }
    }
}

/// The effects of every site of one component; all grids are `[n_tokens, n_layers]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectGrid {
    /// Which component was patched.
    pub component: Component,
    /// Number of layers of the model.
    pub n_layers: usize,
    /// The answer's mean patched probability.
    pub patched: Vec<f64>,
    /// IE, see [`effect::indirect_effect`].
    pub indirect_effect: Vec<f64>,
    /// PI, a fraction, see [`effect::percent_improvement`].
    pub percent_improvement: Vec<f64>,
    /// The answer's patched probability in each sample, `[n_tokens, n_layers, n_samples]`, row-major; empty where
    /// only the mean is known.
    pub samples: Vec<f32>,
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

    /// The patched probabilities of a site's samples; empty where only the mean is known.
    #[must_use]
    pub fn samples_at(&self, token: usize, layer: usize) -> &[f32] {
        let n_samples = self.n_samples();
        let start = (token * self.n_layers + layer) * n_samples;
        &self.samples[start..start + n_samples]
    }

    fn of(
        grid: &causal_trace_core::Grid,
        direction: Direction,
        baseline: &causal_trace_core::Baseline,
    ) -> Self {
        let sites = || grid.samples.chunks(grid.n_samples);
        let (clean, corrupted) = (baseline.clean, &baseline.corrupted);
        let indirect = |patched| effect::indirect_effect(direction, clean, corrupted, patched);
        let improvement = |patched| effect::percent_improvement(direction, clean, corrupted, patched);
        EffectGrid {
            component: grid.component,
            n_layers: grid.n_layers,
            patched: sites().map(effect::mean).collect(),
            indirect_effect: sites().map(indirect).collect(),
            percent_improvement: sites().map(improvement).collect(),
            samples: grid.samples.clone(),
        }
    }
}
