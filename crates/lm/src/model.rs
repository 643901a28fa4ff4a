//! A decoder-only language model: embedding, blocks, head.

use causal_trace_core::Precision;

use crate::kernels::{
    Linear, Norm, ReadOut, Reading, Run, Threads, gather, linear, log_probability, norm, read_out, soft_cap,
};
use crate::rope::RopeTable;
use crate::{Architecture, Block, ModelError, Positions, Scratch};

/// A decoder-only language model with its weights as float32.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) architecture: Architecture,
    pub(crate) precision: Precision,
    /// `[d_vocab, d_model]`, row-major.
    pub(crate) token_embedding: Vec<f32>,
    /// `[positions, d_model]`, row-major; empty for rotary models.
    pub(crate) position_embedding: Vec<f32>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) final_norm: Norm,
    pub(crate) head: Linear,
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

    /// The blocks, first to last.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Number of parameters: embeddings, maps and norms with their biases; a tied head counts once.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::n_parameters).sum();
        let head = if self.architecture.tied_head { 0 } else { self.head.n_parameters() };
        self.token_embedding.len()
            + self.position_embedding.len()
            + blocks
            + self.final_norm.n_parameters()
            + head
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
    /// # Panics
    /// When an id is outside the vocabulary; see [`Model::check_prompt`].
    #[must_use]
    pub fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let d_model = self.architecture.d_model;
        let mut out = vec![0.0; ids.len() * d_model];
        gather(&self.token_embedding, d_model, ids.iter().map(|&id| id as usize), &mut out);
        let scale = self.architecture.embedding_scale;
        if scale != 1.0 {
            out.iter_mut().for_each(|x| *x *= scale);
        }
        out
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

    /// log p(answer) after the last block's output rows.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`; one answer and one result for each row, in natural logarithms.
    ///
    /// # Panics
    /// When there is not one answer for each row, or one is outside the vocabulary.
    #[must_use]
    pub fn answer_log_probability(&self, x: &[f32], answers: &[u32]) -> Vec<f64> {
        let mut normed = vec![0.0; x.len()];
        norm(&self.final_norm, x, &mut normed);
        log_probability(&normed, &self.head, self.architecture.final_softcap, answers)
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
        let mut normed = vec![0.0; x.len()];
        norm(&self.final_norm, x, &mut normed);
        read_out(&normed, &self.head, self.architecture.final_softcap, wanted)
    }

    /// Logits after every token of a prompt.
    ///
    /// # Shapes
    /// `[ids.len(), d_vocab]`, row-major.
    ///
    /// # Errors
    /// When the prompt does not fit the model, or a logit is not finite.
    pub fn logits(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let x = self.final_states(ids)?;
        self.unembed(&x)
    }

    /// Logits after the last token of a prompt: `[d_vocab]`.
    ///
    /// # Errors
    /// When the prompt does not fit the model, or a logit is not finite.
    pub fn last_logits(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let x = self.final_states(ids)?;
        self.unembed(&x[x.len() - self.architecture.d_model..])
    }

    /// The same for several prompts, whose rows go through the blocks together; the numbers are those of each alone.
    ///
    /// # Errors
    /// Each prompt's own: as [`Model::last_logits`].
    pub fn last_logits_of(&self, prompts: &[&[u32]]) -> Vec<Result<Vec<f32>, ModelError>> {
        let checked: Vec<Result<(), ModelError>> = prompts.iter().map(|ids| self.check_prompt(ids)).collect();
        let fit: Vec<&[u32]> = prompts
            .iter()
            .zip(&checked)
            .filter(|(_, checked)| checked.is_ok())
            .map(|(ids, _)| *ids)
            .collect();
        let x = self.final_states_of(&fit);
        let d_model = self.architecture.d_model;
        let mut end = 0;
        let mut last = Vec::with_capacity(fit.len() * d_model);
        for ids in &fit {
            end += ids.len() * d_model;
            last.extend_from_slice(&x[end - d_model..end]);
        }
        let logits = self.logits_after(&last);
        let mut rows = logits.chunks_exact(self.architecture.d_vocab);
        let logits_of = |checked: Result<(), ModelError>| {
            checked?;
            match rows.next() {
                Some(row) if row.iter().all(|logit| logit.is_finite()) => Ok(row.to_vec()),
                _ => Err(ModelError::NotFinite),
            }
        };
        checked.into_iter().map(logits_of).collect()
    }

    fn final_states(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check_prompt(ids)?;
        Ok(self.final_states_of(&[ids]))
    }

    /// The last block's output for all tokens of some prompts that fit, one prompt after the other.
    fn final_states_of(&self, prompts: &[&[u32]]) -> Vec<f32> {
        let run = |ids: &&[u32]| Run { start: 0, len: ids.len(), prefix: Vec::new() };
        let runs: Vec<Run> = prompts.iter().map(run).collect();
        let mut x: Vec<f32> = prompts.iter().flat_map(|ids| self.embed(ids)).collect();
        self.enter(&mut x, runs.iter().flat_map(Run::positions));
        let rope = self.rope_table(runs.iter().map(|run| run.len).max().unwrap_or(0));
        let mut scratch = Scratch::default();
        for block in &self.blocks {
            block.forward(&mut x, &runs, rope.as_ref(), Threads::All, &mut scratch, &mut |_, _| {});
        }
        x
    }

    /// Logits after rows of the last block's output.
    ///
    /// # Shapes
    /// `x` `[rows, d_model]`; `[rows, d_vocab]`, row-major.
    ///
    /// # Errors
    /// When a logit is not finite.
    pub fn unembed(&self, x: &[f32]) -> Result<Vec<f32>, ModelError> {
        let logits = self.logits_after(x);
        if logits.iter().all(|logit| logit.is_finite()) { Ok(logits) } else { Err(ModelError::NotFinite) }
    }

    fn logits_after(&self, x: &[f32]) -> Vec<f32> {
        let mut normed = vec![0.0; x.len()];
        norm(&self.final_norm, x, &mut normed);
        let rows = x.len() / self.architecture.d_model;
        let mut logits = vec![0.0; rows * self.architecture.d_vocab];
        linear(&normed, &self.head, 0..self.architecture.d_vocab, &mut logits, Threads::All);
        if let Some(cap) = self.architecture.final_softcap {
            soft_cap(cap, &mut logits);
        }
        logits
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
