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
        let clean = model.embed(&prompt.ids)?;
        let span = corrupted_span(prompt, counterpart, corruption)?;
        let tokens = Tokens { model, ids: &prompt.ids[span.range()], d_model };
        let subject = &clean[span.start * d_model..span.end * d_model];
        let corrupted = match (&corruption.method, counterpart) {
            (Method::Counterpart, Some(counterpart)) => {
                model.embed(&counterpart.ids[span.range()])?.repeat(corruption.samples)
            }
            (Method::Counterpart, None) => return Err(TraceError::NoCounterpart),
            (Method::Shuffle, _) => tokens.shuffled(subject, corruption, &prompt.ids, draw)?,
            (Method::RandomEmbedding { spread, .. }, _) => {
                let moments = moments.ok_or(TraceError::NoPopulation)?;
                let vectors = tokens.spread(*spread, moments, corruption, &prompt.ids, draw)?;
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
                self.vectors(moments, corruption, prompt_ids, draw, |_| 1.0)
            }
            Distribution::StudentT { degrees, .. } => {
                let moments = moments.ok_or(TraceError::NoPopulation)?;
                let factor =
                    |stream: &mut RandomStream| ((degrees - 2.0) / stream.chi_squared(*degrees)).sqrt();
                self.vectors(moments, corruption, prompt_ids, draw, factor)
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
    ) -> Result<Vec<f64>, TraceError> {
        let sample = |stream: &mut RandomStream| {
            let vector = |_| (moments.coefficients(stream), factor(stream));
            Vec::from_iter((0..self.ids.len()).map(vector))
        };
        let (coefficients, factors): (Vec<_>, Vec<f64>) =
            corruption.draw(prompt_ids, draw.purpose, sample).concat().into_iter().unzip();
        let mut vectors = moments.combine(self.model, &coefficients)?;
        for (vector, factor) in vectors.chunks_exact_mut(self.d_model).zip(factors) {
            vector.iter_mut().for_each(|value| *value *= factor);
        }
        Ok(vectors)
    }

    /// Deviations from the mean: `[samples, tokens, d_model]`.
    fn spread(
        &self,
        spread: Spread,
        moments: &Moments,
        corruption: &Corruption,
        prompt_ids: &[u32],
        draw: Draw,
    ) -> Result<Vec<f64>, TraceError> {
        match spread {
            Spread::Covariance => self.vectors(moments, corruption, prompt_ids, draw, |_| 1.0),
            Spread::Deviation => {
                let sample = |stream: &mut RandomStream| {
                    let deviations = moments.deviation.iter().cycle().take(self.ids.len() * self.d_model);
                    Vec::from_iter(deviations.map(|deviation| deviation * stream.normal()))
                };
                Ok(corruption.draw(prompt_ids, draw.purpose, sample).concat())
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

#[cfg(test)]
mod tests {
    use causal_trace_core::{NoiseStream, Population};
    use serde_json::json;

    use causal_trace_core::Precision;

    use super::*;

    const D_MODEL: usize = 4;
    const D_VOCAB: usize = 7;
    const SAMPLES: usize = 40_000;

    /// Embeddings of which one feature is twice another and one never varies.
    fn embedding(id: usize) -> [f32; D_MODEL] {
        let first = [0.3, -1.1, 0.7, 2.0, -0.4, 1.5, 0.1][id];
        [first, 0.5 + 2.0 * first, (id * id % 5) as f32 - 1.5, -3.0]
    }

    fn model() -> Model {
        let config = json!({
            "model_type": "gpt2", "n_layer": 1, "n_embd": D_MODEL, "n_head": 1, "n_inner": 4,
            "vocab_size": D_VOCAB, "n_positions": 8, "activation_function": "gelu_new",
        });
        Model::from_source(&config.to_string(), Precision::F32, &mut |name, shape| {
            if name.contains("wte") {
                (0..D_VOCAB).flat_map(embedding).collect()
            } else {
                vec![0.1; shape.iter().product()]
            }
        })
        .unwrap()
    }

    fn prompt(ids: &[u32], subject: Range<usize>) -> Prompt {
        Prompt {
            text: String::new(),
            subject: String::new(),
            ids: ids.to_vec(),
            tokens: ids.iter().map(u32::to_string).collect(),
            subject_span: subject.into(),
        }
    }

    fn corruption(method: Method, samples: usize) -> Corruption {
        let stream = NoiseStream::Independent;
        Corruption { method, extra_tokens: 0, stream, seed: 1, samples, fresh_for_each_site: false }
    }

    fn embeddings(prompt: &Prompt, corruption: &Corruption, draw: Draw) -> Embeddings {
        let model = model();
        let moments = corruption.population().map(|population| Moments::of(&model, population).unwrap());
        Embeddings::new(&model, prompt, None, corruption, moments.as_ref(), draw).unwrap()
    }

    /// The corrupted embeddings of a prompt's second token.
    fn corrupted(method: Method) -> Vec<f32> {
        embeddings(&prompt(&[1, 2, 3], 1..2), &corruption(method, SAMPLES), Draw::SHARED).corrupted
    }

    fn mode(distribution: Distribution, mode: CorruptionMode) -> Method {
        Method::Noise { distribution, level: 1.0, mode, baseline_mode: CorruptionMode::Add }
    }

    /// Mean and covariance (n − 1) of some rows with weights.
    fn moments(rows: &[[f64; D_MODEL]], weights: &[f64]) -> ([f64; D_MODEL], [[f64; D_MODEL]; D_MODEL]) {
        let n: f64 = weights.iter().sum();
        let weighted = || rows.iter().zip(weights);
        let mean = std::array::from_fn(|i| weighted().map(|(row, weight)| weight * row[i]).sum::<f64>() / n);
        let covariance = std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let products =
                    weighted().map(|(row, weight)| weight * (row[i] - mean[i]) * (row[j] - mean[j]));
                products.sum::<f64>() / (n - 1.0)
            })
        });
        (mean, covariance)
    }

    fn drawn_moments(values: &[f32]) -> ([f64; D_MODEL], [[f64; D_MODEL]; D_MODEL]) {
        let rows: Vec<[f64; D_MODEL]> =
            values.chunks(D_MODEL).map(|row| std::array::from_fn(|i| f64::from(row[i]))).collect();
        moments(&rows, &vec![1.0; rows.len()])
    }

    fn population_moments(weights: &[f64; D_VOCAB]) -> ([f64; D_MODEL], [[f64; D_MODEL]; D_MODEL]) {
        let rows: Vec<[f64; D_MODEL]> = (0..D_VOCAB).map(|id| embedding(id).map(f64::from)).collect();
        moments(&rows, weights)
    }

    fn text() -> (Population, [f64; D_VOCAB]) {
        let counts = vec![(0, 3), (3, 1), (6, 4)];
        let text = Population::Text { name: "a text".to_owned(), sha256: String::new(), counts };
        (text, [3.0, 0.0, 0.0, 1.0, 0.0, 0.0, 4.0])
    }

    /// Means within five standard errors, covariances within `tolerance` of the product of the deviations.
    fn assert_moments(
        values: &[f32],
        mean: [f64; D_MODEL],
        covariance: [[f64; D_MODEL]; D_MODEL],
        tolerance: f64,
    ) {
        let (found_mean, found_covariance) = drawn_moments(values);
        let deviation = |i: usize| covariance[i][i].sqrt();
        for i in 0..D_MODEL {
            let error = 5.0 * deviation(i) / (SAMPLES as f64).sqrt() + 1e-6;
            assert!((found_mean[i] - mean[i]).abs() < error, "mean {i}: {} for {}", found_mean[i], mean[i]);
            for j in 0..D_MODEL {
                let (found, expected) = (found_covariance[i][j], covariance[i][j]);
                let error = tolerance * deviation(i) * deviation(j) + 1e-6;
                assert!((found - expected).abs() < error, "covariance {i} {j}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn multivariate_noise_has_the_covariance_of_its_population() {
        let (text, weights) = text();
        for (population, weights) in [(Population::Vocabulary, [1.0; D_VOCAB]), (text, weights)] {
            let (_, covariance) = population_moments(&weights);
            let noise = mode(Distribution::Multivariate { population }, CorruptionMode::Replace);
            // Five standard errors of a covariance are 5·√2/√n of the deviations' product.
            assert_moments(&corrupted(noise), [0.0; D_MODEL], covariance, 0.036);
        }
    }

    #[test]
    fn student_s_t_has_the_same_covariance_and_longer_tails() {
        let (_, covariance) = population_moments(&[1.0; D_VOCAB]);
        let population = Population::Vocabulary;
        let noise = mode(Distribution::StudentT { degrees: 6.0, population }, CorruptionMode::Replace);
        let values = corrupted(noise);
        // The variance of a square is larger: kurtosis 6 instead of 3.
        assert_moments(&values, [0.0; D_MODEL], covariance, 0.06);
        let fourth =
            values.chunks(D_MODEL).map(|row| f64::from(row[0]).powi(4)).sum::<f64>() / SAMPLES as f64;
        let kurtosis = fourth / covariance[0][0].powi(2);
        assert!(kurtosis > 4.0, "{kurtosis}");
    }

    #[test]
    fn random_embeddings_have_the_mean_and_the_spread_that_was_asked_for() {
        let (population, weights) = text();
        let (mean, covariance) = population_moments(&weights);
        let random = |spread| Method::RandomEmbedding { population: population.clone(), spread };
        assert_moments(&corrupted(random(Spread::Covariance)), mean, covariance, 0.036);
        let diagonal =
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { covariance[i][i] } else { 0.0 }));
        assert_moments(&corrupted(random(Spread::Deviation)), mean, diagonal, 0.036);
    }

    #[test]
    fn shuffled_embeddings_are_the_subject_s_in_another_order() {
        let shuffle = corruption(Method::Shuffle, 300);
        let found = embeddings(&prompt(&[9 - 3, 1, 2, 3, 1], 1..4), &shuffle, Draw::SHARED);
        let mut orders = std::collections::BTreeSet::new();
        for sample in found.corrupted.chunks(3 * D_MODEL) {
            let order: Vec<usize> =
                sample.chunks(D_MODEL).map(|row| (1..=3).find(|&id| embedding(id) == row).unwrap()).collect();
            orders.insert(order);
        }
        assert_eq!(orders.len(), 5, "every order but the prompt's: {orders:?}");
        assert!(!orders.contains(&vec![1, 2, 3]));
    }

    #[test]
    fn a_counterpart_differs_from_its_first_to_its_last_other_token() {
        let (model, pair) = (model(), corruption(Method::Counterpart, 1));
        let (mine, theirs) = (prompt(&[1, 2, 3, 4, 5], 0..1), prompt(&[1, 6, 3, 0, 5], 0..1));
        let found = Embeddings::new(&model, &mine, Some(&theirs), &pair, None, Draw::SHARED).unwrap();
        assert_eq!(found.span.range(), 1..4);
        assert_eq!(found.corrupted, [6, 3, 0].map(embedding).concat());
        assert_eq!(found.corrupted_from(0, 0), model.embed(&theirs.ids).unwrap());
    }

    /// ROME's baseline adds noise even where the patched runs replace.
    #[test]
    fn the_baseline_may_have_another_mode() {
        let replace = corruption(mode(Distribution::Gaussian, CorruptionMode::Replace), 2);
        let prompt = prompt(&[1, 2, 3], 1..2);
        let draw = |baseline| embeddings(&prompt, &replace, Draw { baseline, purpose: 0 }).corrupted;
        let added = draw(false)
            .iter()
            .zip(embedding(2).iter().cycle())
            .map(|(x, clean)| x + clean)
            .collect::<Vec<_>>();
        let difference = draw(true).iter().zip(&added).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-6, "{difference}");
    }

    #[test]
    fn every_purpose_has_draws_of_its_own() {
        let noise = corruption(mode(Distribution::Gaussian, CorruptionMode::Add), 2);
        let prompt = prompt(&[1, 2, 3], 1..2);
        let draw = |purpose| embeddings(&prompt, &noise, Draw { baseline: false, purpose }).corrupted;
        assert_eq!(draw(1), draw(1));
        assert!(draw(1) != draw(2) && draw(0) != draw(1));
    }
}
