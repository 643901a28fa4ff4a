//! Corrupted token embeddings.

use std::ops::Range;

use causal_trace_core::{
    Corruption, CorruptionMode, Distribution, Method, Prompt, RandomStream, Spread, TokenSpan,
};
use causal_trace_lm::Model;

use crate::TraceError;
use crate::population::Moments;

/// The token embeddings of a prompt, clean and corrupted.
#[derive(Debug, Clone)]
pub(crate) struct Embeddings {
    /// Clean, `[seq_len, d_model]`.
    pub clean: Vec<f32>,
    /// The corrupted tokens.
    pub span: TokenSpan,
    /// Their corrupted embeddings, `[samples, span.len(), d_model]`.
    pub corrupted: Vec<f32>,
    /// Width of an embedding.
    pub d_model: usize,
}

/// Which of a corruption's draws are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    /// The baseline's, where its mode differs from that of the patched runs.
    pub baseline: bool,
    /// See [`Corruption::draw`].
    pub purpose: u64,
}

impl Draw {
    /// Those that the patched runs share.
    pub(crate) const SHARED: Draw = Draw { baseline: false, purpose: 0 };
}

/// The tokens that differ between the clean and the corrupted runs.
///
/// # Errors
/// When they cannot be told: no subject, or a counterpart that is missing or not aligned.
pub(crate) fn corrupted_span(
    prompt: &Prompt,
    counterpart: Option<&Prompt>,
    corruption: &Corruption,
) -> Result<TokenSpan, TraceError> {
    let (subject, seq_len) = (prompt.subject_span, prompt.seq_len());
    if corruption.method == Method::Counterpart {
        let counterpart = counterpart.ok_or(TraceError::NoCounterpart)?;
        return aligned_span(prompt, counterpart);
    }
    if subject.is_empty() || subject.end > seq_len {
        return Err(TraceError::EmptySpan { start: subject.start, end: subject.end, seq_len });
    }
    Ok(corruption.span(subject, seq_len))
}

/// From the first to the last token in which two prompts differ.
fn aligned_span(prompt: &Prompt, counterpart: &Prompt) -> Result<TokenSpan, TraceError> {
    let differ = |&token: &usize| prompt.ids[token] != counterpart.ids[token];
    let is_long_enough = prompt.seq_len() == counterpart.seq_len();
    let mut differing = (0..prompt.seq_len()).filter(|token| is_long_enough && differ(token));
    match differing.next() {
        Some(first) => Ok((first..differing.next_back().unwrap_or(first) + 1).into()),
        None => Err(TraceError::NotAligned {
            prompt: prompt.tokens.clone(),
            counterpart: counterpart.tokens.clone(),
        }),
    }
}

impl Embeddings {
    /// Draws the corruption and applies it.
    ///
    /// # Errors
    /// As [`corrupted_span`]; also when there is nothing to shuffle.
    pub(crate) fn new(
        model: &Model,
        prompt: &Prompt,
        counterpart: Option<&Prompt>,
        corruption: &Corruption,
        moments: Option<&Moments>,
        draw: Draw,
    ) -> Result<Self, TraceError> {
        let d_model = model.architecture().d_model;
        let clean = model.embed(&prompt.ids);
        let span = corrupted_span(prompt, counterpart, corruption)?;
        let tokens = Tokens { model, ids: &prompt.ids[span.range()], d_model };
        let subject = &clean[span.start * d_model..span.end * d_model];
        let corrupted = match (&corruption.method, counterpart) {
            (Method::Counterpart, Some(counterpart)) => {
                model.embed(&counterpart.ids[span.range()]).repeat(corruption.samples)
            }
            (Method::Counterpart, None) => return Err(TraceError::NoCounterpart),
            (Method::Shuffle, _) => tokens.shuffled(subject, corruption, &prompt.ids, draw)?,
            (Method::RandomEmbedding { spread, .. }, _) => {
                let moments = moments.ok_or(TraceError::NoPopulation)?;
                let vectors = tokens.spread(*spread, moments, corruption, &prompt.ids, draw);
                let mean = moments.mean.iter().cycle();
                vectors.iter().zip(mean).map(|(&vector, mean)| (mean + vector) as f32).collect()
            }
            (Method::Noise { distribution, level, mode, baseline_mode }, _) => {
                let noise = tokens.noise(distribution, moments, corruption, &prompt.ids, draw)?;
                let mode = if draw.baseline { baseline_mode } else { mode };
                let noise = noise.iter().map(|noise| noise * level).zip(subject.iter().cycle());
                // In double precision, since ROME adds before it rounds.
                noise
                    .map(|(noise, &clean)| match mode {
                        CorruptionMode::Add => (f64::from(clean) + noise) as f32,
                        CorruptionMode::Replace => noise as f32,
                    })
                    .collect()
            }
        };
        Ok(Embeddings { clean, span, corrupted, d_model })
    }

    /// The embeddings from token `first` on of the corrupted run of one sample, `[seq_len − first, d_model]`.
    pub(crate) fn corrupted_from(&self, sample: usize, first: usize) -> Vec<f32> {
        let mut rows = self.clean.clone();
        let width = self.span.len() * self.d_model;
        let start = self.span.start * self.d_model;
        rows[start..start + width].copy_from_slice(&self.corrupted[sample * width..(sample + 1) * width]);
        rows.split_off(first * self.d_model)
    }
}

/// The corrupted tokens of a prompt.
struct Tokens<'a> {
    model: &'a Model,
    ids: &'a [u32],
    d_model: usize,
}

impl Tokens<'_> {
    /// Noise of level 1: `[samples, tokens, d_model]`.
    fn noise(
        &self,
        distribution: &Distribution,
        moments: Option<&Moments>,
        corruption: &Corruption,
        prompt_ids: &[u32],
        draw: Draw,
    ) -> Result<Vec<f64>, TraceError> {
        let values = self.ids.len() * self.d_model;
        let each = |value: fn(&mut RandomStream) -> f64| {
            let sample = |stream: &mut RandomStream| Vec::from_iter((0..values).map(|_| value(stream)));
            corruption.draw(prompt_ids, draw.purpose, sample).concat()
        };
        match distribution {
            Distribution::Gaussian => Ok(each(RandomStream::normal)),
            Distribution::Uniform => Ok(each(RandomStream::uniform)),
            Distribution::Multivariate { .. } => {
                let moments = moments.ok_or(TraceError::NoPopulation)?;
                Ok(self.vectors(moments, corruption, prompt_ids, draw, |_| 1.0))
            }
            Distribution::StudentT { degrees, .. } => {
                let moments = moments.ok_or(TraceError::NoPopulation)?;
                let factor =
                    |stream: &mut RandomStream| ((degrees - 2.0) / stream.chi_squared(*degrees)).sqrt();
                Ok(self.vectors(moments, corruption, prompt_ids, draw, factor))
            }
        }
    }

    /// Vectors with the population's covariance, each times a factor: `[samples, tokens, d_model]`.
    fn vectors(
        &self,
        moments: &Moments,
        corruption: &Corruption,
        prompt_ids: &[u32],
        draw: Draw,
        factor: impl Fn(&mut RandomStream) -> f64,
    ) -> Vec<f64> {
        let sample = |stream: &mut RandomStream| {
            let vector = |_| (moments.coefficients(stream), factor(stream));
            Vec::from_iter((0..self.ids.len()).map(vector))
        };
        let (coefficients, factors): (Vec<_>, Vec<f64>) =
            corruption.draw(prompt_ids, draw.purpose, sample).concat().into_iter().unzip();
        let mut vectors = moments.combine(self.model, &coefficients);
        for (vector, factor) in vectors.chunks_exact_mut(self.d_model).zip(factors) {
            vector.iter_mut().for_each(|value| *value *= factor);
        }
        vectors
    }

    /// Deviations from the mean: `[samples, tokens, d_model]`.
    fn spread(
        &self,
        spread: Spread,
        moments: &Moments,
        corruption: &Corruption,
        prompt_ids: &[u32],
        draw: Draw,
    ) -> Vec<f64> {
        match spread {
            Spread::Covariance => self.vectors(moments, corruption, prompt_ids, draw, |_| 1.0),
            Spread::Deviation => {
                let sample = |stream: &mut RandomStream| {
                    let deviations = moments.deviation.iter().cycle().take(self.ids.len() * self.d_model);
                    Vec::from_iter(deviations.map(|deviation| deviation * stream.normal()))
                };
                corruption.draw(prompt_ids, draw.purpose, sample).concat()
            }
        }
    }

    /// The embeddings in other orders: `[samples, tokens, d_model]`.
    fn shuffled(
        &self,
        embeddings: &[f32],
        corruption: &Corruption,
        prompt_ids: &[u32],
        draw: Draw,
    ) -> Result<Vec<f32>, TraceError> {
        let (ids, d_model) = (self.ids, self.d_model);
        if ids.iter().all(|&id| id == ids[0]) {
            return Err(TraceError::NothingToShuffle { tokens: ids.len() });
        }
        let row = |token: usize| -> Range<usize> { token * d_model..(token + 1) * d_model };
        let orders = corruption.draw(prompt_ids, draw.purpose, |stream| {
            loop {
                let order = stream.permutation(ids.len());
                // Equal tokens that change places change nothing.
                if order.iter().zip(ids).any(|(&from, &id)| ids[from] != id) {
                    return order;
                }
            }
        });
        Ok(orders.concat().into_iter().flat_map(|from| embeddings[row(from)].iter().copied()).collect())
    }
}
