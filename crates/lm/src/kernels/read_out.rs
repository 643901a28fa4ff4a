//! Everything that is measured of the logits, which are kept for some rows at a time.

use rayon::prelude::*;

use super::log_sum_exp::{LOGITS, Total, part_of_logits};
use super::{Linear, Packed};

/// Rows whose logits are kept at once.
const ROWS: usize = 64;

/// What is read from a row's logits.
#[derive(Debug, Clone, Copy)]
pub struct ReadOut<'a> {
    /// The token that is measured.
    pub answer: u32,
    /// The token that it is compared with.
    pub foil: Option<u32>,
    /// The distribution that the row's own is compared with.
    pub reference: Option<&'a Reference>,
}

/// A distribution over the vocabulary.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Log-probabilities in nats, `[d_vocab]`.
    log: Vec<f64>,
    /// Probabilities, `[d_vocab]`.
    probability: Vec<f64>,
}

impl Reference {
    /// The distribution of some logits, `[d_vocab]`.
    #[must_use]
    pub fn of_logits(logits: &[f32]) -> Self {
        let total = total(logits.chunks(LOGITS));
        let log: Vec<f64> = logits.iter().map(|&logit| f64::from(logit) - total).collect();
        let probability = log.iter().map(|log| log.exp()).collect();
        Reference { log, probability }
    }

    /// The probabilities, `[d_vocab]`.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probability
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// log p(answer), in nats: the same bits as [`super::log_probability`].
    pub log_probability: f64,
    /// The answer's logit.
    pub logit: f32,
    /// The answer's logit minus the foil's; `NaN` without a foil.
    pub logit_difference: f32,
    /// KL(reference ‖ row) in nats: Σ p_ref · (log p_ref − log p_row); `NaN` without a reference.
    pub kl_divergence: f64,
    /// 1 plus the number of tokens with a larger logit.
    pub rank: u32,
}

/// Reads every row.
///
/// # Shapes
/// `x` `[rows, head.n_in()]`, already normalised; one wish and one reading for each row.
///
/// # Panics
/// When there is not one wish for each row, a token is outside the vocabulary, or a reference is of another size.
#[must_use]
pub fn read_out(
    x: &[f32],
    head: &Linear,
    final_softcap: Option<f32>,
    wanted: &[ReadOut<'_>],
) -> Vec<Reading> {
    assert_eq!(wanted.len() * head.n_in(), x.len(), "one wish for each row");
    let mut readings = Vec::with_capacity(wanted.len());
    for (x, wanted) in x.chunks(ROWS * head.n_in()).zip(wanted.chunks(ROWS)) {
        let x = Packed::of(head, x);
        let starts = (0..head.n_out()).into_par_iter().step_by(LOGITS);
        let parts: Vec<Vec<f32>> = starts
            .map(|start| {
                let mut logits = Vec::new();
                let outputs = start..(start + LOGITS).min(head.n_out());
                part_of_logits(&x, head, final_softcap, outputs, &mut logits);
                logits
            })
            .collect();
        let rows = wanted.len();
        readings.par_extend(wanted.par_iter().enumerate().map(|(row, wanted)| {
            let parts = parts.iter().map(|part| {
                let width = part.len() / rows;
                &part[row * width..(row + 1) * width]
            });
            read(parts, wanted)
        }));
    }
    readings
}

/// The natural logarithm of Σ e^logit.
fn total<'a>(parts: impl Iterator<Item = &'a [f32]>) -> f64 {
    let mut total = Total::EMPTY;
    parts.for_each(|part| total.merge(&Total::of(part)));
    total.log()
}

fn read<'a>(parts: impl Iterator<Item = &'a [f32]> + Clone, wanted: &ReadOut<'_>) -> Reading {
    let total = total(parts.clone());
    let logits: Vec<f32> = parts.flatten().copied().collect();
    let logit = logits[wanted.answer as usize];
    let divergence = |reference: &Reference| {
        assert_eq!(reference.log.len(), logits.len(), "of one vocabulary");
        let terms = reference.probability.iter().zip(&reference.log).zip(&logits);
        // A sum of such terms is not below 0 but for rounding.
        terms.map(|((p, log), &logit)| p * (log - (f64::from(logit) - total))).sum::<f64>().max(0.0)
    };
    Reading {
        log_probability: f64::from(logit) - total,
        logit,
        logit_difference: wanted.foil.map_or(f32::NAN, |foil| logit - logits[foil as usize]),
        kl_divergence: wanted.reference.map_or(f64::NAN, divergence),
        rank: 1 + logits.iter().filter(|&&other| other > logit).count() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::super::log_probability;
    use causal_trace_core::Precision;

    use super::*;

    fn head(vocabulary: usize) -> Linear {
        let weight: Vec<f32> = (0..vocabulary * 2).map(|i| ((i * 37 % 101) as f32 - 50.0) / 20.0).collect();
        Linear::from_out_in(Precision::F32, &weight, None, 2, vocabulary)
    }

    #[test]
    fn the_log_probability_has_the_same_bits_as_without_logits() {
        let head = head(LOGITS + 37);
        let x: Vec<f32> = (0..2 * (ROWS + 5)).map(|i| (i as f32 * 0.7).sin()).collect();
        let answers: Vec<u32> = (0..ROWS as u32 + 5).map(|row| row * 15 % (LOGITS as u32 + 37)).collect();
        let wanted: Vec<ReadOut<'_>> =
            answers.iter().map(|&answer| ReadOut { answer, foil: None, reference: None }).collect();
        let found: Vec<f64> =
            read_out(&x, &head, None, &wanted).iter().map(|reading| reading.log_probability).collect();
        assert_eq!(found, log_probability(&x, &head, None, &answers));
    }

    #[test]
    fn readings_follow_their_definitions() {
        let head = Linear::from_out_in(Precision::F32, &[1.0, 3.0, 2.0, 0.0], None, 1, 4);
        let reference = Reference::of_logits(&[1.0, 3.0, 2.0, 0.0]);
        let wanted = ReadOut { answer: 2, foil: Some(1), reference: Some(&reference) };
        let found = read_out(&[1.0, -1.0], &head, None, &[wanted, wanted]);
        assert_eq!((found[0].logit, found[0].logit_difference, found[0].rank), (2.0, -1.0, 2));
        assert_eq!(found[0].kl_divergence, 0.0);
        assert_eq!((found[1].logit, found[1].logit_difference, found[1].rank), (-2.0, 1.0, 3));
        let total = |logits: [f64; 4]| logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        let (clean, other) = ([1.0, 3.0, 2.0, 0.0], [-1.0, -3.0, -2.0, 0.0]);
        let expected: f64 = clean
            .iter()
            .zip(other)
            .map(|(p, q)| (p - total(clean)).exp() * ((p - total(clean)) - (q - total(other))))
            .sum();
        assert!((found[1].kl_divergence - expected).abs() < 1e-6, "{}", found[1].kl_divergence);
        let without = ReadOut { answer: 0, foil: None, reference: None };
        let found = read_out(&[1.0], &head, None, &[without])[0];
        assert!(found.logit_difference.is_nan() && found.kl_divergence.is_nan());
    }
}
