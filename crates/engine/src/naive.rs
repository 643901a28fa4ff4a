//! The plain loop: the whole model once per site. Short, and the yardstick of everything faster.

use causal_trace_core::{Component, Direction, Prompt, Site, TraceConfig};
use causal_trace_lm::kernels::{Run, Threads};
use causal_trace_lm::{Model, Scratch};

use crate::TraceError;
use crate::corrupt::Embeddings;
use crate::trace::{Answer, check};

/// One state that is copied: an activation of one layer at one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patch {
    /// Which activation.
    pub component: Component,
    /// Of which layer.
    pub layer: usize,
    /// At which token.
    pub token: usize,
}

/// The answer's probability of every sample's run with any number of states patched at once: what a grid
/// cannot ask for, such as several tokens, or mlp and attention together.
///
/// # Units
/// Probabilities of the answer's token after the last token of the prompt.
///
/// # Errors
/// As [`crate::trace()`]; also when a patch lies outside the model's layers or the prompt's tokens.
pub fn patched(
    model: &Model,
    prompt: &Prompt,
    answer: Answer,
    config: &TraceConfig,
    patches: &[Patch],
) -> Result<Vec<f32>, TraceError> {
    check(model, prompt, config)?;
    let answer_id = answer.id(model, || model.last_logits(&prompt.ids))?;
    let corruption = &config.corruption;
    let embeddings = Embeddings::new(model, prompt, corruption, corruption.mode);
    let batch = Batch::new(model, &embeddings, config.direction, corruption.samples);
    let probabilities = batch.run(model, patches, answer_id)?;
    let receivers = batch.split(&probabilities).1;
    match receivers.iter().position(|probability| !probability.is_finite()) {
        Some(sample) => {
            Err(TraceError::NotFinite { what: format!("{} states patched (sample {sample})", patches.len()) })
        }
        None => Ok(receivers.to_vec()),
    }
}

/// Whole runs side by side: those that states are taken from, then one for each sample that receives them.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// First block's input, `[(n_sources + n_samples) · seq_len, d_model]`.
    start: Vec<f32>,
    n_sources: usize,
    n_samples: usize,
    seq_len: usize,
}

impl Batch {
    /// Denoising: one clean source, corrupted receivers. Noising: corrupted sources, clean receivers.
    pub(crate) fn new(
        model: &Model,
        embeddings: &Embeddings,
        direction: Direction,
        n_samples: usize,
    ) -> Self {
        let seq_len = embeddings.clean.len() / embeddings.d_model;
        let corrupted = || (0..n_samples).flat_map(|sample| embeddings.corrupted_from(sample, 0));
        let clean = |copies: usize| std::iter::repeat_n(&embeddings.clean, copies).flatten().copied();
        let (n_sources, mut start): (usize, Vec<f32>) = match direction {
            Direction::Denoise => (1, clean(1).chain(corrupted()).collect()),
            Direction::Noise => (n_samples, corrupted().chain(clean(n_samples)).collect()),
        };
        model.enter(&mut start, (0..seq_len).cycle());
        Batch { start, n_sources, n_samples, seq_len }
    }

    /// The answer's probability of every run, sources first, with some states of each source copied into its
    /// receivers.
    ///
    /// # Errors
    /// When a patch did not reach its site in every receiver.
    pub(crate) fn run(&self, model: &Model, patches: &[Patch], answer: u32) -> Result<Vec<f32>, TraceError> {
        let d_model = model.architecture().d_model;
        let row = |run: usize, token: usize| (run * self.seq_len + token) * d_model;
        let run = Run { start: 0, len: self.seq_len, prefix: Vec::new() };
        let runs = vec![run; self.n_sources + self.n_samples];
        let rope = model.rope_table(self.seq_len);
        let mut hits = vec![0; patches.len()];
        let mut restore = |layer: usize, component: Component, states: &mut [f32]| {
            let here = |patch: &Patch| {
                patch.layer == layer && patch.component == component && patch.token < self.seq_len
            };
            for (patch, hits) in patches.iter().zip(&mut hits).filter(|(patch, _)| here(patch)) {
                for sample in 0..self.n_samples {
                    let source = row(sample % self.n_sources, patch.token);
                    let receiver = row(self.n_sources + sample, patch.token);
                    states.copy_within(source..source + d_model, receiver);
                    *hits += 1;
                }
            }
        };
        let mut x = self.start.clone();
        let mut scratch = Scratch::default();
        for (layer, block) in model.blocks().iter().enumerate() {
            let mut edit = |component: Component, states: &mut [f32]| restore(layer, component, states);
            block.forward(&mut x, &runs, rope.as_ref(), Threads::All, &mut scratch, &mut edit);
            restore(layer, Component::Residual, &mut x);
        }
        if let Some((patch, &hits)) = patches.iter().zip(&hits).find(|&(_, &hits)| hits != self.n_samples) {
            let site = Site { component: patch.component, layer: patch.layer, token: patch.token };
            return Err(TraceError::PatchMissed { site, hits, expected: self.n_samples });
        }
        let last_rows: Vec<f32> = (0..runs.len())
            .flat_map(|run| &x[row(run, self.seq_len - 1)..row(run + 1, 0)])
            .copied()
            .collect();
        let logs = model.answer_log_probability(&last_rows, &vec![answer; runs.len()]);
        Ok(logs.into_iter().map(|log| log.exp() as f32).collect())
    }

    /// The sources' probabilities and the receivers', split.
    pub(crate) fn split<'a>(&self, probabilities: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        probabilities.split_at(self.n_sources)
    }
}

/// Every site of the configured grids, one after the other.
pub(crate) fn sites(
    model: &Model,
    batch: &Batch,
    config: &TraceConfig,
    answer: u32,
    mut measured: impl FnMut(Site, &[f32]),
) -> Result<(), TraceError> {
    let n_layers = model.architecture().n_layers;
    for &component in &config.components {
        for token in 0..batch.seq_len {
            for layer in 0..n_layers {
                let patches: Vec<Patch> = config
                    .window_of(component, layer, n_layers)
                    .map(|layer| Patch { component, layer, token })
                    .collect();
                let probabilities = batch.run(model, &patches, answer)?;
                measured(Site { component, layer, token }, batch.split(&probabilities).1);
            }
        }
    }
    Ok(())
}
