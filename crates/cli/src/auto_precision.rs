//! `--precision auto`: the fastest precision that changes no number of the user's own first prompt by much.

use std::time::Instant;

use anyhow::Result;
use causal_trace_core::{Metric, Precision, TraceRecord};
use causal_trace_results::TracedPrompt;

use crate::printer::Printer;

/// The largest difference of a probability from float32 that is accepted.
const TOLERANCE: f64 = 1e-4;

/// How a model is measured on one prompt.
pub(crate) struct Trial<Reference, Open, Measure> {
    /// Traces the prompt at float32: which prompt or answer it was, and its probabilities, where one can be traced.
    pub(crate) reference: Reference,
    /// Opens the model at another precision.
    pub(crate) open: Open,
    /// Traces the same prompt with it; none where that cannot be done.
    pub(crate) measure: Measure,
}

/// The model at the first precision of the candidates whose every probability is within 1e-4 of float32's; says which, and
/// how far. The candidates are those that are faster than float32 on this processor, the fastest first.
///
/// `exact` is the model at float32. It is dropped before another is opened, so that never two are held.
pub(crate) fn fastest<M, P>(
    candidates: &[Precision],
    exact: M,
    trial: Trial<
        impl FnOnce(&M) -> Result<Option<(P, Vec<f64>)>>,
        impl Fn(Precision) -> Result<M>,
        impl Fn(&M, &P) -> Result<Option<Vec<f64>>>,
    >,
    printer: &Printer,
) -> Result<M> {
    if candidates.is_empty() {
        printer.note("precision auto: f32, since no other is faster on this processor");
        return Ok(exact);
    }
    let Some((prompt, reference)) = (trial.reference)(&exact)? else {
        printer.note("precision auto: f32, since there is no prompt to try the others on");
        return Ok(exact);
    };
    drop(exact);
    let mut too_far = Vec::new();
    for &precision in candidates {
        let begun = Instant::now();
        let model = (trial.open)(precision)?;
        let found = (trial.measure)(&model, &prompt)?;
        let difference = found.map_or(f64::INFINITY, |found| largest_difference(&found, &reference));
        tracing::info!(%precision, difference, seconds = begun.elapsed().as_secs_f64(), "precision tried");
        if difference < TOLERANCE {
            printer.note(&format!(
                "precision auto: {precision}, largest difference from f32 {difference:.1e} on this prompt"
            ));
            return Ok(model);
        }
        too_far.push(if difference.is_finite() {
            format!("{precision} differs from it by {difference:.1e}")
        } else {
            format!("{precision} gives no numbers")
        });
    }
    let too_far = too_far.join(" and ");
    printer.note(&format!("precision auto: f32, since {too_far} on this prompt"));
    (trial.open)(Precision::F32)
}

/// Infinite where there are not as many numbers, or one is not a number.
pub(crate) fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, next| if next.is_nan() { f64::INFINITY } else { next.max(largest) })
}

/// Every probability of a trace: the clean run's, those of the corrupted runs, those of every patched run.
pub(crate) fn probabilities(record: &TraceRecord) -> Vec<f64> {
    let (clean, corrupted) = (&record.baseline.clean, &record.baseline.corrupted);
    let patched = record.grids_of(Metric::Probability).flat_map(|grid| &grid.samples);
    std::iter::once(clean).chain(corrupted).chain(patched).map(|&value| f64::from(value)).collect()
}

/// The same of a fact's record.
pub(crate) fn probabilities_of_fact(traced: &TracedPrompt) -> Vec<f64> {
    let grids = traced.grids.iter().filter(|grid| grid.metric == Metric::Probability);
    let samples = traced.corrupted_samples.iter().chain(grids.flat_map(|grid| &grid.samples));
    std::iter::once(traced.clean).chain(samples.map(|&value| f64::from(value))).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const ALL: [Precision; 3] = [Precision::Bf16, Precision::Bf16x3, Precision::Bf16x6];

    /// A model that is its precision, on a prompt whose numbers are off by what the precision costs.
    fn chosen(
        candidates: &[Precision],
        off: impl Fn(Precision) -> Option<f64>,
    ) -> (Precision, Vec<Precision>) {
        let opened = RefCell::new(Vec::new());
        let trial = Trial {
            reference: |exact: &Precision| {
                assert_eq!(*exact, Precision::F32);
                Ok(Some(("the prompt", vec![0.5, 0.25])))
            },
            open: |precision| {
                opened.borrow_mut().push(precision);
                Ok(precision)
            },
            measure: |model: &Precision, prompt: &&str| {
                assert_eq!(*prompt, "the prompt");
                Ok(off(*model).map(|off| vec![0.5, 0.25 - off]))
            },
        };
        let chosen = fastest(candidates, Precision::F32, trial, &Printer::new(true)).unwrap();
        (chosen, opened.into_inner())
    }

    #[test]
    fn the_fastest_within_the_tolerance_is_taken() {
        assert_eq!(chosen(&ALL, |_| Some(9e-5)), (Precision::Bf16, vec![Precision::Bf16]));
        let off = |precision| Some(if precision == Precision::Bf16 { 1e-2 } else { 5e-6 });
        assert_eq!(chosen(&ALL, off), (Precision::Bf16x3, vec![Precision::Bf16, Precision::Bf16x3]));
        assert_eq!(chosen(&[Precision::Bf16], off).0, Precision::F32);
        assert_eq!(chosen(&ALL, |_| Some(f64::NAN)).0, Precision::F32);
        assert_eq!(chosen(&ALL, |_| None).0, Precision::F32);
        assert_eq!(chosen(&ALL, |_| Some(1.001e-4)).0, Precision::F32);
        assert_eq!(chosen(&[], |_| Some(0.0)), (Precision::F32, Vec::new()));
    }

    #[test]
    fn without_a_prompt_it_stays_float32() {
        let trial = Trial {
            reference: |_: &Precision| Ok(None::<((), Vec<f64>)>),
            open: |_| anyhow::bail!("nothing is opened"),
            measure: |_: &Precision, (): &()| anyhow::bail!("nothing is measured"),
        };
        let chosen = fastest(&ALL, Precision::F32, trial, &Printer::new(true)).unwrap();
        assert_eq!(chosen, Precision::F32);
    }

    #[test]
    fn other_numbers_are_infinitely_far() {
        assert_eq!(largest_difference(&[1.0, 2.0], &[1.0, 2.5]), 0.5);
        assert_eq!(largest_difference(&[1.0], &[1.0, 2.5]), f64::INFINITY);
        assert_eq!(largest_difference(&[f64::NAN, 1.0], &[0.0, 1.0]), f64::INFINITY);
    }
}
