//! What is measured of the model's output.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Direction, ParseNameError};

/// A number that tells how well a run gives the answer, after the prompt's last token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The answer's probability, between 0 and 1.
    Probability,
    /// Its natural logarithm.
    LogProbability,
    /// The answer's logit.
    Logit,
    /// The answer's logit minus that of the foil: a given token, or else the corrupted runs' most probable one.
    LogitDifference,
    /// KL(clean ‖ run), in nats: Σ p_clean · (log p_clean − log p_run) over the vocabulary; 0 for the clean run.
    KlDivergence,
    /// The answer's place among all tokens: 1 plus the number of those with a larger logit.
    Rank,
}

impl Metric {
    /// All metrics, in the order in which they are reported.
    pub const ALL: [Metric; 6] = [
        Metric::Probability,
        Metric::LogProbability,
        Metric::Logit,
        Metric::LogitDifference,
        Metric::KlDivergence,
        Metric::Rank,
    ];

    /// The command line's and the data's name, as in `logit_difference`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Probability => "probability",
            Metric::LogProbability => "log_probability",
            Metric::Logit => "logit",
            Metric::LogitDifference => "logit_difference",
            Metric::KlDivergence => "kl_divergence",
            Metric::Rank => "rank",
        }
    }

    /// What figures call it, with its unit.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Metric::Probability => "probability",
            Metric::LogProbability => "log-probability (nats)",
            Metric::Logit => "logit",
            Metric::LogitDifference => "logit difference",
            Metric::KlDivergence => "KL divergence (nats)",
            Metric::Rank => "rank",
        }
    }

    /// Whether a larger number means more of the answer; less of it where it is a distance or a rank.
    #[must_use]
    pub fn grows_with_the_answer(self) -> bool {
        !matches!(self, Metric::KlDivergence | Metric::Rank)
    }

    /// The sign that an effect is expected to have: restoring brings the answer back, noising takes it away.
    #[must_use]
    pub fn expected_sign(self, direction: Direction) -> f64 {
        if self.grows_with_the_answer() == (direction == Direction::Denoise) { 1.0 } else { -1.0 }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text.replace('-', "_");
        Metric::ALL.into_iter().find(|metric| metric.name() == named).ok_or_else(|| ParseNameError {
            what: "metric",
            given: text.to_owned(),
            expected: "probability, log_probability, logit, logit_difference, kl_divergence, rank",
        })
    }
}
