//! What is measured at the end of every run.

use std::sync::Arc;

use causal_trace_core::{Metric, TraceConfig};
use causal_trace_lm::kernels::{ReadOut, Reading, Reference};
use causal_trace_lm::{Head, Model, ModelError, top_predictions};

use crate::trace::Answer;

/// The tokens of a prompt whose logits are measured, and the distribution that others are compared with.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    pub answer: u32,
    pub foil: Option<u32>,
    clean: Option<Arc<Reference>>,
}

impl Targets {
    /// Where nothing but the answer's probability is measured.
    pub(crate) fn answer(answer: u32) -> Self {
        Targets { answer, foil: None, clean: None }
    }

    /// Whether some metric compares with another token or the clean distribution.
    pub(crate) fn depend_on_runs(metrics: &[Metric]) -> bool {
        metrics.iter().any(|metric| matches!(metric, Metric::LogitDifference | Metric::KlDivergence))
    }

    /// Settles the targets from the logits of the clean run, then those of every corrupted run, `[1 + S, d_vocab]`.
    ///
    /// Without a given foil it is the token, other than the answer, with the largest mean probability over the
    /// corrupted runs.
    ///
    /// # Errors
    /// When a token is outside the vocabulary.
    pub(crate) fn of_runs(
        model: &Model,
        answer: Answer,
        foil: Option<u32>,
        metrics: &[Metric],
        logits: &[f32],
    ) -> Result<Self, ModelError> {
        let d_vocab = model.architecture().d_vocab;
        let (clean, corrupted) = logits.split_at(d_vocab);
        let answer = answer.id(model, || Ok(clean.to_vec()))?;
        let mut targets = Targets::answer(answer);
        if metrics.contains(&Metric::LogitDifference) {
            targets.foil = Some(match foil {
                Some(id) if (id as usize) < d_vocab => id,
                Some(id) => return Err(ModelError::TokenOutside { id, d_vocab }),
                None => most_probable(corrupted, d_vocab, answer),
            });
        }
        if metrics.contains(&Metric::KlDivergence) {
            targets.clean = Some(Arc::new(Reference::of_logits(clean)));
        }
        Ok(targets)
    }

    fn read_out(&self) -> ReadOut<'_> {
        ReadOut { answer: self.answer, foil: self.foil, reference: self.clean.as_deref() }
    }
}

/// The token other than `answer` with the largest mean probability over some runs' logits.
fn most_probable(logits: &[f32], d_vocab: usize, answer: u32) -> u32 {
    let mut sums = vec![0.0; d_vocab];
    for run in logits.chunks_exact(d_vocab) {
        let run = Reference::of_logits(run);
        sums.iter_mut().zip(run.probabilities()).for_each(|(sum, p)| *sum += p);
    }
    let others = (0..d_vocab as u32).filter(|&id| id != answer);
    // The first of equals.
    others
        .reduce(|best, id| if sums[id as usize] > sums[best as usize] { id } else { best })
        .unwrap_or(answer)
}

/// Every metric of the settings for some rows of the last block's output, the probability first:
/// `[rows, metrics]`.
pub(crate) fn measure(head: &Head, config: &TraceConfig, rows: &[f32], targets: &[&Targets]) -> Vec<f32> {
    if config.metrics.is_empty() {
        let answers: Vec<u32> = targets.iter().map(|targets| targets.answer).collect();
        let logs = head.answer_log_probability(rows, &answers);
        return logs.into_iter().map(|log| log.exp() as f32).collect();
    }
    let wanted: Vec<ReadOut<'_>> = targets.iter().map(|targets| targets.read_out()).collect();
    let readings = head.read_out(rows, &wanted);
    readings.iter().flat_map(|reading| config.all_metrics().map(|metric| value(reading, metric))).collect()
}

fn value(reading: &Reading, metric: Metric) -> f32 {
    match metric {
        Metric::Probability => reading.log_probability.exp() as f32,
        Metric::LogProbability => reading.log_probability as f32,
        Metric::Logit => reading.logit,
        Metric::LogitDifference => reading.logit_difference,
        Metric::KlDivergence => reading.kl_divergence as f32,
        Metric::Rank => reading.rank as f32,
    }
}

/// The model's own prediction, from its logits.
pub(crate) fn predicted(logits: &[f32]) -> u32 {
    top_predictions(logits, 1)[0].0
}
