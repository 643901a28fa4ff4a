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

/// A prompt to be traced, and whose probability is measured.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The prompt.
    pub prompt: &'a Prompt,
    /// Whose probability.
    pub answer: Answer,
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
    let cases = [Case { prompt, answer }];
    let measured = measure(model, &cases, config, &mut |done, total| sink.progress(done, total))?;
    measured.into_iter().try_for_each(|measured| {
        measured?.give(sink);
        Ok(())
    })
}

/// Traces several prompts together: their rows go through each layer in the same matrix products. The numbers are
/// those of [`trace()`], to the bit.
///
/// One result for each prompt; a prompt that cannot be traced does not keep the others from it. `progress` is
/// called with how far the batch is, in units of the engine's choice.
///
/// # Errors
/// When a setting is outside its range.
///
/// # Panics
/// When there is not one sink for each case.
pub fn trace_batch<S: Sink>(
    model: &Model,
    cases: &[Case<'_>],
    config: &TraceConfig,
    sinks: &mut [S],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Result<(), TraceError>>, TraceError> {
    assert_eq!(cases.len(), sinks.len(), "one sink for each case");
    let measured = measure(model, cases, config, progress)?;
    let given = measured.into_iter().zip(sinks).map(|(measured, sink)| {
        measured?.give(sink);
        Ok(())
    });
    Ok(given.collect())
}

/// What an engine is to measure for one prompt, and what it has measured so far.
pub(crate) struct Measurement<'a> {
    pub prompt: &'a Prompt,
    answer: Answer,
    pub embeddings: Embeddings,
    /// The token whose probability is measured, once it is known.
    pub answer_id: Option<u32>,
    /// Its probability in the clean run, then in each corrupted one.
    pub probabilities: Vec<f32>,
    pub measured: Measured,
    fault: Option<TraceError>,
}

fn measure(
    model: &Model,
    cases: &[Case<'_>],
    config: &TraceConfig,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Result<Finished, TraceError>>, TraceError> {
    check_settings(config)?;
    let checked: Vec<Result<(), TraceError>> =
        cases.iter().map(|case| check_prompt(model, case.prompt)).collect();
    let fit = cases.iter().zip(&checked).filter(|(_, checked)| checked.is_ok());
    let mut batch: Vec<Measurement<'_>> =
        fit.map(|(case, _)| Measurement::new(model, *case, config)).collect();
    match config.engine {
        Engine::Wavefront => wavefront::sweep(model, &mut batch, config, progress)?,
        Engine::Naive => plain_loop(model, &mut batch, config, progress)?,
    }
    let mut batch = batch.into_iter();
    // There is a measurement for every prompt that was found to fit.
    let finished = checked.into_iter().filter_map(|checked| match checked {
        Ok(()) => Some(batch.next()?.finish(model, config)),
        Err(error) => Some(Err(error)),
    });
    Ok(finished.collect())
}

pub(crate) fn check(model: &Model, prompt: &Prompt, config: &TraceConfig) -> Result<(), TraceError> {
    check_prompt(model, prompt)?;
    check_settings(config)
}

fn check_prompt(model: &Model, prompt: &Prompt) -> Result<(), TraceError> {
    model.check_prompt(&prompt.ids)?;
    let (span, seq_len) = (prompt.subject_span, prompt.seq_len());
    if span.is_empty() || span.end > seq_len {
        return Err(TraceError::EmptySpan { start: span.start, end: span.end, seq_len });
    }
    Ok(())
}

fn check_settings(config: &TraceConfig) -> Result<(), TraceError> {
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
    batch: &mut [Measurement<'_>],
    config: &TraceConfig,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), TraceError> {
    let total = batch.iter().map(|prompt| prompt.measured.n_sites()).sum();
    let mut done = 0;
    for prompt in batch {
        let ids = &prompt.prompt.ids;
        prompt.find_answer(model, || model.last_logits(ids));
        let Some(answer) = prompt.answer_id else { continue };
        let runs = Batch::new(model, &prompt.embeddings, config.direction, config.corruption.samples);
        let probabilities = runs.run(model, &[], answer)?;
        let (sources, receivers) = runs.split(&probabilities);
        prompt.probabilities = match config.direction {
            Direction::Denoise => [&sources[..1], receivers].concat(),
            Direction::Noise => [&receivers[..1], sources].concat(),
        };
        naive::sites(model, &runs, config, answer, |site, samples| {
            prompt.measured.set(site, samples);
            done += 1;
            progress(done, total);
        })?;
    }
    Ok(())
}

impl<'a> Measurement<'a> {
    fn new(model: &Model, case: Case<'a>, config: &TraceConfig) -> Self {
        let Case { prompt, answer } = case;
        let corruption = &config.corruption;
        Measurement {
            prompt,
            answer,
            embeddings: Embeddings::new(model, prompt, corruption, corruption.mode),
            answer_id: None,
            probabilities: vec![f32::NAN; 1 + corruption.samples],
            measured: Measured::new(config, prompt.seq_len(), model.architecture().n_layers),
            fault: None,
        }
    }

    /// Settles which token's probability is measured, the first time it is called.
    pub(crate) fn find_answer(
        &mut self,
        model: &Model,
        clean_logits: impl FnOnce() -> Result<Vec<f32>, ModelError>,
    ) {
        if self.answer_id.is_none() && self.fault.is_none() {
            match self.answer.id(model, clean_logits) {
                Ok(id) => self.answer_id = Some(id),
                Err(error) => self.fault = Some(error.into()),
            }
        }
    }

    /// The prompt's numbers, once all are there and finite.
    fn finish(self, model: &Model, config: &TraceConfig) -> Result<Finished, TraceError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        // Without an answer there are no probabilities, and that is found below.
        let answer_id = self.answer_id.unwrap_or_default();
        let (clean, corrupted) = (self.probabilities[0], self.probabilities[1..].to_vec());
        let mut baseline = Baseline { answer_id, clean, corrupted };
        let corruption = &config.corruption;
        if corruption.baseline_mode != corruption.mode {
            let faulty = Embeddings::new(model, self.prompt, corruption, corruption.baseline_mode);
            let runs = Batch::new(model, &faulty, Direction::Denoise, corruption.samples);
            baseline.corrupted = runs.split(&runs.run(model, &[], answer_id)?).1.to_vec();
        }
        check_baseline(&baseline)?;
        self.measured.check()?;
        Ok(Finished { baseline, measured: self.measured })
    }
}

/// All numbers of a prompt, found to be there and finite.
struct Finished {
    baseline: Baseline,
    measured: Measured,
}

impl Finished {
    fn give(&self, sink: &mut dyn Sink) {
        sink.baseline(&self.baseline);
        self.measured.give(sink);
    }
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
