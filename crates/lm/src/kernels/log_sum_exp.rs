//! The answer's log-probability, without keeping the logits.

use std::ops::Range;

use rayon::prelude::*;

use super::math::{LANES, exp, larger, largest_of_lanes, sum, vectorised};
use super::{Linear, Packed, Threads, linear_packed, soft_cap};

/// Logits of one task, and rows whose totals are kept at once.
pub(super) const LOGITS: usize = 1024;
const ROWS: usize = 4096;
/// Rows whose logits are kept at once: enough for an efficient product, few enough for the logits (half a megabyte) to
/// stay near the processor.
const ROWS_AT_ONCE: usize = 128;

/// log p(answer) of every row: the answer's logit minus the log-sum-exp over the vocabulary.
///
/// Rows and vocabulary are spread over the threads of the current pool; the result does not depend on their number.
///
/// # Shapes
/// `x` `[rows, head.n_in()]`, already normalised; one answer and one result for each row.
///
/// # Units
/// Natural logarithm.
///
/// # Panics
/// When there is not one answer for each row, or one is outside the vocabulary.
#[must_use]
pub fn log_probability(x: &[f32], head: &Linear, final_softcap: Option<f32>, answers: &[u32]) -> Vec<f64> {
    assert_eq!(answers.len() * head.n_in(), x.len(), "one answer for each row");
    assert!(answers.iter().all(|&answer| (answer as usize) < head.n_out()), "within the vocabulary");
    let rows = x.par_chunks(ROWS * head.n_in()).zip(answers.par_chunks(ROWS));
    rows.flat_map_iter(|(x, answers)| {
        let packed: Vec<Packed> =
            x.par_chunks(ROWS_AT_ONCE * head.n_in()).map(|x| Packed::of(head, x)).collect();
        let parts: Vec<Part> = (0..head.n_out())
            .into_par_iter()
            .step_by(LOGITS)
            .map_init(Vec::new, |logits, start| {
                let outputs = start..(start + LOGITS).min(head.n_out());
                part(&packed, head, final_softcap, outputs, answers, logits)
            })
            .collect();
        answers.iter().enumerate().map(move |(row, &answer)| {
            let mut total = Total::EMPTY;
            parts.iter().for_each(|part| total.merge(&part.totals[row]));
            f64::from(parts[answer as usize / LOGITS].answers[row]) - total.log()
        })
    })
    .collect()
}

/// What some of the vocabulary contributes to every row.
struct Part {
    totals: Vec<Total>,
    /// The logit of each row's answer; `NaN` where it is not among these outputs.
    answers: Vec<f32>,
}

/// The logits of some of the vocabulary: `[rows, outputs]`.
pub(super) fn part_of_logits(
    x: &Packed,
    head: &Linear,
    final_softcap: Option<f32>,
    outputs: Range<usize>,
    logits: &mut Vec<f32>,
) {
    logits.resize(x.rows() * outputs.len(), 0.0);
    linear_packed(x, head, outputs, logits, Threads::One);
    if let Some(cap) = final_softcap {
        soft_cap(cap, logits);
    }
}

fn part(
    packed: &[Packed],
    head: &Linear,
    final_softcap: Option<f32>,
    outputs: Range<usize>,
    answers: &[u32],
    logits: &mut Vec<f32>,
) -> Part {
    let width = outputs.len();
    let mut part =
        Part { totals: Vec::with_capacity(answers.len()), answers: Vec::with_capacity(answers.len()) };
    for (x, answers) in packed.iter().zip(answers.chunks(ROWS_AT_ONCE)) {
        part_of_logits(x, head, final_softcap, outputs.clone(), logits);
        let answer = |(row, &answer): (&[f32], &u32)| {
            let place = (answer as usize).checked_sub(outputs.start);
            place.and_then(|place| row.get(place)).copied().unwrap_or(f32::NAN)
        };
        part.answers.extend(logits.chunks_exact(width).zip(answers).map(answer));
        part.totals.extend(logits.chunks_exact(width).map(Total::of));
    }
    part
}

/// Σ e^logit, kept as `sum · e^largest`.
pub(super) struct Total {
    largest: f32,
    sum: f64,
}

impl Total {
    pub(super) const EMPTY: Total = Total { largest: f32::NEG_INFINITY, sum: 0.0 };

    pub(super) fn of(logits: &[f32]) -> Self {
        vectorised(
            #[inline(always)]
            || {
                let largest = largest(logits);
                Total { largest, sum: f64::from(sum(logits, |logit| exp(logit - largest))) }
            },
        )
    }

    pub(super) fn merge(&mut self, other: &Total) {
        let largest = self.largest.max(other.largest);
        let rescaled = |total: &Total| total.sum * f64::from(total.largest - largest).exp();
        (self.sum, self.largest) = (rescaled(self) + rescaled(other), largest);
    }

    pub(super) fn log(&self) -> f64 {
        f64::from(self.largest) + self.sum.ln()
    }
}

#[inline(always)]
fn largest(logits: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = larger(chunk[lane], lanes[lane]);
        }
    }
    rest.iter().fold(largest_of_lanes(lanes), |largest, &logit| larger(logit, largest))
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Precision;

    use super::*;

    #[test]
    fn equals_the_sum_in_double_precision_over_several_chunks() {
        let vocabulary = LOGITS + 37;
        let weight: Vec<f32> = (0..vocabulary * 2).map(|i| ((i * 37 % 101) as f32 - 50.0) / 20.0).collect();
        let head = Linear::from_out_in(Precision::F32, &weight, None, 2, vocabulary);
        let x = [1.0, -2.0, 0.5, 3.0];
        for answers in [[0, 5], [5, LOGITS], [LOGITS, vocabulary - 1], [vocabulary - 1, 0]] {
            let found = log_probability(&x, &head, None, &answers.map(|answer| answer as u32));
            for ((row, answer), found) in x.chunks(2).zip(answers).zip(found) {
                let logit = |v: usize| {
                    f64::from(weight[2 * v]) * f64::from(row[0])
                        + f64::from(weight[2 * v + 1]) * f64::from(row[1])
                };
                let sum: f64 = (0..vocabulary).map(|v| logit(v).exp()).sum();
                assert!((found - (logit(answer) - sum.ln())).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_logit_that_is_not_a_number_is_seen() {
        let head = Linear::from_out_in(Precision::F32, &[1.0, f32::NAN, 2.0], None, 1, 3);
        let found = log_probability(&[1.0], &head, None, &[0]);
        assert!(found[0].is_nan());
    }
}
