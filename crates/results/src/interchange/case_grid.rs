//! The effects that a case file stands for.

use causal_trace_core::{Direction, Metric, effect};

use crate::{CaseFile, EffectGrid};

/// The effects of a case: those it states, else computed from its samples, else from its means.
pub(super) fn grid_of(case: &CaseFile, direction: Direction) -> EffectGrid {
    let mut grid = match case.clean_of_samples() {
        Some(clean) => from_samples(case, direction, clean),
        None => from_means(case, direction),
    };
    if case.indirect_effect.is_some() || case.percent_improvement.is_some() {
        grid.patched.clone_from(&case.scores);
    }
    if let Some(stated) = &case.indirect_effect {
        grid.indirect_effect.clone_from(stated);
    }
    if let Some(stated) = &case.percent_improvement {
        grid.percent_improvement.clone_from(stated);
    }
    grid
}

impl CaseFile {
    /// p in the precision of the samples, where every sample is known.
    fn clean_of_samples(&self) -> Option<f32> {
        let n_samples = self.corrupted_samples.len();
        let known = n_samples > 0 && self.samples.len() == self.scores.len() * n_samples;
        known.then_some(self.high_score as f32)
    }
}

fn from_samples(case: &CaseFile, direction: Direction, clean: f32) -> EffectGrid {
    let corrupted = &case.corrupted_samples;
    let sites = || case.samples.chunks(corrupted.len());
    let indirect = |patched| effect::indirect_effect(direction, clean, corrupted, patched);
    let improvement = |patched| effect::percent_improvement(direction, clean, corrupted, patched);
    EffectGrid {
        component: case.component,
        metric: Metric::Probability,
        n_layers: case.n_layers,
        patched: sites().map(effect::mean).collect(),
        indirect_effect: sites().map(indirect).collect(),
        percent_improvement: sites().map(improvement).collect(),
        samples: case.samples.clone(),
    }
}

fn from_means(case: &CaseFile, direction: Direction) -> EffectGrid {
    let (clean, corrupted) = (case.high_score, case.low_score);
    let table = |number: fn(Direction, f64, f64, f64) -> f64| -> Vec<f64> {
        case.scores.iter().map(|&patched| number(direction, clean, corrupted, patched)).collect()
    };
    EffectGrid {
        component: case.component,
        metric: Metric::Probability,
        n_layers: case.n_layers,
        patched: case.scores.clone(),
        indirect_effect: table(effect::indirect_effect_of_means),
        percent_improvement: table(effect::percent_improvement_of_means),
        samples: case.samples.clone(),
    }
}
