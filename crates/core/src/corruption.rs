//! How the subject is obscured: one value that travels whole.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ParseNameError, RandomStream, TokenSpan};

/// How the noise is given, in ROME's notation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum NoiseRule {
    /// `s3`: Gaussian, so many times the standard deviation of the subjects' embeddings.
    SubjectDeviations(f64),
    /// A number: Gaussian with that standard deviation.
    Gaussian(f64),
    /// `u1.5`: uniform between minus and plus that number.
    Uniform(f64),
    /// `t3`: Student's t with so many degrees of freedom, and the covariance of token embeddings.
    StudentT(f64),
    /// `m`: Gaussian with the covariance of token embeddings.
    Multivariate,
}

impl NoiseRule {
    /// Whether the noise follows a population of embeddings.
    #[must_use]
    pub fn needs_population(self) -> bool {
        matches!(self, NoiseRule::StudentT(_) | NoiseRule::Multivariate)
    }
}

impl FromStr for NoiseRule {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseNameError {
            what: "noise rule",
            given: text.to_owned(),
            expected: "s3 (3 standard deviations of the subjects' embeddings), a number (Gaussian), u1.5 (uniform), \
                       t3 (Student's t, more than 2 degrees of freedom), m (multivariate Gaussian)",
        };
        if text == "m" {
            return Ok(NoiseRule::Multivariate);
        }
        let (rule, number): (fn(f64) -> NoiseRule, &str) = match text.as_bytes().first() {
            Some(b's') => (NoiseRule::SubjectDeviations, &text[1..]),
            Some(b'u') => (NoiseRule::Uniform, &text[1..]),
            Some(b't') => (NoiseRule::StudentT, &text[1..]),
            _ => (NoiseRule::Gaussian, text),
        };
        let level: f64 = number.parse().map_err(|_| error())?;
        // `abs`, since −0 is a zero too.
        let rule = rule(level.abs());
        // With 2 degrees of freedom or fewer there is no covariance to match.
        let has_variance = !matches!(rule, NoiseRule::StudentT(degrees) if degrees <= 2.0);
        if level.is_finite() && level >= 0.0 && has_variance { Ok(rule) } else { Err(error()) }
    }
}

impl fmt::Display for NoiseRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoiseRule::SubjectDeviations(k) => write!(f, "s{k}"),
            NoiseRule::Gaussian(level) => write!(f, "{level}"),
            NoiseRule::Uniform(level) => write!(f, "u{level}"),
            NoiseRule::StudentT(degrees) => write!(f, "t{degrees}"),
            NoiseRule::Multivariate => f.write_str("m"),
        }
    }
}

/// The shape of the noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Normal with mean 0, every element by itself; the level is its standard deviation.
    Gaussian,
    /// Uniform, every element by itself; the level is its half width.
    Uniform,
    /// Student's t with mean 0: a [`Distribution::Multivariate`] vector times √((degrees − 2)/u), one u of χ² for the
    /// vector, so that the covariance is the same.
    StudentT {
        /// Degrees of freedom, more than 2.
        degrees: f64,
        /// Whose covariance.
        population: Population,
    },
    /// Normal vectors with mean 0 and the covariance of some embeddings; the level multiplies them.
    Multivariate {
        /// Whose covariance.
        population: Population,
    },
}

/// Token embeddings whose mean, deviation and covariance (n − 1) a corruption follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Every row of the embedding matrix, once.
    Vocabulary,
    /// Every token of a text, as often as it occurs there.
    Text {
        /// The text's name, for a person.
        name: String,
        /// SHA-256 of the text, in hexadecimal digits.
        sha256: String,
        /// How often each token id occurs. Records leave it out: name and hash stand for it.
        #[serde(skip)]
        counts: Vec<(u32, u32)>,
    },
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

/// How the random embeddings spread around the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// With the population's covariance.
    Covariance,
    /// Every element by itself, with its standard deviation in the population.
    Deviation,
}

impl FromStr for Spread {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "covariance" => Ok(Spread::Covariance),
            "deviation" => Ok(Spread::Deviation),
            _ => Err(ParseNameError {
                what: "spread of random embeddings",
                given: text.to_owned(),
                expected: "covariance, deviation",
            }),
        }
    }
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

/// How the embeddings of the corrupted tokens are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Noise on the token embeddings.
    Noise {
        /// The shape of the noise.
        distribution: Distribution,
        /// Its size, in units of the token embeddings (a factor for those that follow a population); 0 corrupts
        /// nothing.
        level: f64,
        /// What it does to an embedding in the patched runs.
        mode: CorruptionMode,
        /// What it does in the corrupted run that is the baseline: the same, except under ROME's preset. ROME's
        /// code forgets to replace there: its baseline adds noise even where its patched runs replace.
        baseline_mode: CorruptionMode,
    },
    /// Every token's embedding becomes a random one: Gaussian, with the mean of some embeddings.
    RandomEmbedding {
        /// Whose mean.
        population: Population,
        /// How they spread around it.
        spread: Spread,
    },
    /// The tokens' embeddings change places among themselves, in an order other than the prompt's.
    Shuffle,
    /// The corrupted run is another prompt of as many tokens, given with each case.
    Counterpart,
}

/// How the subject is obscured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corruption {
    /// How the embeddings of the corrupted tokens are made.
    pub method: Method,
    /// Tokens after the subject that are corrupted too: 0, except 1 under the preset of
    /// dannyallover/causal-tracing, whose slice is one too long.
    pub extra_tokens: usize,
    /// Where the random numbers come from.
    pub stream: NoiseStream,
    /// Keys the stream.
    pub seed: u64,
    /// How many times the corruption is drawn.
    pub samples: usize,
    /// Every site has draws of its own, as in the GPT-2 Large runs of dannyallover/causal-tracing, instead of sharing
    /// those of the baseline.
    #[serde(default)]
    pub fresh_for_each_site: bool,
}

impl Corruption {
    /// The tokens that are corrupted: the subject and `extra_tokens` more, within the prompt.
    #[must_use]
    pub fn span(&self, subject: TokenSpan, seq_len: usize) -> TokenSpan {
        TokenSpan { start: subject.start, end: (subject.end + self.extra_tokens).min(seq_len) }
    }

    /// The size of the noise in units of the token embeddings, where it has one.
    #[must_use]
    pub fn noise_level(&self) -> Option<f64> {
        match &self.method {
            Method::Noise { distribution: Distribution::Gaussian | Distribution::Uniform, level, .. } => {
                Some(*level)
            }
            _ => None,
        }
    }

    /// Whose moments the corruption follows, if any.
    #[must_use]
    pub fn population(&self) -> Option<&Population> {
        match &self.method {
            Method::Noise {
                distribution:
                    Distribution::StudentT { population, .. } | Distribution::Multivariate { population },
                ..
            }
            | Method::RandomEmbedding { population, .. } => Some(population),
            _ => None,
        }
    }

    /// Draws every sample: `draw` is called with the stream to use, once for each.
    ///
    /// `purpose` is 0 for the draws that all sites share, else a number for the site that has its own. Under
    /// [`NoiseStream::Rome`] the samples follow each other in one stream that begins afresh for every prompt.
    pub fn draw<T>(
        &self,
        prompt_ids: &[u32],
        purpose: u64,
        mut draw: impl FnMut(&mut RandomStream) -> T,
    ) -> Vec<T> {
        match self.stream {
            NoiseStream::Rome => {
                let mut stream = RandomStream::rome(self.seed);
                (0..self.samples).map(|_| draw(&mut stream)).collect()
            }
            NoiseStream::Independent => (0..self.samples)
                .map(|sample| draw(&mut RandomStream::independent(self.seed, prompt_ids, sample, purpose)))
                .collect(),
        }
    }
}

/// In how many ways tokens can be ordered so that they differ from how they stand: the orders of [`Method::Shuffle`].
/// At most `u64::MAX`.
#[must_use]
pub fn other_orders(ids: &[u32]) -> u64 {
    let mut orders: u128 = 1;
    for (place, id) in ids.iter().enumerate() {
        let equal = ids[..=place].iter().filter(|other| *other == id).count() as u128;
        // Whole at every step: the orders of the tokens so far.
        let Some(product) = orders.checked_mul(place as u128 + 1) else { return u64::MAX };
        orders = product / equal;
    }
    u64::try_from(orders - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tokens_have_fewer_orders() {
        assert_eq!(other_orders(&[1, 2]), 1);
        assert_eq!(other_orders(&[1, 2, 3]), 5);
        assert_eq!(other_orders(&[1, 2, 1]), 2);
        assert_eq!([&[][..], &[7], &[7, 7]].map(other_orders), [0; 3]);
        assert_eq!(other_orders(&(0..50).collect::<Vec<_>>()), u64::MAX);
    }

    #[test]
    fn rules_are_read_as_rome_reads_them() {
        assert_eq!("s3".parse(), Ok(NoiseRule::SubjectDeviations(3.0)));
        assert_eq!("0.1".parse(), Ok(NoiseRule::Gaussian(0.1)));
        assert_eq!("0".parse(), Ok(NoiseRule::Gaussian(0.0)));
        assert_eq!("u1.5".parse(), Ok(NoiseRule::Uniform(1.5)));
        assert_eq!("t3".parse(), Ok(NoiseRule::StudentT(3.0)));
        assert_eq!("m".parse(), Ok(NoiseRule::Multivariate));
        for wrong in ["", "s", "t2", "t", "mm", "-1", "nan", "inf", "s-1", "3s"] {
            assert!(wrong.parse::<NoiseRule>().is_err(), "{wrong} was accepted");
        }
    }

    fn drawn(stream: NoiseStream, seed: u64, samples: usize, ids: &[u32], purpose: u64) -> Vec<[f64; 3]> {
        let corruption = Corruption {
            method: Method::Shuffle,
            extra_tokens: 0,
            stream,
            seed,
            samples,
            fresh_for_each_site: false,
        };
        corruption.draw(ids, purpose, |stream| [stream.normal(), stream.normal(), stream.normal()])
    }

    #[test]
    fn independent_samples_do_not_depend_on_their_number() {
        let few = drawn(NoiseStream::Independent, 1, 2, &[5, 6], 0);
        assert_eq!(few, drawn(NoiseStream::Independent, 1, 4, &[5, 6], 0)[..2]);
        assert_ne!(few, drawn(NoiseStream::Independent, 2, 2, &[5, 6], 0));
        assert_ne!(few, drawn(NoiseStream::Independent, 1, 2, &[5, 7], 0));
        assert_ne!(few, drawn(NoiseStream::Independent, 1, 2, &[5, 6], 1));
        assert_ne!(few[0], few[1]);
    }

    #[test]
    fn rome_draws_the_same_noise_for_every_prompt() {
        let one = drawn(NoiseStream::Rome, 1, 2, &[5, 6], 0);
        assert_eq!(one, drawn(NoiseStream::Rome, 1, 2, &[8], 0));
    }
}
