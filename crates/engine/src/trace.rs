//! The entry point: checks, baseline, and one of the engines.

use std::ops::ControlFlow;

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
/// The sink receives the baseline, then every site exactly once: all at the end, or in several steps, see
/// [`TraceConfig::steps`].
///
/// # Units
/// Probabilities of the answer's token after the last token of the prompt.
///
/// # Errors
/// When the prompt does not fit the model, a setting is outside its range, a probability is not finite, or the sink asks
/// for an end. Nothing has been given to the sink then, but for what came in earlier steps.
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
    measure(model, &[case], config, &mut One(sink))?.into_iter().collect()
}

/// Traces several prompts together: their rows go through each layer in the same matrix products. The numbers are
/// those of [`trace()`], to the bit.
///
/// One result for each prompt; a prompt that cannot be traced does not keep the others from it. `progress` is
/// called with how far the batch is, in units of the engine's choice; `Break` ends it.
///
/// # Errors
/// When a setting is outside its range, or `progress` asks for an end.
///
/// # Panics
/// When there is not one sink for each case.
pub fn trace_batch<S: Sink>(
    model: &Model,
    cases: &[Case<'_>],
    config: &TraceConfig,
    sinks: &mut [S],
    progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Result<(), TraceError>>, TraceError> {
    assert_eq!(cases.len(), sinks.len(), "one sink for each case");
    measure(model, cases, config, &mut Many { sinks, progress })
}

/// Who is told how far the work is, and receives each case's numbers.
trait Receiver {
    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()>;
    fn sink(&mut self, case: usize) -> &mut dyn Sink;
}

struct One<'a>(&'a mut dyn Sink);

impl Receiver for One<'_> {
    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.0.progress(done, total)
    }

    fn sink(&mut self, _case: usize) -> &mut dyn Sink {
        self.0
    }
}

struct Many<'a, S> {
    sinks: &'a mut [S],
    progress: &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>,
}

impl<S: Sink> Receiver for Many<'_, S> {
    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        (self.progress)(done, total)
    }

    fn sink(&mut self, case: usize) -> &mut dyn Sink {
        &mut self.sinks[case]
    }
}

/// What an engine works for: where it tells how far it is, and what it has measured.
pub(crate) struct Delivery<'a> {
    model: &'a Model,
    config: &'a TraceConfig,
    moments: Option<&'a Moments>,
    receiver: &'a mut dyn Receiver,
}

impl Delivery<'_> {
    /// Tells how far the work is.
    ///
    /// # Errors
    /// When it is to end.
    pub(crate) fn progress(&mut self, done: usize, total: usize) -> Result<(), TraceError> {
        match self.receiver.progress(done, total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(TraceError::Cancelled),
        }
    }

    /// Gives what has been completed of a prompt whose clean and corrupted runs are all measured.
    pub(crate) fn give(&mut self, prompt: &mut Measurement<'_>) {
        if prompt.fault.is_none()
            && let Err(fault) = self.try_give(prompt)
        {
            prompt.fault = Some(fault);
        }
    }

    fn try_give(&mut self, prompt: &mut Measurement<'_>) -> Result<(), TraceError> {
        let baseline = match prompt.has_baseline {
            true => None,
            false => Some(prompt.final_baseline(self.model, self.config, self.moments)?),
        };
        let new = prompt.measured.complete()?;
        let sink = self.receiver.sink(prompt.place);
        if let Some(baseline) = baseline {
            sink.baseline(&baseline);
            prompt.has_baseline = true;
        }
        prompt.measured.give(&new, sink);
        Ok(())
    }
}

/// What an engine is to measure for one prompt, and what it has measured so far.
pub(crate) struct Measurement<'a> {
    /// Its place among the cases.
    place: usize,
    pub case: Case<'a>,
    pub embeddings: Embeddings,
    /// What is measured of every run, once it is known.
    pub targets: Option<Targets>,
    /// Every metric of the clean run, then of each corrupted one: `[1 + samples, metrics]`.
    pub baseline: Vec<f32>,
    pub measured: Measured,
    /// Whether the sink has the baseline.
    has_baseline: bool,
    fault: Option<TraceError>,
}

fn measure(
    model: &Model,
    cases: &[Case<'_>],
    config: &TraceConfig,
    receiver: &mut dyn Receiver,
) -> Result<Vec<Result<(), TraceError>>, TraceError> {
    check_settings(model, config)?;
    let moments = moments(model, config)?;
    let mut batch: Vec<Measurement<'_>> = Vec::with_capacity(cases.len());
    let mut refused = Vec::with_capacity(cases.len());
    for (place, &case) in cases.iter().enumerate() {
        match Measurement::new(model, place, case, config, moments.as_ref()) {
            Ok(measurement) => {
                batch.push(measurement);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    let mut delivery = Delivery { model, config, moments: moments.as_ref(), receiver };
    match config.engine {
        Engine::Wavefront => wavefront::sweep(model, &mut batch, config, &mut delivery)?,
        Engine::Naive => plain_loop(model, &mut batch, config, &mut delivery)?,
    }
    let mut batch = batch.into_iter();
    // There is a measurement for every case that was not refused.
    let finished = refused.into_iter().filter_map(|refused| match refused {
        None => Some(batch.next()?.finish()),
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
    delivery: &mut Delivery<'_>,
) -> Result<(), TraceError> {
    let total: usize = batch.iter().map(|prompt| prompt.measured.n_sites()).sum();
    tracing::debug!(prompts = batch.len(), sites = total, "plain loop begun");
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
        let (case, targets) = (prompt.case, targets.clone());
        // As many sites in each step.
        let in_step = prompt.measured.n_sites().div_ceil(config.steps.max(1));
        let mut new = 0;
        naive::sites(model, &runs, case, delivery.moments, config, &targets, |site, values| {
            for (sample, values) in values.chunks_exact(n_metrics).enumerate() {
                prompt.measured.set_sample(site, sample, values);
            }
            new += 1;
            if new == in_step {
                delivery.give(prompt);
                new = 0;
            }
            done += 1;
            delivery.progress(done, total)
        })?;
        delivery.give(prompt);
    }
    Ok(())
}

impl<'a> Measurement<'a> {
    fn new(
        model: &Model,
        place: usize,
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
            place,
            case,
            embeddings,
            targets,
            baseline: vec![f32::NAN; (1 + corruption.samples) * n_metrics],
            measured: Measured::new(config, prompt.seq_len(), model.architecture().n_layers),
            has_baseline: false,
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

    /// The baseline as it is reported, once all of it is measured.
    fn final_baseline(
        &self,
        model: &Model,
        config: &TraceConfig,
        moments: Option<&Moments>,
    ) -> Result<Baseline, TraceError> {
        // Without targets nothing has been measured, and that is found below.
        let targets = self.targets.clone().unwrap_or(Targets::answer(0));
        let (mut values, n_metrics) = (self.baseline.clone(), config.all_metrics().count());
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
        Ok(baseline)
    }

    /// Whether all of its numbers were given.
    fn finish(self) -> Result<(), TraceError> {
        self.fault.map_or_else(|| self.measured.check_given(), Err)
    }
}

/// The baseline of all metrics of the clean and the corrupted runs, `[1 + samples, metrics]`.
pub(crate) fn baseline(values: &[f32], config: &TraceConfig, targets: &Targets) -> Baseline {
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

/// Whether all its numbers are finite.
pub(crate) fn check_baseline(baseline: &Baseline) -> Result<(), TraceError> {
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
