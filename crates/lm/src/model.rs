//! A decoder-only language model: embedding, blocks, head.

use std::sync::Arc;

use causal_trace_core::Precision;

use crate::head::Head;
use crate::kernels::{Run, Threads};
use crate::layers::{Layers, Parts};
use crate::rope::RopeTable;
use crate::token_embedding::TokenEmbedding;
use crate::{Architecture, ModelError, Positions, Scratch};

/// A decoder-only language model, whose weights are in memory or are read from their files as they are needed.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) architecture: Architecture,
    pub(crate) precision: Precision,
    pub(crate) token_embedding: TokenEmbedding,
    /// `[positions, d_model]`, row-major; empty for rotary models.
    pub(crate) position_embedding: Vec<f32>,
    pub(crate) parts: Parts,
}

impl Model {
    /// Size and wiring.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// How accurately its matrix products are computed.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether its blocks and its head are read from their files in every walk through the layers.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        matches!(self.parts, Parts::Streamed(_))
    }

    /// A walk through the blocks, first to last, and the head.
    ///
    /// # Errors
    /// When the threads that read a streamed model cannot be started.
    pub fn layers(&self) -> Result<Layers<'_>, ModelError> {
        self.parts.layers()
    }

    /// Whether a prompt fits this model.
    ///
    /// # Errors
    /// When it is empty, longer than the context or than a local attention window, or has unknown tokens.
    pub fn check_prompt(&self, ids: &[u32]) -> Result<(), ModelError> {
        let Architecture { max_positions, sliding_window, d_vocab, .. } = self.architecture;
        let tokens = ids.len();
        if tokens == 0 {
            return Err(ModelError::EmptyPrompt);
        }
        if tokens > max_positions {
            return Err(ModelError::TooLong { tokens, max_positions });
        }
        if let Some(window) = sliding_window.filter(|&window| tokens > window) {
            return Err(ModelError::BeyondWindow { tokens, window });
        }
        match ids.iter().find(|&&id| id as usize >= d_vocab) {
            Some(&id) => Err(ModelError::TokenOutside { id, d_vocab }),
            None => Ok(()),
        }
    }

    /// The token embeddings, scaled where the family scales them, before positions: what corruption acts on.
    ///
    /// # Shapes
    /// `[ids.len(), d_model]`, row-major.
    ///
    /// # Errors
    /// When the model is streamed and its files cannot be read, or have been changed.
    ///
    /// # Panics
    /// When an id is outside the vocabulary; see [`Model::check_prompt`].
    pub fn embed(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let d_model = self.architecture.d_model;
        let mut out = vec![0.0; ids.len() * d_model];
        self.token_embedding.copy_rows(ids, d_model, &mut out)?;
        let scale = self.architecture.embedding_scale;
        if scale != 1.0 {
            out.iter_mut().for_each(|x| *x *= scale);
        }
        Ok(out)
    }

    /// Turns token embeddings into the first block's input: adds learned positions.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`, one position for each row.
    pub fn enter(&self, x: &mut [f32], positions: impl IntoIterator<Item = usize>) {
        let d_model = self.architecture.d_model;
        for (row, position) in x.chunks_exact_mut(d_model).zip(positions) {
            if let Positions::Learned { offset } = self.architecture.positions {
                let start = (position + offset) * d_model;
                let learned = &self.position_embedding[start..start + d_model];
                row.iter_mut().zip(learned).for_each(|(x, learned)| *x += learned);
            }
        }
    }

    /// Cosines and sines for a prompt of that many tokens, if the model is rotary.
    #[must_use]
    pub fn rope_table(&self, seq_len: usize) -> Option<RopeTable> {
        match &self.architecture.positions {
            Positions::Learned { .. } => None,
            Positions::Rotary(rope) => Some(RopeTable::new(rope, seq_len)),
        }
    }

    /// Logits after every token of a prompt.
    ///
    /// # Shapes
    /// `[ids.len(), d_vocab]`, row-major.
    ///
    /// # Errors
    /// When the prompt does not fit the model, a logit is not finite, or the files of a streamed model cannot be read.
    pub fn logits(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check_prompt(ids)?;
        let (x, head) = self.run(&[ids])?;
        head.unembed(&x)
    }

    /// Logits after the last token of a prompt: `[d_vocab]`.
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn last_logits(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check_prompt(ids)?;
        let (x, head) = self.run(&[ids])?;
        head.unembed(&x[x.len() - self.architecture.d_model..])
    }

    /// The same for several prompts, whose rows go through the blocks together; the numbers are those of each alone.
    ///
    /// # Errors
    /// When the files of a streamed model cannot be read; within, each prompt's own: it does not fit the model, or a
    /// logit is not finite.
    pub fn last_logits_of(
        &self,
        prompts: &[&[u32]],
    ) -> Result<Vec<Result<Vec<f32>, ModelError>>, ModelError> {
        let checked: Vec<Result<(), ModelError>> = prompts.iter().map(|ids| self.check_prompt(ids)).collect();
        let fit: Vec<&[u32]> = prompts
            .iter()
            .zip(&checked)
            .filter(|(_, checked)| checked.is_ok())
            .map(|(ids, _)| *ids)
            .collect();
        let mut logits = Vec::new();
        if !fit.is_empty() {
            let (x, head) = self.run(&fit)?;
            let d_model = self.architecture.d_model;
            let mut end = 0;
            let mut last = Vec::with_capacity(fit.len() * d_model);
            for ids in &fit {
                end += ids.len() * d_model;
                last.extend_from_slice(&x[end - d_model..end]);
            }
            logits = head.logits(&last);
        }
        let mut rows = logits.chunks_exact(self.architecture.d_vocab);
        let logits_of = |checked: Result<(), ModelError>| {
            checked?;
            match rows.next() {
                Some(row) if row.iter().all(|logit| logit.is_finite()) => Ok(row.to_vec()),
                _ => Err(ModelError::NotFinite),
            }
        };
        Ok(checked.into_iter().map(logits_of).collect())
    }

    /// The last block's output for all tokens of some prompts that fit, one prompt after the other; and the head.
    fn run(&self, prompts: &[&[u32]]) -> Result<(Vec<f32>, Arc<Head>), ModelError> {
        let run = |ids: &&[u32]| Run { start: 0, len: ids.len(), prefix: Vec::new() };
        let runs: Vec<Run> = prompts.iter().map(run).collect();
        let mut x = self.embed(&prompts.concat())?;
        self.enter(&mut x, runs.iter().flat_map(Run::positions));
        let rope = self.rope_table(runs.iter().map(|run| run.len).max().unwrap_or(0));
        let mut scratch = Scratch::default();
        let mut layers = self.layers()?;
        for block in &mut layers {
            block?.forward(&mut x, &runs, rope.as_ref(), Threads::All, &mut scratch, &mut |_, _| {});
        }
        Ok((x, layers.head()?))
    }
}

/// The `count` most probable tokens with their probabilities, most probable first.
#[must_use]
pub fn top_predictions(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    let probability = |id: usize| (f64::from(logits[id] - largest).exp() / sum) as f32;
    order.into_iter().take(count).map(|id| (id as u32, probability(id))).collect()
}
