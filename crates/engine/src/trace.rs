//! The entry point: checks, baseline, and one of the engines.

use causal_trace_core::{
    Baseline, Direction, Engine, Method, Metric, MetricBaseline, Prompt, Sink, TraceConfig,
};
use causal_trace_lm::{Model, ModelError};

use crate::check::check_settings;
use crate::corrupt::{Draw, Embeddings};
use crate::measured::Measured;
use crate::naive::{self, Batch};
use crate::population::Moments;
use crate::readout::{Targets, predicted};
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
            Answer::Predicted => Ok(predicted(&clean_logits()?)),
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
    /// The token whose logit the answer's is compared with; without one the most probable other token of the
    /// corrupted runs.
    pub foil: Option<u32>,
    /// The prompt of the corrupted run, for [`Method::Counterpart`].
    pub counterpart: Option<&'a Prompt>,
}

impl<'a> Case<'a> {
    /// A prompt by itself.
    #[must_use]
    pub fn new(prompt: &'a Prompt, answer: Answer) -> Self {
        Case { prompt, answer, foil: None, counterpart: None }
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
    trace_case(model, Case::new(prompt, answer), config, sink)
}

/// The same for a case with a foil or a counterpart.
///
/// # Errors
/// As [`trace()`]; also when the counterpart is missing or does not align.
pub fn trace_case(
    model: &Model,
    case: Case<'_>,
    config: &TraceConfig,
    sink: &mut dyn Sink,
) -> Result<(), TraceError> {
    let measured = measure(model, &[case], config, &mut |done, total| sink.progress(done, total))?;
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
    pub case: Case<'a>,
    pub embeddings: Embeddings,
    /// What is measured of every run, once it is known.
    pub targets: Option<Targets>,
    /// Every metric of the clean run, then of each corrupted one: `[1 + samples, metrics]`.
    pub baseline: Vec<f32>,
    pub measured: Measured,
    fault: Option<TraceError>,
}

fn measure(
    model: &Model,
    cases: &[Case<'_>],
    config: &TraceConfig,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Result<Finished, TraceError>>, TraceError> {
    check_settings(model, config)?;
    let moments = moments(model, config)?;
    let mut batch: Vec<Measurement<'_>> = Vec::with_capacity(cases.len());
    let mut refused = Vec::with_capacity(cases.len());
    for &case in cases {
        match Measurement::new(model, case, config, moments.as_ref()) {
            Ok(measurement) => {
                batch.push(measurement);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    match config.engine {
        Engine::Wavefront => wavefront::sweep(model, &mut batch, config, progress)?,
        Engine::Naive => plain_loop(model, &mut batch, config, moments.as_ref(), progress)?,
    }
    let mut batch = batch.into_iter();
    // There is a measurement for every case that was not refused.
    let finished = refused.into_iter().filter_map(|refused| match refused {
        None => Some(batch.next()?.finish(model, config, moments.as_ref())),
        Some(error) => Some(Err(error)),
    });
    Ok(finished.collect())
}

/// The moments that the configured corruption follows.
pub(crate) fn moments(model: &Model, config: &TraceConfig) -> Result<Option<Moments>, TraceError> {
    config.corruption.population().map(|population| Moments::of(model, population)).transpose()
}

fn plain_loop(
    model: &Model,
    batch: &mut [Measurement<'_>],
    config: &TraceConfig,
    moments: Option<&Moments>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), TraceError> {
    let total = batch.iter().map(|prompt| prompt.measured.n_sites()).sum();
    let mut done = 0;
    for prompt in batch {
        let ids = &prompt.case.prompt.ids;
        prompt.find_targets(model, || model.last_logits(ids));
        let Some(targets) = &prompt.targets else { continue };
        let runs = Batch::new(model, &prompt.embeddings, config.direction, config.corruption.samples);
        let values = runs.run(model, &[], config, targets)?;
        let (sources, receivers) = runs.split(&values);
        let n_metrics = config.all_metrics().count();
        prompt.baseline = match config.direction {
            Direction::Denoise => [&sources[..n_metrics], receivers].concat(),
            Direction::Noise => [&receivers[..n_metrics], sources].concat(),
        };
        naive::sites(model, &runs, prompt.case, moments, config, targets, |site, values| {
            for (sample, values) in values.chunks_exact(n_metrics).enumerate() {
                prompt.measured.set_sample(site, sample, values);
            }
            done += 1;
            progress(done, total);
        })?;
    }
    Ok(())
}

impl<'a> Measurement<'a> {
    fn new(
        model: &Model,
        case: Case<'a>,
        config: &TraceConfig,
        moments: Option<&Moments>,
    ) -> Result<Self, TraceError> {
        let Case { prompt, counterpart, answer, foil } = case;
        model.check_prompt(&prompt.ids)?;
        counterpart.map_or(Ok(()), |counterpart| model.check_prompt(&counterpart.ids))?;
        let corruption = &config.corruption;
        let embeddings = Embeddings::new(model, prompt, counterpart, corruption, moments, Draw::SHARED)?;
        let targets = if Targets::depend_on_runs(&config.metrics) {
            let runs = Batch::new(model, &embeddings, Direction::Denoise, corruption.samples);
            let (rows, head) = runs.last_rows(model, &[])?;
            let logits = head.unembed(&rows)?;
            Some(Targets::of_runs(model, answer, foil, &config.metrics, &logits)?)
        } else {
            None
        };
        let n_metrics = config.all_metrics().count();
        Ok(Measurement {
            case,
            embeddings,
            targets,
            baseline: vec![f32::NAN; (1 + corruption.samples) * n_metrics],
            measured: Measured::new(config, prompt.seq_len(), model.architecture().n_layers),
            fault: None,
        })
    }

    /// Settles which token's probability is measured, the first time it is called.
    pub(crate) fn find_targets(
        &mut self,
        model: &Model,
        clean_logits: impl FnOnce() -> Result<Vec<f32>, ModelError>,
    ) {
        if self.targets.is_none() && self.fault.is_none() {
            match self.case.answer.id(model, clean_logits) {
                Ok(id) => self.targets = Some(Targets::answer(id)),
                Err(error) => self.fault = Some(error.into()),
            }
        }
    }

    /// The prompt's numbers, once all are there and finite.
    fn finish(
        self,
        model: &Model,
        config: &TraceConfig,
        moments: Option<&Moments>,
    ) -> Result<Finished, TraceError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        // Without targets nothing has been measured, and that is found below.
        let targets = self.targets.unwrap_or(Targets::answer(0));
        let (mut values, n_metrics) = (self.baseline, config.all_metrics().count());
        let corruption = &config.corruption;
        let has_faulty_baseline = matches!(
            corruption.method, Method::Noise { mode, baseline_mode, .. } if mode != baseline_mode
        );
        if has_faulty_baseline {
            let draw = Draw { baseline: true, ..Draw::SHARED };
            let Case { prompt, counterpart, .. } = self.case;
            let faulty = Embeddings::new(model, prompt, counterpart, corruption, moments, draw)?;
            let runs = Batch::new(model, &faulty, Direction::Denoise, corruption.samples);
            let faulty = runs.run(model, &[], config, &targets)?;
            values[n_metrics..].copy_from_slice(runs.split(&faulty).1);
        }
        let baseline = baseline(&values, config, &targets);
        check_baseline(&baseline)?;
        self.measured.check()?;
        Ok(Finished { baseline, measured: self.measured })
    }
}

/// The baseline of all metrics of the clean and the corrupted runs, `[1 + samples, metrics]`.
fn baseline(values: &[f32], config: &TraceConfig, targets: &Targets) -> Baseline {
    let n_metrics = config.all_metrics().count();
    let of = |metric: usize| -> (f32, Vec<f32>) {
        (values[metric], values[n_metrics + metric..].iter().step_by(n_metrics).copied().collect())
    };
    let others = config.all_metrics().enumerate().skip(1).map(|(index, metric)| {
        let (clean, corrupted) = of(index);
        MetricBaseline { metric, clean, corrupted }
    });
    let (clean, corrupted) = of(0);
    Baseline { answer_id: targets.answer, clean, corrupted, foil_id: targets.foil, others: others.collect() }
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
    let metrics =
        std::iter::once(Metric::Probability).chain(baseline.others.iter().map(|other| other.metric));
    let not_finite = |what: String| Err(TraceError::NotFinite { what });
    for (clean, corrupted) in metrics.filter_map(|metric| baseline.of(metric)) {
        if !clean.is_finite() {
            return not_finite("the clean prompt".to_owned());
        }
        if let Some(sample) = corrupted.iter().position(|value| !value.is_finite()) {
            return not_finite(format!("the corrupted prompt (sample {sample})"));
        }
    }
    Ok(())
}
