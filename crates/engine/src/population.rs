//! Mean, deviation and covariance of token embeddings, and random vectors that have them.

use causal_trace_core::{Population, RandomStream};
use causal_trace_lm::{Model, ModelError};
use rayon::prelude::*;

use crate::TraceError;

/// Embeddings that are fetched at once.
const CHUNK: usize = 1024;

/// The moments of some embeddings.
///
/// Their covariance is never written out: with centred embeddings x_j that occur c_j times, n in all, and independent
/// standard normal z_j, Σ √(c_j/(n − 1)) z_j x_j is Gaussian with exactly their covariance, of whatever rank.
#[derive(Debug)]
pub(crate) struct Moments {
    /// Token ids, and √(c_j/(n − 1)) of each.
    tokens: Vec<(u32, f64)>,
    /// `[d_model]`.
    pub mean: Vec<f64>,
    /// Standard deviation (n − 1) of every element, `[d_model]`.
    pub deviation: Vec<f64>,
}

impl Moments {
    /// The moments of a population.
    ///
    /// # Errors
    /// When it holds fewer than two tokens, or one outside the vocabulary.
    pub(crate) fn of(model: &Model, population: &Population) -> Result<Self, TraceError> {
        let d_vocab = model.architecture().d_vocab;
        let counts: Vec<(u32, u32)> = match population {
            Population::Vocabulary => (0..d_vocab as u32).map(|id| (id, 1)).collect(),
            Population::Text { counts, .. } => counts.clone(),
        };
        let n: f64 = counts.iter().map(|&(_, count)| f64::from(count)).sum();
        if n < 2.0 || counts.iter().any(|&(id, _)| id as usize >= d_vocab) {
            return Err(TraceError::NoPopulation);
        }
        let d_model = model.architecture().d_model;
        let mut mean = vec![0.0; d_model];
        for_embeddings(model, &counts, |&(_, count), embedding| {
            let weight = f64::from(count) / n;
            mean.iter_mut().zip(embedding).for_each(|(mean, &value)| *mean += weight * f64::from(value));
        })?;
        let mut squares = vec![0.0; d_model];
        for_embeddings(model, &counts, |&(_, count), embedding| {
            let centred = embedding.iter().zip(&mean).map(|(&value, mean)| f64::from(value) - mean);
            squares.iter_mut().zip(centred).for_each(|(sum, x)| *sum += f64::from(count) * x * x);
        })?;
        let deviation = squares.iter().map(|sum| (sum / (n - 1.0)).sqrt()).collect();
        let tokens = counts.iter().map(|&(id, count)| (id, (f64::from(count) / (n - 1.0)).sqrt())).collect();
        Ok(Moments { tokens, mean, deviation })
    }

    /// The random numbers of one vector: one for each token of the population.
    pub(crate) fn coefficients(&self, stream: &mut RandomStream) -> Vec<f64> {
        self.tokens.iter().map(|(_, scale)| scale * stream.normal()).collect()
    }

    /// The vectors with mean 0 and the population's covariance that belong to some coefficients:
    /// `[vectors, d_model]`.
    ///
    /// # Errors
    /// When the model is streamed and cannot be read.
    pub(crate) fn combine(&self, model: &Model, coefficients: &[Vec<f64>]) -> Result<Vec<f64>, ModelError> {
        let d_model = self.mean.len();
        let mut vectors = vec![0.0; coefficients.len() * d_model];
        let mut first = 0;
        for tokens in self.tokens.chunks(CHUNK) {
            let ids: Vec<u32> = tokens.iter().map(|&(id, _)| id).collect();
            let embeddings = model.embed(&ids)?;
            let parts = vectors.par_chunks_exact_mut(d_model).zip(coefficients);
            parts.for_each(|(vector, coefficients)| {
                let coefficients = &coefficients[first..first + tokens.len()];
                for (embedding, coefficient) in embeddings.chunks_exact(d_model).zip(coefficients) {
                    let centred =
                        embedding.iter().zip(&self.mean).map(|(&value, mean)| f64::from(value) - mean);
                    vector.iter_mut().zip(centred).for_each(|(sum, x)| *sum += coefficient * x);
                }
            });
            first += tokens.len();
        }
        Ok(vectors)
    }
}

fn for_embeddings(
    model: &Model,
    counts: &[(u32, u32)],
    mut each: impl FnMut(&(u32, u32), &[f32]),
) -> Result<(), ModelError> {
    let d_model = model.architecture().d_model;
    for counts in counts.chunks(CHUNK) {
        let ids: Vec<u32> = counts.iter().map(|&(id, _)| id).collect();
        let embeddings = model.embed(&ids)?;
        counts.iter().zip(embeddings.chunks_exact(d_model)).for_each(|(count, row)| each(count, row));
    }
    Ok(())
}
