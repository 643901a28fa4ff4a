//! How much of the answer noise destroys, as a function of its size; where that no longer grows, and which size is enough.
//!
//! `docs/calibrate.md` says how a plateau is told.

use serde::Serialize;

use super::bootstrap::{draw, quantile, seeded};

/// ROME's multiple of the subjects' standard deviation.
pub const ROME_MULTIPLE: f64 = 3.0;
/// Up to the largest multiple from half of it on, the total effect of a plateau changes by no more than this share.
pub const PLATEAU_TOLERANCE: f64 = 0.1;
/// The share of the plateau that the recommended multiple reaches.
pub const ENOUGH: f64 = 0.9;
/// With fewer facts, an interval over them means nothing.
pub const FEWEST_FACTS: usize = 5;
/// Draws of facts behind the intervals, and their seed.
pub const CALIBRATION_DRAWS: usize = 2000;
const SEED: u64 = 1;

/// One fact: what the noise leaves of its answer at each multiple.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactCurve {
    /// The fact's number in its file.
    pub known_id: i64,
    /// The answer's probability without noise, p.
    pub clean: f64,
    /// Mean over samples of p*, for each multiple.
    pub corrupted: Vec<f64>,
    /// The share of samples in which another token is the most probable, for each multiple.
    pub changed: Vec<f64>,
}

/// All facts at one multiple.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationPoint {
    /// Of the subjects' standard deviation.
    pub multiple: f64,
    /// Mean over facts of TE = p − mean p*.
    pub total_effect: f64,
    /// Its 95 % interval.
    pub total_effect_ci95: Option<[f64; 2]>,
    /// Mean over facts and samples of p*.
    pub corrupted: f64,
    /// The share of facts and samples in which another token is the most probable.
    pub changed: f64,
    /// Its 95 % interval.
    pub changed_ci95: Option<[f64; 2]>,
}

/// Whether the curve ends in a plateau.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Plateau,
    /// Too few facts to tell.
    TooFewFacts,
    /// Too few multiples from half the largest on to tell.
    TooFewMultiples,
    /// At the end of the curve the effect is not clearly above 0.
    NoEffect,
    /// At the end of the curve the effect still grows.
    Rising,
    /// At the end of the curve the effect shrinks.
    Falling,
    /// The effects scatter so much that it may do either.
    Uncertain,
}

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its interval over draws of facts.
    pub ci95: [f64; 2],
}

/// The multiple that is enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// The smallest from which on every multiple has [`ENOUGH`] of the plateau.
    pub multiple: f64,
    /// The central 95 % of what it is over draws of facts.
    pub multiple_ci95: [f64; 2],
    /// Its total effect as a share of the plateau's.
    pub share_of_plateau: Estimate,
    /// ROME's multiple's total effect as a share of the plateau's, where that multiple was measured.
    pub rome_share_of_plateau: Option<Estimate>,
    /// ROME's multiple's total effect minus the recommended one's, over the same facts.
    pub rome_difference: Option<Estimate>,
}

/// The curve over all facts, and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// How many facts.
    pub facts: usize,
    /// Mean over facts of p.
    pub clean: f64,
    /// One for each multiple, in their order.
    pub points: Vec<CalibrationPoint>,
    /// Whether there is a plateau.
    pub verdict: Verdict,
    /// The multiples from half the largest on, which decide.
    pub tail: Vec<f64>,
    /// The mean total effect over the tail: where there is a plateau, its height.
    pub tail_total_effect: Option<Estimate>,
    /// From the first multiple of the tail to the last: by how much the total effect grows.
    pub tail_growth: Option<Estimate>,
    /// The multiple that is enough, where there is a plateau.
    pub recommendation: Option<Recommendation>,
    /// The multiple whose total effect is clearly above the plateau's, by more than its tolerance: the largest such
    /// effect, where there is one.
    pub overshoot: Option<f64>,
    /// Draws of facts behind the intervals.
    pub bootstrap_draws: usize,
}

impl Calibration {
    /// From facts that were measured at the same multiples, which increase.
    ///
    /// # Panics
    /// When a fact has not one number for each multiple.
    #[must_use]
    pub fn of(multiples: &[f64], facts: &[FactCurve]) -> Self {
        for fact in facts {
            assert_eq!(
                [fact.corrupted.len(), fact.changed.len()],
                [multiples.len(); 2],
                "one for each multiple"
            );
        }
        let effects: Vec<Vec<f64>> = facts.iter().map(FactCurve::total_effects).collect();
        let changed: Vec<Vec<f64>> = facts.iter().map(|fact| fact.changed.clone()).collect();
        let whole = vec![1; facts.len()];
        let has_intervals = facts.len() >= FEWEST_FACTS;
        let mut generator = seeded(SEED);
        let draws: Vec<Vec<u32>> = match has_intervals {
            true => (0..CALIBRATION_DRAWS).map(|_| draw(facts.len(), &mut generator)).collect(),
            false => Vec::new(),
        };
        let curve = Curve::new(multiples, &effects, &whole, &draws);
        let changes = Curve::new(multiples, &changed, &whole, &draws);
        let mean = |of: &dyn Fn(&FactCurve) -> f64| facts.iter().map(of).sum::<f64>() / facts.len() as f64;
        let point = |(at, &multiple): (usize, &f64)| CalibrationPoint {
            multiple,
            total_effect: curve.whole[at],
            total_effect_ci95: has_intervals.then(|| curve.estimate(|curve| curve[at]).ci95),
            corrupted: mean(&|fact| fact.corrupted[at]),
            changed: changes.whole[at],
            changed_ci95: has_intervals.then(|| changes.estimate(|curve| curve[at]).ci95),
        };
        let verdict = if has_intervals { curve.verdict() } else { Verdict::TooFewFacts };
        let (first, last) = (curve.tail(), multiples.len().saturating_sub(1));
        let is_plateau = verdict == Verdict::Plateau;
        Calibration {
            facts: facts.len(),
            clean: mean(&|fact| fact.clean),
            points: multiples.iter().enumerate().map(point).collect(),
            verdict,
            tail: multiples[first..].to_vec(),
            tail_total_effect: has_intervals.then(|| curve.estimate(|values| curve.height(values))),
            tail_growth: has_intervals.then(|| curve.estimate(|values| values[last] - values[first])),
            recommendation: is_plateau.then(|| curve.recommendation()).flatten(),
            overshoot: is_plateau.then(|| curve.overshoot()).flatten(),
            bootstrap_draws: draws.len(),
        }
    }

    /// The height of the plateau, if there is one.
    #[must_use]
    pub fn plateau(&self) -> Option<Estimate> {
        self.tail_total_effect.filter(|_| self.verdict == Verdict::Plateau)
    }

    /// What was measured at a multiple.
    #[must_use]
    pub fn at(&self, multiple: f64) -> Option<&CalibrationPoint> {
        self.points.iter().find(|point| point.multiple == multiple)
    }
}

impl FactCurve {
    /// TE at each multiple.
    #[must_use]
    pub fn total_effects(&self) -> Vec<f64> {
        self.corrupted.iter().map(|corrupted| self.clean - corrupted).collect()
    }
}

/// Means over facts at each multiple: over all of them, and over each draw.
struct Curve<'a> {
    multiples: &'a [f64],
    whole: Vec<f64>,
    draws: Vec<Vec<f64>>,
}

impl<'a> Curve<'a> {
    fn new(multiples: &'a [f64], facts: &[Vec<f64>], whole: &[u32], draws: &[Vec<u32>]) -> Self {
        let mean = |weights: &[u32]| -> Vec<f64> {
            let mut sums = vec![0.0; multiples.len()];
            for (fact, &weight) in facts.iter().zip(weights) {
                sums.iter_mut().zip(fact).for_each(|(sum, value)| *sum += f64::from(weight) * value);
            }
            sums.into_iter().map(|sum| sum / facts.len() as f64).collect()
        };
        Curve { multiples, whole: mean(whole), draws: draws.iter().map(|draw| mean(draw)).collect() }
    }

    /// A number that follows from the curve, and its percentiles over draws.
    fn estimate(&self, number: impl Fn(&[f64]) -> f64) -> Estimate {
        let mut values: Vec<f64> = self.draws.iter().map(|curve| number(curve)).collect();
        values.sort_unstable_by(f64::total_cmp);
        let ci95 = [quantile(&values, 0.025), quantile(&values, 0.975)];
        Estimate { value: number(&self.whole), ci95 }
    }

    /// The place of the first multiple from half the largest on.
    fn tail(&self) -> usize {
        let half = self.multiples.last().map_or(0.0, |largest| largest / 2.0);
        self.multiples.iter().position(|&multiple| multiple >= half).unwrap_or(0)
    }

    /// The mean over the tail.
    fn height(&self, curve: &[f64]) -> f64 {
        let tail = &curve[self.tail()..];
        tail.iter().sum::<f64>() / tail.len() as f64
    }

    fn verdict(&self) -> Verdict {
        let (first, last) = (self.tail(), self.multiples.len().saturating_sub(1));
        if first >= last {
            return Verdict::TooFewMultiples;
        }
        let height = self.estimate(|curve| self.height(curve));
        if height.ci95[0] <= 0.0 {
            return Verdict::NoEffect;
        }
        let most = PLATEAU_TOLERANCE * height.value;
        let growths = (first..last).map(|at| self.estimate(|curve| curve[last] - curve[at]));
        let steep: Vec<Estimate> =
            growths.filter(|growth| growth.ci95[0] < -most || growth.ci95[1] > most).collect();
        if steep.is_empty() {
            Verdict::Plateau
        } else if steep.iter().any(|growth| growth.ci95[0] > 0.0) {
            Verdict::Rising
        } else if steep.iter().any(|growth| growth.ci95[1] < 0.0) {
            Verdict::Falling
        } else {
            Verdict::Uncertain
        }
    }

    /// The place of the smallest multiple from which on all have enough of the height.
    fn enough(&self, curve: &[f64]) -> Option<usize> {
        let least = ENOUGH * self.height(curve);
        let below = curve.iter().rposition(|&effect| effect < least);
        let first = below.map_or(0, |below| below + 1);
        (first < curve.len()).then_some(first)
    }

    fn recommendation(&self) -> Option<Recommendation> {
        let chosen = self.enough(&self.whole)?;
        // A draw in which even the largest has too little counts as the largest.
        let last = self.multiples.len() - 1;
        let multiple = |curve: &[f64]| self.multiples[self.enough(curve).unwrap_or(last)];
        let share = |at: usize| self.estimate(|curve| curve[at] / self.height(curve));
        let rome = self.multiples.iter().position(|&multiple| multiple == ROME_MULTIPLE);
        Some(Recommendation {
            multiple: self.multiples[chosen],
            multiple_ci95: self.estimate(multiple).ci95,
            share_of_plateau: share(chosen),
            rome_share_of_plateau: rome.map(share),
            rome_difference: rome.map(|rome| self.estimate(|curve| curve[rome] - curve[chosen])),
        })
    }

    fn overshoot(&self) -> Option<f64> {
        let largest = (0..self.multiples.len()).max_by(|&a, &b| self.whole[a].total_cmp(&self.whole[b]))?;
        let above = self.estimate(|curve| curve[largest] - self.height(curve));
        let is_clear = above.ci95[0] > 0.0 && above.value > PLATEAU_TOLERANCE * self.height(&self.whole);
        is_clear.then_some(self.multiples[largest])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTIPLES: [f64; 8] = [0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0];

    /// Facts whose total effects are those given, times a factor of their own, and a little off in turn.
    fn facts(n: i64, effects: [f64; 8], scatter: f64) -> Vec<FactCurve> {
        let fact = |known_id: i64| {
            let factor = 0.8 + 0.4 * (known_id % 5) as f64 / 4.0;
            let off = |at: usize| scatter * ((known_id * 7 + at as i64 * 3) % 11 - 5) as f64 / 5.0;
            let corrupted = |(at, effect): (usize, f64)| 0.9 - factor * effect - off(at);
            let corrupted = effects.into_iter().enumerate().map(corrupted).collect();
            FactCurve { known_id, clean: 0.9, corrupted, changed: vec![0.5; 8] }
        };
        (0..n).map(fact).collect()
    }

    fn calibrated(effects: [f64; 8]) -> Calibration {
        Calibration::of(&MULTIPLES, &facts(50, effects, 0.01))
    }

    #[test]
    fn a_curve_that_levels_off_has_a_plateau_and_the_smallest_multiple_that_is_enough() {
        let found = calibrated([0.05, 0.2, 0.45, 0.55, 0.6, 0.6, 0.61, 0.6]);
        assert_eq!((found.verdict, &found.tail[..]), (Verdict::Plateau, &[8.0, 10.0, 15.0][..]));
        let plateau = found.plateau().unwrap();
        assert!((plateau.value - 0.603).abs() < 0.005, "{plateau:?}");
        assert!(plateau.ci95[0] < plateau.value && plateau.value < plateau.ci95[1]);
        let recommendation = found.recommendation.unwrap();
        assert_eq!(recommendation.multiple, 3.0);
        assert!((recommendation.share_of_plateau.value - 0.55 / 0.6033).abs() < 0.01);
        assert_eq!(recommendation.rome_difference.unwrap(), Estimate { value: 0.0, ci95: [0.0; 2] });
        assert_eq!(found.overshoot, None);
        assert!((found.points[2].total_effect - 0.45).abs() < 0.005 && (found.clean - 0.9).abs() < 1e-12);
    }

    #[test]
    fn a_curve_that_goes_on_has_no_plateau_and_nothing_is_recommended() {
        let rising = calibrated([0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.4, 0.5]);
        let falling = calibrated([0.05, 0.3, 0.5, 0.6, 0.6, 0.5, 0.45, 0.35]);
        assert_eq!([rising.verdict, falling.verdict], [Verdict::Rising, Verdict::Falling]);
        for found in [rising, falling] {
            assert_eq!((&found.recommendation, found.plateau()), (&None, None));
            assert!(found.tail_growth.unwrap().value.abs() > 0.1);
        }
    }

    #[test]
    fn an_effect_that_may_be_none_is_no_plateau() {
        assert_eq!(calibrated([0.0; 8]).verdict, Verdict::NoEffect);
        assert_eq!(calibrated([0.0, 0.0, -0.1, -0.2, -0.2, -0.2, -0.2, -0.2]).verdict, Verdict::NoEffect);
    }

    #[test]
    fn effects_that_scatter_leave_it_open() {
        let level = [0.02, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2];
        assert_eq!(Calibration::of(&MULTIPLES, &facts(50, level, 0.02)).verdict, Verdict::Plateau);
        assert_eq!(Calibration::of(&MULTIPLES, &facts(7, level, 0.2)).verdict, Verdict::Uncertain);
        let few = Calibration::of(&MULTIPLES, &facts(4, level, 0.0));
        assert_eq!((few.verdict, few.points[1].total_effect_ci95), (Verdict::TooFewFacts, None));
        let short = Calibration::of(&[1.0, 3.0, 15.0], &[]);
        assert_eq!(short.verdict, Verdict::TooFewFacts);
        let fact = |known_id| FactCurve {
            known_id,
            clean: 0.9,
            corrupted: vec![0.5, 0.4, 0.3],
            changed: vec![0.0; 3],
        };
        let short = Calibration::of(&[1.0, 3.0, 15.0], &(0..9).map(fact).collect::<Vec<_>>());
        assert_eq!(short.verdict, Verdict::TooFewMultiples);
    }

    #[test]
    fn a_curve_that_overshoots_or_dips_is_told_from_one_that_rises() {
        let over = calibrated([0.1, 0.3, 0.65, 0.7, 0.62, 0.5, 0.5, 0.5]);
        assert_eq!((over.verdict, over.overshoot), (Verdict::Plateau, Some(3.0)));
        assert_eq!(over.recommendation.unwrap().multiple, 2.0);
        // Enough at 1, but not at 3.
        let dip = calibrated([0.1, 0.48, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5]);
        assert_eq!(dip.recommendation.unwrap().multiple, 5.0);
    }
}
