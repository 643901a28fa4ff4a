//! How the subject is obscured: one value that travels whole.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::noise_stream::{independent_stream, rome_stream};
use crate::{ParseNameError, TokenSpan};

/// How the noise level is given, in ROME's notation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum NoiseRule {
    /// `s3`: Gaussian, so many times the standard deviation of the subjects' embeddings.
    SubjectDeviations(f64),
    /// A number: Gaussian with that standard deviation.
    Gaussian(f64),
    /// `u1.5`: uniform between minus and plus that number.
    Uniform(f64),
}

impl FromStr for NoiseRule {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseNameError {
            what: "noise rule",
            given: text.to_owned(),
            expected: "s3 (3 standard deviations of the subjects' embeddings), a number (Gaussian), u1.5 (uniform)",
        };
        let (rule, number): (fn(f64) -> NoiseRule, &str) = match text.as_bytes().first() {
            Some(b's') => (NoiseRule::SubjectDeviations, &text[1..]),
            Some(b'u') => (NoiseRule::Uniform, &text[1..]),
            _ => (NoiseRule::Gaussian, text),
        };
        let level: f64 = number.parse().map_err(|_| error())?;
        // `abs`, since −0 is a zero too.
        if level.is_finite() && level >= 0.0 { Ok(rule(level.abs())) } else { Err(error()) }
    }
}

impl fmt::Display for NoiseRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoiseRule::SubjectDeviations(k) => write!(f, "s{k}"),
            NoiseRule::Gaussian(level) => write!(f, "{level}"),
            NoiseRule::Uniform(level) => write!(f, "u{level}"),
        }
    }
}

/// The shape of the noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Normal with mean 0; the level is its standard deviation.
    Gaussian,
    /// Uniform; the level is its half width.
    Uniform,
}

/// What the noise does to an embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CorruptionMode {
    /// It is added.
    Add,
    /// It takes the embedding's place.
    Replace,
}

/// Where the random numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseStream {
    /// A stream of its own for every seed, prompt and sample.
    Independent,
    /// NumPy's `RandomState(seed)`, started afresh for every prompt, as ROME does.
    Rome,
}

impl FromStr for NoiseStream {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "independent" => Ok(NoiseStream::Independent),
            "rome" => Ok(NoiseStream::Rome),
            _ => Err(ParseNameError {
                what: "noise stream",
                given: text.to_owned(),
                expected: "independent, rome",
            }),
        }
    }
}

/// Noise on the token embeddings of the subject.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Corruption {
    /// The shape of the noise.
    pub distribution: Distribution,
    /// Its size, in units of the token embeddings; 0 corrupts nothing.
    pub level: f64,
    /// What it does to an embedding in the patched runs.
    pub mode: CorruptionMode,
    /// What it does in the corrupted run that is the baseline: the same, except under ROME's preset. ROME's code
    /// forgets to replace there: its baseline adds noise even where its patched runs replace.
    pub baseline_mode: CorruptionMode,
    /// Tokens after the subject that are corrupted too: 0, except 1 under the preset of
    /// dannyallover/causal-tracing, whose slice is one too long.
    pub extra_tokens: usize,
    /// Where the random numbers come from.
    pub stream: NoiseStream,
    /// Keys the stream.
    pub seed: u64,
    /// How many times the noise is drawn.
    pub samples: usize,
}

impl Corruption {
    /// The tokens that receive noise: the subject and `extra_tokens` more, within the prompt.
    #[must_use]
    pub fn span(&self, subject: TokenSpan, seq_len: usize) -> TokenSpan {
        TokenSpan { start: subject.start, end: (subject.end + self.extra_tokens).min(seq_len) }
    }

    /// The noise for a prompt.
    ///
    /// # Shapes
    /// `[samples, span_len, d_model]`, row-major.
    ///
    /// # Units
    /// Those of the token embeddings; already multiplied by the level. In double precision, since ROME
    /// adds before it rounds.
    ///
    /// # References
    /// `trace_with_patch` in ROME's `experiments/causal_trace.py` for [`NoiseStream::Rome`].
    #[must_use]
    pub fn draw(&self, prompt_ids: &[u32], span_len: usize, d_model: usize) -> Vec<f64> {
        let per_sample = span_len * d_model;
        let mut noise = match self.stream {
            NoiseStream::Rome => rome_stream(self.seed, self.distribution, self.samples * per_sample),
            NoiseStream::Independent => (0..self.samples)
                .flat_map(|sample| {
                    independent_stream(self.seed, prompt_ids, sample, self.distribution, per_sample)
                })
                .collect(),
        };
        noise.iter_mut().for_each(|value| *value *= self.level);
        noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_rome_reads_them() {
        assert_eq!("s3".parse(), Ok(NoiseRule::SubjectDeviations(3.0)));
        assert_eq!("0.1".parse(), Ok(NoiseRule::Gaussian(0.1)));
        assert_eq!("0".parse(), Ok(NoiseRule::Gaussian(0.0)));
        assert_eq!("u1.5".parse(), Ok(NoiseRule::Uniform(1.5)));
        for wrong in ["", "s", "t3", "m", "-1", "nan", "inf", "s-1", "3s"] {
            assert!(wrong.parse::<NoiseRule>().is_err(), "{wrong} was accepted");
        }
    }

    fn corruption(stream: NoiseStream, seed: u64, samples: usize) -> Corruption {
        Corruption {
            distribution: Distribution::Gaussian,
            level: 2.0,
            mode: CorruptionMode::Add,
            baseline_mode: CorruptionMode::Add,
            extra_tokens: 0,
            stream,
            seed,
            samples,
        }
    }

    #[test]
    fn independent_samples_do_not_depend_on_their_number() {
        let few = corruption(NoiseStream::Independent, 1, 2).draw(&[5, 6], 2, 3);
        let many = corruption(NoiseStream::Independent, 1, 4).draw(&[5, 6], 2, 3);
        assert_eq!(few, many[..few.len()]);
        assert_ne!(few, corruption(NoiseStream::Independent, 2, 2).draw(&[5, 6], 2, 3));
        assert_ne!(few, corruption(NoiseStream::Independent, 1, 2).draw(&[5, 7], 2, 3));
        assert_ne!(few[..6], few[6..]);
    }

    #[test]
    fn rome_draws_the_same_noise_for_every_prompt() {
        let one = corruption(NoiseStream::Rome, 1, 2).draw(&[5, 6], 2, 3);
        assert_eq!(one, corruption(NoiseStream::Rome, 1, 2).draw(&[8], 2, 3));
    }
}
