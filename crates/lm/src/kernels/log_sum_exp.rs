//! The answer's log-probability, without keeping the logits.

use super::math::{exp, vectorised};
use super::{Linear, Threads, linear, soft_cap};

/// How many logits of a row are held at a time.
const CHUNK: usize = 4096;

/// log p(answer) of every row: the answer's logit minus the log-sum-exp over the vocabulary.
///
/// # Shapes
/// `x` `[rows, head.n_in()]`, already normalised; one result for each row.
///
/// # Units
/// Natural logarithm.
///
/// # Panics
/// When the answer is outside the vocabulary.
pub fn log_probability(
    x: &[f32],
    head: &Linear,
    final_softcap: Option<f32>,
    answer: usize,
    threads: Threads,
    logits: &mut Vec<f32>,
) -> Vec<f64> {
    let rows = x.len() / head.n_in();
    let mut totals = vec![Total { largest: f32::NEG_INFINITY, sum: 0.0 }; rows];
    let mut answers = vec![f32::NAN; rows];
    for start in (0..head.n_out()).step_by(CHUNK) {
        let outputs = start..(start + CHUNK).min(head.n_out());
        let width = outputs.len();
        logits.resize(rows * width, 0.0);
        linear(x, head, outputs.clone(), logits, threads);
        if let Some(cap) = final_softcap {
            soft_cap(cap, logits);
        }
        for ((row, total), found) in logits.chunks_exact(width).zip(&mut totals).zip(&mut answers) {
            total.add(row);
            if outputs.contains(&answer) {
                *found = row[answer - start];
            }
        }
    }
    assert!(answer < head.n_out(), "the answer lies within the vocabulary");
    answers.iter().zip(totals).map(|(&answer, total)| f64::from(answer) - total.log()).collect()
}

/// Σ e^logit, kept as `sum · e^largest`.
#[derive(Clone)]
struct Total {
    largest: f32,
    sum: f64,
}

impl Total {
    fn add(&mut self, logits: &[f32]) {
        vectorised(
            #[inline(always)]
            || {
                let largest = largest(logits).max(self.largest);
                self.sum *= f64::from(self.largest - largest).exp();
                self.sum += f64::from(sum_of_exp(logits, largest));
                self.largest = largest;
            },
        );
    }

    fn log(&self) -> f64 {
        f64::from(self.largest) + self.sum.ln()
    }
}

#[inline(always)]
fn largest(logits: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let chunks = logits.chunks_exact(16);
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for (lane, &logit) in lanes.iter_mut().zip(chunk) {
            *lane = if logit > *lane { logit } else { *lane };
        }
    }
    lanes.iter().copied().fold(rest, f32::max)
}

#[inline(always)]
fn sum_of_exp(logits: &[f32], largest: f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let chunks = logits.chunks_exact(16);
    let rest: f32 = chunks.remainder().iter().map(|&logit| exp(logit - largest)).sum();
    for chunk in chunks {
        for (lane, &logit) in lanes.iter_mut().zip(chunk) {
            *lane += exp(logit - largest);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_in_double_precision_over_several_chunks() {
        let vocabulary = CHUNK + 37;
        let weight: Vec<f32> = (0..vocabulary * 2).map(|i| ((i * 37 % 101) as f32 - 50.0) / 20.0).collect();
        let head = Linear::from_out_in(weight.clone(), None, 2, vocabulary);
        let x = [1.0, -2.0, 0.5, 3.0];
        for answer in [0, 5, CHUNK, vocabulary - 1] {
            let found = log_probability(&x, &head, None, answer, Threads::One, &mut Vec::new());
            for (row, found) in x.chunks(2).zip(found) {
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
        let head = Linear::from_out_in(vec![1.0, f32::NAN, 2.0], None, 1, 3);
        let found = log_probability(&[1.0], &head, None, 0, Threads::One, &mut Vec::new());
        assert!(found[0].is_nan());
    }
}
