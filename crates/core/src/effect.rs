//! Every number this program reports, defined once.
//!
//! p is the answer's probability in the clean run, p* in a corrupted run, p*_site in a patched run; all are
//! fractions between 0 and 1. Under [`Direction::Noise`] the patched run is the clean one with a corrupted
//! state, and effects are measured from p.

use crate::Direction;

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

/// Standard deviation over all values with n − 1 in the denominator, in double precision, in two passes.
///
/// # Errors
/// `None` for fewer than two values.
#[must_use]
pub fn sample_deviation(values: &[f32]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
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
    fn deviation_divides_by_n_minus_one() {
        assert_eq!(sample_deviation(&[1.0, 3.0]), Some(2f64.sqrt()));
        assert_eq!(sample_deviation(&[1.0]), None);
    }
}
