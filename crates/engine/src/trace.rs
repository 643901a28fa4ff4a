//! The entry point: checks, baseline, and one of the engines.

use causal_trace_core::{
    Baseline, Component, Direction, Engine, Grid, NoiseStream, Prompt, Sink, Site, TraceConfig,
};
use causal_trace_lm::{Model, ModelError, top_predictions};

use crate::corrupt::Embeddings;
use crate::naive::{self, Batch};
use crate::{TraceError, wavefront};

/// Whose probability is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The model's own top prediction after the clean prompt.
    Predicted,
    /// This token.
    Token(u32),
}

impl Answer {
    /// The token's id, given how to get the logits after the clean prompt.
    pub(crate) fn id(
        self,
        model: &Model,
        clean_logits: impl FnOnce() -> Result<Vec<f32>, ModelError>,
    ) -> Result<u32, ModelError> {
        let d_vocab = model.architecture().d_vocab;
        match self {
            Answer::Predicted => Ok(top_predictions(&clean_logits()?, 1)[0].0),
            Answer::Token(id) if (id as usize) < d_vocab => Ok(id),
            Answer::Token(id) => Err(ModelError::TokenOutside { id, d_vocab }),
        }
    }
}

/// Traces one prompt: the clean run, the corrupted run, and every patched run of the configured grids.
///
/// The sink receives the baseline, then every site exactly once.
///
/// # Units
/// Probabilities of the answer's token after the last token of the prompt.
///
/// # Errors
/// When the prompt does not fit the model, a setting is outside its range, or a probability is not finite.
/// Nothing has been given to the sink then.
///
/// # References
/// Meng et al. 2022, §2.1 and appendix B.
pub fn trace(
    model: &Model,
    prompt: &Prompt,
    answer: Answer,
    config: &TraceConfig,
    sink: &mut dyn Sink,
) -> Result<(), TraceError> {
    check(model, prompt, config)?;
    let corruption = &config.corruption;
    let embeddings = Embeddings::new(model, prompt, corruption, corruption.mode);
    let mut measured = Measured::new(config, prompt.seq_len(), model.architecture().n_layers);
    let mut baseline = match config.engine {
        Engine::Wavefront => wavefront::sweep(model, &embeddings, config, answer, &mut measured, sink)?,
        Engine::Naive => {
            let answer_id = answer.id(model, || model.last_logits(&prompt.ids))?;
            plain_loop(model, &embeddings, config, answer_id, &mut measured, sink)?
        }
    };
    if corruption.baseline_mode != corruption.mode {
        let faulty = Embeddings::new(model, prompt, corruption, corruption.baseline_mode);
        let batch = Batch::new(model, &faulty, Direction::Denoise, corruption.samples);
        baseline.corrupted = batch.split(&batch.run(model, &[], baseline.answer_id)?).1.to_vec();
    }
    check_baseline(&baseline)?;
    measured.check()?;
    sink.baseline(&baseline);
    measured.give(sink);
    Ok(())
}

pub(crate) fn check(model: &Model, prompt: &Prompt, config: &TraceConfig) -> Result<(), TraceError> {
    model.check_prompt(&prompt.ids)?;
    let (span, seq_len) = (prompt.subject_span, prompt.seq_len());
    if span.is_empty() || span.end > seq_len {
        return Err(TraceError::EmptySpan { start: span.start, end: span.end, seq_len });
    }
    let wrong = |what, value: String, expected| Err(TraceError::Setting { what, value, expected });
    let corruption = &config.corruption;
    if corruption.samples == 0 {
        return wrong("samples", "0".to_owned(), "at least 1");
    }
    if config.window.width == 0 {
        return wrong("window", "0".to_owned(), "at least 1");
    }
    if corruption.stream == NoiseStream::Rome && corruption.seed > u64::from(u32::MAX) {
        return wrong(
            "seed",
            corruption.seed.to_string(),
            "below 2^32 for the noise stream of rome, as in NumPy",
        );
    }
    let twice = |component| config.components.iter().filter(|&&other| other == component).count() > 1;
    if let Some(component) = config.components.iter().find(|&&component| twice(component)) {
        return wrong("components", format!("{component} twice"), "a list without repetition");
    }
    if !(corruption.level.is_finite() && corruption.level >= 0.0) {
        return wrong("noise level", corruption.level.to_string(), "a finite number of at least 0");
    }
    Ok(())
}

fn plain_loop(
    model: &Model,
    embeddings: &Embeddings,
    config: &TraceConfig,
    answer: u32,
    measured: &mut Measured,
    sink: &mut dyn Sink,
) -> Result<Baseline, TraceError> {
    let n_samples = config.corruption.samples;
    let batch = Batch::new(model, embeddings, config.direction, n_samples);
    let probabilities = batch.run(model, &[], answer)?;
    let (sources, receivers) = batch.split(&probabilities);
    let (clean, corrupted) = match config.direction {
        Direction::Denoise => (sources[0], receivers.to_vec()),
        Direction::Noise => (receivers[0], sources.to_vec()),
    };
    let total = measured.n_sites();
    let mut done = 0;
    naive::sites(model, &batch, config, answer, |site, samples| {
        measured.set(site, samples);
        done += 1;
        sink.progress(done, total);
    })?;
    Ok(Baseline { answer_id: answer, clean, corrupted })
}

fn check_baseline(baseline: &Baseline) -> Result<(), TraceError> {
    let not_finite = |what: String| Err(TraceError::NotFinite { what });
    if !baseline.clean.is_finite() {
        return not_finite("the clean prompt".to_owned());
    }
    match baseline.corrupted.iter().position(|probability| !probability.is_finite()) {
        Some(sample) => not_finite(format!("the corrupted prompt (sample {sample})")),
        None => Ok(()),
    }
}

/// What the engines have measured so far; a value that was never set stays `NaN` and is found by `check`.
pub(crate) struct Measured {
    grids: Vec<Grid>,
    set: Vec<Vec<bool>>,
}

impl Measured {
    fn new(config: &TraceConfig, seq_len: usize, n_layers: usize) -> Self {
        let n_samples = config.corruption.samples;
        let grid = |&component: &Component| Grid::unmeasured(component, seq_len, n_layers, n_samples);
        let grids: Vec<Grid> = config.components.iter().map(grid).collect();
        let set = grids.iter().map(|grid| vec![false; grid.samples.len()]).collect();
        Measured { grids, set }
    }

    fn n_sites(&self) -> usize {
        self.grids.iter().map(|grid| grid.seq_len * grid.n_layers).sum()
    }

    fn set(&mut self, site: Site, samples: &[f32]) {
        for (sample, &probability) in samples.iter().enumerate() {
            self.set_sample(site, sample, probability);
        }
    }

    pub(crate) fn set_sample(&mut self, site: Site, sample: usize, probability: f32) {
        for (grid, set) in self.grids.iter_mut().zip(&mut self.set) {
            if grid.component == site.component {
                let place = (site.token * grid.n_layers + site.layer) * grid.n_samples + sample;
                grid.samples[place] = probability;
                set[place] = true;
            }
        }
    }

    fn check(&self) -> Result<(), TraceError> {
        for (grid, set) in self.grids.iter().zip(&self.set) {
            for (place, (&set, probability)) in set.iter().zip(&grid.samples).enumerate() {
                let (cell, sample) = (place / grid.n_samples, place % grid.n_samples);
                let (token, layer) = (cell / grid.n_layers, cell % grid.n_layers);
                let site = Site { component: grid.component, layer, token };
                if !set {
                    return Err(TraceError::Unmeasured { site });
                }
                if !probability.is_finite() {
                    return Err(TraceError::NotFinite { what: format!("{site} patched (sample {sample})") });
                }
            }
        }
        Ok(())
    }

    fn give(&self, sink: &mut dyn Sink) {
        for grid in &self.grids {
            for token in 0..grid.seq_len {
                for layer in 0..grid.n_layers {
                    sink.patched(Site { component: grid.component, layer, token }, grid.at(token, layer));
                }
            }
        }
    }
}
