//! Clean and corrupted runs alone, with the noise at several levels: what is lost before anything is restored.

use std::ops::{ControlFlow, Range};

use causal_trace_core::{Baseline, Corruption, Method, TraceConfig};
use causal_trace_lm::{Model, Scratch};
use rayon::prelude::*;

use crate::TraceError;
use crate::check::check_settings;
use crate::corrupt::{Draw, Embeddings, corrupted_span};
use crate::population::Moments;
use crate::readout::{self, Targets};
use crate::trace::{Case, baseline, check_baseline, moments};
use crate::trunk::{Trunk, TrunkLayer};

/// Rows that go through a block together, about: as many as a task of the wavefront has at most.
const ROWS: usize = 384;

/// The baselines of several prompts with the configured noise at several levels, and no patched run. Every level has
/// the same draws, so that levels differ in their scale only; each baseline has the bits that [`trace()`](crate::trace())
/// gives at its level.
///
/// One result for each prompt, with a baseline for each level. The runs of all prompts and levels pass through a layer
/// together, as far as the configured memory allows. Components, windows and the engine do not matter. `progress` is
/// called with how far the work is; `Break` ends it.
///
/// # Errors
/// When the corruption is not noise, a setting is outside its range, a metric compares with another run, the files of
/// a streamed model cannot be read, or `progress` asks for an end.
pub fn baselines(
    model: &Model,
    cases: &[Case<'_>],
    config: &TraceConfig,
    levels: &[f64],
    progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Result<Vec<Baseline>, TraceError>>, TraceError> {
    let corruptions: Vec<Corruption> =
        levels.iter().map(|&level| at_level(&config.corruption, level)).collect::<Result<_, _>>()?;
    for corruption in &corruptions {
        check_settings(model, &TraceConfig { corruption: corruption.clone(), ..config.clone() })?;
    }
    if Targets::depend_on_runs(&config.metrics) {
        let value = config.metrics.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let expected = "probability, log_probability, logit or rank where nothing is restored";
        return Err(TraceError::Setting { what: "metric", value, expected });
    }
    let moments = moments(model, config)?;
    let measuring = Measuring { model, config, corruptions: &corruptions, moments: moments.as_ref() };
    let mut prompts: Vec<Prompt<'_>> = cases.iter().map(|&case| measuring.prompt(case)).collect();
    let walks = measuring.walks(&prompts);
    let n_layers = model.architecture().n_layers;
    for (index, walk) in walks.iter().enumerate() {
        measuring.walk(walk, &mut prompts, &mut |layer| match progress(
            index * n_layers + layer,
            walks.len() * n_layers,
        ) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(TraceError::Cancelled),
        })?;
    }
    Ok(prompts.into_iter().map(|prompt| measuring.finish(prompt)).collect())
}

/// The same noise with another size.
fn at_level(corruption: &Corruption, level: f64) -> Result<Corruption, TraceError> {
    match &corruption.method {
        Method::Noise { distribution, mode, baseline_mode, .. } => {
            let (mode, baseline_mode) = (*mode, *baseline_mode);
            let method = Method::Noise { distribution: distribution.clone(), level, mode, baseline_mode };
            Ok(Corruption { method, ..corruption.clone() })
        }
        _ => Err(TraceError::Setting {
            what: "corruption",
            value: "not noise".to_owned(),
            expected: "noise, which is what has levels",
        }),
    }
}

/// A prompt, and what has been measured of it.
struct Prompt<'a> {
    case: Case<'a>,
    /// The first token that noise falls on.
    first_corrupted: usize,
    targets: Option<Targets>,
    /// Every metric of the clean run, then of each sample of each level: `[1 + levels · samples, metrics]`.
    values: Vec<f32>,
    fault: Option<TraceError>,
}

/// Runs of one prompt that pass through a block together: the clean one, and those of some samples, which are counted
/// through all levels.
struct Piece {
    prompt: usize,
    samples: Range<usize>,
}

struct Measuring<'a> {
    model: &'a Model,
    config: &'a TraceConfig,
    corruptions: &'a [Corruption],
    moments: Option<&'a Moments>,
}

impl Measuring<'_> {
    /// Samples of all levels.
    fn n_samples(&self) -> usize {
        self.corruptions.len() * self.config.corruption.samples
    }

    fn n_metrics(&self) -> usize {
        self.config.all_metrics().count()
    }

    fn prompt<'a>(&self, case: Case<'a>) -> Prompt<'a> {
        let checked = self.model.check_prompt(&case.prompt.ids).map_err(TraceError::from);
        let span =
            checked.and_then(|()| corrupted_span(case.prompt, case.counterpart, &self.config.corruption));
        let (first_corrupted, fault) = match span {
            Ok(span) => (span.start, None),
            Err(fault) => (0, Some(fault)),
        };
        let values = vec![f32::NAN; (1 + self.n_samples()) * self.n_metrics()];
        Prompt { case, first_corrupted, targets: None, values, fault }
    }

    /// All runs in pieces, and the pieces that walk through the layers together.
    fn walks(&self, prompts: &[Prompt<'_>]) -> Vec<Vec<Piece>> {
        let architecture = self.model.architecture();
        // Of every thread, the buffers that its piece goes through.
        let buffers = rayon::current_num_threads() * ROWS * TrunkLayer::row(architecture) * size_of::<f32>();
        let memory = self.config.memory.saturating_sub(buffers);
        // The state, and while it is made the embedding and its noise, which is drawn in double precision.
        let row_bytes = 5 * architecture.d_model * size_of::<f32>();
        let mut walks: Vec<Vec<Piece>> = Vec::new();
        let mut taken = 0;
        for (prompt, of) in prompts.iter().enumerate().filter(|(_, prompt)| prompt.fault.is_none()) {
            let seq_len = of.case.prompt.seq_len();
            let in_sample = seq_len - of.first_corrupted;
            let step = (ROWS.saturating_sub(seq_len) / in_sample).max(1);
            for start in (0..self.n_samples()).step_by(step) {
                let samples = start..(start + step).min(self.n_samples());
                let bytes = (seq_len + samples.len() * in_sample) * row_bytes;
                taken += bytes;
                let piece = Piece { prompt, samples };
                match walks.last_mut() {
                    Some(walk) if taken <= memory => walk.push(piece),
                    _ => {
                        walks.push(vec![piece]);
                        taken = bytes;
                    }
                }
            }
        }
        walks
    }

    /// Takes some pieces through all layers and measures them.
    fn walk(
        &self,
        pieces: &[Piece],
        prompts: &mut [Prompt<'_>],
        progress: &mut dyn FnMut(usize) -> Result<(), TraceError>,
    ) -> Result<(), TraceError> {
        let mut trunks = self.trunks(pieces, prompts);
        let longest = prompts.iter().map(|prompt| prompt.case.prompt.seq_len()).max();
        let rope = self.model.rope_table(longest.unwrap_or(0));
        let mut layers = self.model.layers()?;
        for (layer, block) in layers.by_ref().enumerate() {
            let block = block?;
            trunks.par_iter_mut().for_each_init(Scratch::default, |scratch, (_, trunk)| {
                trunk.pass(&block, rope.as_ref(), scratch);
            });
            progress(layer + 1)?;
        }
        let head = layers.head()?;
        for (piece, trunk) in &trunks {
            let prompt = &mut prompts[piece.prompt];
            if prompt.targets.is_none() && prompt.fault.is_none() {
                let clean = trunk.runs_of(0).next();
                let logits = || head.unembed(clean.map_or(&[], |run| trunk.last_state(run)));
                match prompt.case.answer.id(self.model, logits) {
                    Ok(id) => prompt.targets = Some(Targets::answer(id)),
                    Err(error) => prompt.fault = Some(error.into()),
                }
            }
        }
        trunks.retain(|(piece, _)| prompts[piece.prompt].fault.is_none());
        let (mut rows, mut targets, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (piece, trunk) in &trunks {
            for run in trunk.runs_of(0) {
                rows.extend_from_slice(trunk.last_state(run));
                targets.extend(&prompts[piece.prompt].targets);
                places.push((piece.prompt, run.run));
            }
        }
        let values = readout::measure(&head, self.config, &rows, &targets);
        let n_metrics = self.n_metrics();
        for ((prompt, run), values) in places.into_iter().zip(values.chunks_exact(n_metrics)) {
            prompts[prompt].values[run * n_metrics..(run + 1) * n_metrics].copy_from_slice(values);
        }
        Ok(())
    }

    /// The runs of some pieces before the first layer; a prompt whose noise cannot be drawn has failed.
    fn trunks<'p>(&self, pieces: &'p [Piece], prompts: &mut [Prompt<'_>]) -> Vec<(&'p Piece, Trunk)> {
        let mut trunks = Vec::with_capacity(pieces.len());
        for of_prompt in pieces.chunk_by(|a, b| a.prompt == b.prompt) {
            let prompt = &mut prompts[of_prompt[0].prompt];
            match self.embeddings(prompt.case) {
                Ok(embeddings) => {
                    trunks.extend(of_prompt.iter().map(|piece| {
                        (piece, Trunk::new(self.model, &[(&embeddings, piece.samples.clone())]))
                    }))
                }
                Err(fault) => prompt.fault = Some(fault),
            }
        }
        trunks
    }

    /// A prompt's embeddings with the samples of all levels, one level after the other.
    fn embeddings(&self, case: Case<'_>) -> Result<Embeddings, TraceError> {
        let Case { prompt, counterpart, .. } = case;
        let draw = Draw { baseline: true, ..Draw::SHARED };
        let at =
            |corruption| Embeddings::new(self.model, prompt, counterpart, corruption, self.moments, draw);
        let mut all = Embeddings { corrupted: Vec::new(), ..at(&self.config.corruption)? };
        for corruption in self.corruptions {
            all.corrupted.append(&mut at(corruption)?.corrupted);
        }
        Ok(all)
    }

    /// One baseline for each level.
    fn finish(&self, prompt: Prompt<'_>) -> Result<Vec<Baseline>, TraceError> {
        let Prompt { targets, values, fault, .. } = prompt;
        if let Some(fault) = fault {
            return Err(fault);
        }
        // Without targets nothing was measured, which the check finds.
        let targets = targets.unwrap_or(Targets::answer(0));
        let (clean, corrupted) = values.split_at(self.n_metrics());
        let of_level = |corrupted: &[f32]| {
            let baseline = baseline(&[clean, corrupted].concat(), self.config, &targets);
            check_baseline(&baseline).map(|()| baseline)
        };
        corrupted.chunks_exact(self.config.corruption.samples * self.n_metrics()).map(of_level).collect()
    }
}
