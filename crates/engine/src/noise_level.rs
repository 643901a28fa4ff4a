//! How strong the noise is.

use causal_trace_core::{NoiseRule, effect};
use causal_trace_lm::Model;

use crate::TraceError;

/// The standard deviation (n − 1) over all elements of the token embeddings of all subjects.
///
/// # Units
/// Those of the token embeddings, as [`Model::embed`] gives them.
///
/// # Errors
/// When there is no subject, or a token is outside the vocabulary.
///
/// # References
/// `collect_embedding_std` in ROME's `experiments/causal_trace.py`.
pub fn subject_deviation(model: &Model, subjects: &[Vec<u32>]) -> Result<f64, TraceError> {
    let mut elements = Vec::new();
    for ids in subjects.iter().filter(|ids| !ids.is_empty()) {
        model.check_prompt(ids)?;
        elements.append(&mut model.embed(ids)?);
    }
    effect::sample_deviation(&elements).ok_or(TraceError::NoSubjects)
}

/// The noise level in units of the token embeddings; 1 for noise that has its size from a population.
#[must_use]
pub fn noise_level(rule: NoiseRule, subject_deviation: f64) -> f64 {
    match rule {
        NoiseRule::SubjectDeviations(k) => k * subject_deviation,
        NoiseRule::Gaussian(level) | NoiseRule::Uniform(level) => level,
        NoiseRule::StudentT(_) | NoiseRule::Multivariate => 1.0,
    }
}
