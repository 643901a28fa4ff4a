//! The plain loop: the whole model once per site. Short, and the yardstick of everything faster.

use std::sync::Arc;

use causal_trace_core::{Component, Direction, Prompt, Site, TraceConfig};
use causal_trace_lm::kernels::{Run, Threads};
use causal_trace_lm::{Head, Model, Scratch};

use crate::TraceError;
use crate::check::check;
use crate::corrupt::{Draw, Embeddings};
use crate::population::Moments;
use crate::readout::{self, Targets};
use crate::trace::{Answer, Case, moments};

/// One state that is copied: an activation of one layer at one token. A severed component stands for the restored
/// residual state together with the outputs that are held in every layer.
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
    patched_case(model, Case::new(prompt, answer), config, patches)
}

/// The same for a case with a counterpart.
///
/// # Errors
/// As [`patched`]; also when the counterpart is missing or does not align.
pub fn patched_case(
    model: &Model,
    case: Case<'_>,
    config: &TraceConfig,
    patches: &[Patch],
) -> Result<Vec<f32>, TraceError> {
    let Case { prompt, counterpart, answer, .. } = case;
    check(model, prompt, config)?;
    let targets = Targets::answer(answer.id(model, || model.last_logits(&prompt.ids))?);
    let (corruption, moments) = (&config.corruption, moments(model, config)?);
    let embeddings = Embeddings::new(model, prompt, counterpart, corruption, moments.as_ref(), Draw::SHARED)?;
    let batch = Batch::new(model, &embeddings, config.direction, corruption.samples);
    let config = TraceConfig { metrics: Vec::new(), ..config.clone() };
    let probabilities = batch.run(model, patches, &config, &targets)?;
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

/// A state that is copied from one run of a batch to another.
#[derive(Debug, Clone, Copy)]
struct Copy {
    patch: Patch,
    /// From the receiver's own run as it is without patches, instead of from its source.
    from_base: bool,
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

    /// Every metric of every run, sources first, with some states of each source copied into its receivers:
    /// `[n_sources + n_samples, metrics]`.
    ///
    /// # Errors
    /// When a patch did not reach its site in every receiver, or the model is streamed and cannot be read.
    pub(crate) fn run(
        &self,
        model: &Model,
        patches: &[Patch],
        config: &TraceConfig,
        targets: &Targets,
    ) -> Result<Vec<f32>, TraceError> {
        let (rows, head) = self.last_rows(model, patches)?;
        let targets = vec![targets; self.n_sources + self.n_samples];
        Ok(readout::measure(&head, config, &rows, &targets))
    }

    /// The last block's output at the last token of every run, `[n_sources + n_samples, d_model]`; and the head.
    ///
    /// # Errors
    /// As [`Batch::run`].
    pub(crate) fn last_rows(
        &self,
        model: &Model,
        patches: &[Patch],
    ) -> Result<(Vec<f32>, Arc<Head>), TraceError> {
        let d_model = model.architecture().d_model;
        let copies = copies(patches, model.architecture().n_layers);
        // Severed tracing needs the receivers as they are without patches; they stand behind the others.
        let n_bases = if copies.iter().any(|copy| copy.from_base) { self.n_samples } else { 0 };
        let n_runs = self.n_sources + self.n_samples;
        let row = |run: usize, token: usize| (run * self.seq_len + token) * d_model;
        let run = Run { start: 0, len: self.seq_len, prefix: Vec::new() };
        let runs = vec![run; n_runs + n_bases];
        let rope = model.rope_table(self.seq_len);
        let mut hits = vec![0; copies.len()];
        let mut restore = |layer: usize, component: Component, states: &mut [f32]| {
            let here = |patch: &Patch| {
                patch.layer == layer && patch.component == component && patch.token < self.seq_len
            };
            for (copy, hits) in copies.iter().zip(&mut hits).filter(|(copy, _)| here(&copy.patch)) {
                for sample in 0..self.n_samples {
                    let from = if copy.from_base { n_runs + sample } else { sample % self.n_sources };
                    let source = row(from, copy.patch.token);
                    let receiver = row(self.n_sources + sample, copy.patch.token);
                    states.copy_within(source..source + d_model, receiver);
                    *hits += 1;
                }
            }
        };
        let mut x = self.start.clone();
        x.extend_from_within(row(n_runs - n_bases, 0)..row(n_runs, 0));
        let mut scratch = Scratch::default();
        let mut layers = model.layers()?;
        for (layer, block) in layers.by_ref().enumerate() {
            let block = block?;
            restore(layer, Component::ResidPre, &mut x);
            let mut edit = |component: Component, states: &mut [f32]| restore(layer, component, states);
            block.forward(&mut x, &runs, rope.as_ref(), Threads::All, &mut scratch, &mut edit);
            restore(layer, Component::Residual, &mut x);
        }
        if let Some((copy, &hits)) = copies.iter().zip(&hits).find(|&(_, &hits)| hits != self.n_samples) {
            let Patch { component, layer, token } = copy.patch;
            let site = Site { component, layer, token };
            return Err(TraceError::PatchMissed { site, hits, expected: self.n_samples });
        }
        let last = (0..n_runs).flat_map(|run| &x[row(run, self.seq_len - 1)..row(run + 1, 0)]);
        Ok((last.copied().collect(), layers.head()?))
    }

    /// The sources' values and the receivers', split.
    pub(crate) fn split<'a>(&self, values: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        values.split_at(values.len() / (self.n_sources + self.n_samples) * self.n_sources)
    }
}

/// What is copied for some patches.
fn copies(patches: &[Patch], n_layers: usize) -> Vec<Copy> {
    let mut copies = Vec::with_capacity(patches.len());
    for &patch in patches {
        let Some(held) = patch.component.severed() else {
            copies.push(Copy { patch, from_base: false });
            continue;
        };
        copies.push(Copy { patch: Patch { component: Component::Residual, ..patch }, from_base: false });
        let held = |layer| Patch { component: held, layer, token: patch.token };
        copies.extend((0..n_layers).map(|layer| Copy { patch: held(layer), from_base: true }));
    }
    copies
}

/// Every site of the configured grids, one after the other; `measured` receives its values, `[samples, metrics]`.
pub(crate) fn sites(
    model: &Model,
    batch: &Batch,
    case: Case<'_>,
    moments: Option<&Moments>,
    config: &TraceConfig,
    targets: &Targets,
    mut measured: impl FnMut(Site, &[f32]) -> Result<(), TraceError>,
) -> Result<(), TraceError> {
    let (n_layers, corruption) = (model.architecture().n_layers, &config.corruption);
    let mut purpose = 0;
    for &component in &config.components {
        for token in 0..batch.seq_len {
            for layer in 0..n_layers {
                purpose += 1;
                let mut own = None;
                if corruption.fresh_for_each_site {
                    let Case { prompt, counterpart, .. } = case;
                    let draw = Draw { purpose, ..Draw::SHARED };
                    let drawn = Embeddings::new(model, prompt, counterpart, corruption, moments, draw)?;
                    own = Some(Batch::new(model, &drawn, config.direction, corruption.samples));
                }
                let batch = own.as_ref().unwrap_or(batch);
                let patches: Vec<Patch> = config
                    .window_of(component, layer, n_layers)
                    .map(|layer| Patch { component, layer, token })
                    .collect();
                let values = batch.run(model, &patches, config, targets)?;
                measured(Site { component, layer, token }, batch.split(&values).1)?;
            }
        }
    }
    Ok(())
}
