//! Single samples in 16 bits each.

use serde::Serialize;

/// How many steps a grid's range of samples is divided into. Half a step is 0.00003 of the range; two bits more in each
/// sample would make a report a tenth larger.
const STEPS: u16 = 16_383;

/// Neighbours in steps of one ratio differ by this share: each sample is within half of it.
const RATIO: f64 = 0.002;

/// From this ratio of the largest sample to the smallest on, equal steps would be too coarse for the small ones.
const WIDE: f64 = 16.0;
/// From this ratio on, a range that begins at 0 has no steps that would do.
const TOO_WIDE: f64 = 1000.0;

/// What the steps between the smallest and the largest sample have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Spacing {
    /// Their difference.
    Equal,
    /// Their ratio.
    Ratio,
}

/// Steps from the smallest sample of a grid to its largest.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Ladder {
    spacing: Spacing,
    low: f64,
    high: f64,
    /// The number of steps.
    most: u16,
}

impl Ladder {
    /// Whole numbers, such as ranks, stand on a step exactly; samples of very different sizes are told apart by their
    /// ratio. None where steps would not do, or there are no samples.
    pub(super) fn of(samples: &[f32]) -> Option<Self> {
        let low = f64::from(samples.iter().copied().reduce(f32::min)?);
        let high = f64::from(samples.iter().copied().reduce(f32::max)?);
        let is_whole = samples.iter().all(|sample| sample.fract() == 0.0);
        if is_whole && high - low <= f64::from(u16::MAX) {
            return Some(Ladder { spacing: Spacing::Equal, low, high, most: ((high - low) as u16).max(1) });
        }
        if low > 0.0 && high > WIDE * low {
            let most = ((high / low).ln() / RATIO).ceil().min(f64::from(u16::MAX)) as u16;
            return Some(Ladder { spacing: Spacing::Ratio, low, high, most });
        }
        let least = samples.iter().copied().filter(|&sample| sample > 0.0).reduce(f32::min);
        let is_too_wide = low == 0.0 && least.is_some_and(|least| high > TOO_WIDE * f64::from(least));
        (!is_too_wide).then_some(Ladder { spacing: Spacing::Equal, low, high, most: STEPS })
    }

    /// The step nearest to a sample.
    pub(super) fn step(self, sample: f32) -> u16 {
        let Ladder { spacing, low, high, most } = self;
        let sample = f64::from(sample);
        let share = match spacing {
            _ if high == low => 0.0,
            Spacing::Equal => (sample - low) / (high - low),
            Spacing::Ratio => (sample / low).ln() / (high / low).ln(),
        };
        (share * f64::from(most)).round() as u16
    }
}
