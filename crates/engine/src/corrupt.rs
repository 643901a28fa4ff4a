//! Corrupted token embeddings.

use causal_trace_core::{Corruption, CorruptionMode, Prompt, TokenSpan};
use causal_trace_lm::Model;

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

impl Embeddings {
    /// Draws the noise and applies it in the given mode.
    pub(crate) fn new(model: &Model, prompt: &Prompt, corruption: &Corruption, mode: CorruptionMode) -> Self {
        let d_model = model.architecture().d_model;
        let clean = model.embed(&prompt.ids);
        let span = corruption.span(prompt.subject_span, prompt.seq_len());
        let noise = corruption.draw(&prompt.ids, span.len(), d_model);
        let subject = &clean[span.start * d_model..span.end * d_model];
        let corrupted = noise
            .iter()
            .zip(subject.iter().cycle())
            .map(|(&noise, &clean)| match mode {
                CorruptionMode::Add => (f64::from(clean) + noise) as f32,
                CorruptionMode::Replace => noise as f32,
            })
            .collect();
        Embeddings { clean, span, corrupted, d_model }
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
