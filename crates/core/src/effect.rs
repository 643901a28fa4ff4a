//! Every number this program reports, defined once.
//!
//! p is the answer's probability in the clean run, p* in a corrupted run, p*_site in a patched run; all are
//! fractions between 0 and 1. Another [`Metric`] takes the probability's place in every formula, with its own unit.
//! Under [`Direction::Noise`] the patched run is the clean one with a corrupted
//! state, and effects are measured from p.

use crate::{Direction, Metric};

/// Mean of some probabilities, summed in double precision; `NaN` for none.
#[must_use]
pub fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64
}

/// TE = p − mean over samples of p*: how much of the answer the corruption destroys (Meng et al. 2022, §2.1).
#[must_use]
pub fn total_effect(clean: f32, corrupted: &[f32]) -> f64 {
    f64::from(clean) - mean(corrupted)
}

/// IE of a site: mean over samples of (p*_site − p*), or of (p_site − p) when noising.
///
/// # Shapes
/// `corrupted` and `patched` hold one probability for each sample.
#[must_use]
pub fn indirect_effect(direction: Direction, clean: f32, corrupted: &[f32], patched: &[f32]) -> f64 {
    let base = match direction {
        Direction::Denoise => mean(corrupted),
        Direction::Noise => f64::from(clean),
    };
    mean(patched) - base
}

/// PI of a site: mean over samples of (p*_site − p*) / |p − p*|, a fraction; a sample with p = p* counts 0.
///
/// When noising, the base of the numerator is p.
///
/// # Shapes
/// `corrupted` and `patched` hold one probability for each sample.
#[must_use]
pub fn percent_improvement(direction: Direction, clean: f32, corrupted: &[f32], patched: &[f32]) -> f64 {
    let clean = f64::from(clean);
    let improvements = corrupted.iter().zip(patched).map(|(&corrupted, &patched)| {
        let (corrupted, patched) = (f64::from(corrupted), f64::from(patched));
        let base = match direction {
            Direction::Denoise => corrupted,
            Direction::Noise => clean,
        };
        let span = (clean - corrupted).abs();
        if span == 0.0 { 0.0 } else { (patched - base) / span }
    });
    improvements.sum::<f64>() / patched.len() as f64
}

/// IE of a site where only the means over samples are known: mean p*_site − mean p*, or mean p_site − p when
/// noising. The same number as [`indirect_effect`], but for rounding.
#[must_use]
pub fn indirect_effect_of_means(direction: Direction, clean: f64, corrupted: f64, patched: f64) -> f64 {
    match direction {
        Direction::Denoise => patched - corrupted,
        Direction::Noise => patched - clean,
    }
}

/// PI of a site where only the means over samples are known: IE / |p − mean p*|, a fraction, and 0 where p = p*.
/// It is another number than [`percent_improvement`], a ratio of means in place of a mean of ratios.
#[must_use]
pub fn percent_improvement_of_means(direction: Direction, clean: f64, corrupted: f64, patched: f64) -> f64 {
    let span = (clean - corrupted).abs();
    let effect = indirect_effect_of_means(direction, clean, corrupted, patched);
    if span == 0.0 { 0.0 } else { effect / span }
}

/// Standard error of one prompt's IE, from its samples: the standard deviation over samples of p*_site − p* (of
/// p_site when noising, where p is the same in each), divided by the square root of their number.
///
/// It tells how far the IE would move with other noise, if every sample has noise of its own.
///
/// # Shapes
/// `corrupted` and `patched` hold one probability for each sample.
///
/// # Errors
/// `None` for fewer than two samples.
#[must_use]
pub fn indirect_effect_error(direction: Direction, corrupted: &[f32], patched: &[f32]) -> Option<f64> {
    let differences = corrupted.iter().zip(patched).map(|(&corrupted, &patched)| match direction {
        Direction::Denoise => f64::from(patched) - f64::from(corrupted),
        Direction::Noise => f64::from(patched),
    });
    Some(deviation(differences)? / (patched.len() as f64).sqrt())
}

/// An effect counted in the expected direction: IE itself, or −IE when noising, which lowers the probability; the
/// other way round for a metric that falls as the answer comes back. Negative for an effect in the wrong direction.
#[must_use]
pub fn strength(direction: Direction, metric: Metric, indirect_effect: f64) -> f64 {
    metric.expected_sign(direction) * indirect_effect
}

/// Standard deviation over all values with n − 1 in the denominator, in double precision, in two passes.
///
/// # Errors
/// `None` for fewer than two values.
#[must_use]
pub fn sample_deviation(values: &[f32]) -> Option<f64> {
    deviation(values.iter().map(|&value| f64::from(value)))
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    if count < 2 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / count as f64;
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    Some((squares / (count - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_follow_their_formulas() {
        let (clean, corrupted, patched) = (0.75, [0.25, 0.5], [0.5, 0.75]);
        assert_eq!(total_effect(clean, &corrupted), 0.375);
        assert_eq!(indirect_effect(Direction::Denoise, clean, &corrupted, &patched), 0.25);
        assert_eq!(indirect_effect(Direction::Noise, clean, &corrupted, &patched), -0.125);
        assert_eq!(percent_improvement(Direction::Denoise, clean, &corrupted, &patched), 0.75);
    }

    #[test]
    fn a_sample_without_total_effect_counts_zero() {
        assert_eq!(percent_improvement(Direction::Denoise, 0.5, &[0.5, 0.25], &[0.75, 0.5]), 0.5);
    }

    #[test]
    fn effects_of_means_follow_their_formulas() {
        let (clean, corrupted, patched) = (0.75, 0.25, 0.5);
        assert_eq!(indirect_effect_of_means(Direction::Denoise, clean, corrupted, patched), 0.25);
        assert_eq!(indirect_effect_of_means(Direction::Noise, clean, corrupted, patched), -0.25);
        assert_eq!(percent_improvement_of_means(Direction::Denoise, clean, corrupted, patched), 0.5);
        assert_eq!(percent_improvement_of_means(Direction::Noise, clean, corrupted, patched), -0.5);
        assert_eq!(percent_improvement_of_means(Direction::Denoise, 0.5, 0.5, 0.75), 0.0);
        assert_eq!(strength(Direction::Noise, Metric::Probability, -0.25), 0.25);
    }

    #[test]
    fn the_error_of_an_effect_pairs_patched_with_corrupted() {
        // Differences 0.25 and 0.75: deviation √0.125, over √2.
        let error = indirect_effect_error(Direction::Denoise, &[0.0, 0.25], &[0.25, 1.0]);
        assert_eq!(error, Some(0.25));
        assert_eq!(indirect_effect_error(Direction::Noise, &[0.0, 0.25], &[0.25, 0.75]), Some(0.25));
        assert_eq!(indirect_effect_error(Direction::Denoise, &[0.0], &[0.25]), None);
    }

    #[test]
    fn deviation_divides_by_n_minus_one() {
        assert_eq!(sample_deviation(&[1.0, 3.0]), Some(2f64.sqrt()));
        assert_eq!(sample_deviation(&[1.0]), None);
    }
}
