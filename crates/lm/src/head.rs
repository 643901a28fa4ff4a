//! What turns the last block's output into logits.

use crate::ModelError;
use crate::kernels::{
    Linear, Norm, ReadOut, Reading, Threads, linear, log_probability, norm, read_out, soft_cap,
};

/// The final norm and the unembedding.
#[derive(Debug, Clone)]
pub struct Head {
    pub(crate) norm: Norm,
    pub(crate) map: Linear,
    /// Logits `z` become `cap · tanh(z / cap)`.
    pub(crate) softcap: Option<f32>,
}

impl Head {
    /// log p(answer) after the last block's output rows.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`; one answer and one result for each row, in natural logarithms.
    ///
    /// # Panics
    /// When there is not one answer for each row, or one is outside the vocabulary.
    #[must_use]
    pub fn answer_log_probability(&self, x: &[f32], answers: &[u32]) -> Vec<f64> {
        log_probability(&self.normed(x), &self.map, self.softcap, answers)
    }

    /// Everything that can be measured of the logits after the last block's output rows.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`; one wish and one reading for each row.
    ///
    /// # Panics
    /// As [`read_out`].
    #[must_use]
    pub fn read_out(&self, x: &[f32], wanted: &[ReadOut<'_>]) -> Vec<Reading> {
        read_out(&self.normed(x), &self.map, self.softcap, wanted)
    }

    /// Logits after rows of the last block's output.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`; `[rows, d_vocab]`, row-major.
    ///
    /// # Errors
    /// When a logit is not finite.
    pub fn unembed(&self, x: &[f32]) -> Result<Vec<f32>, ModelError> {
        let logits = self.logits(x);
        if logits.iter().all(|logit| logit.is_finite()) { Ok(logits) } else { Err(ModelError::NotFinite) }
    }

    /// The same, finite or not.
    pub(crate) fn logits(&self, x: &[f32]) -> Vec<f32> {
        let rows = x.len() / self.norm.width();
        let mut logits = vec![0.0; rows * self.map.n_out()];
        linear(&self.normed(x), &self.map, 0..self.map.n_out(), &mut logits, Threads::All);
        if let Some(cap) = self.softcap {
            soft_cap(cap, &mut logits);
        }
        logits
    }

    fn normed(&self, x: &[f32]) -> Vec<f32> {
        let mut normed = vec![0.0; x.len()];
        norm(&self.norm, x, &mut normed);
        normed
    }
}
