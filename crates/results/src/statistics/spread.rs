//! What goes with the size of the effects: the number of tokens, the deviation, the draw of the noise.

use std::ops::Range;

use causal_trace_core::{Direction, Metric, effect};
use serde::Serialize;

use super::correlation::{pearson, spearman};
use super::view::View;
use super::{ComponentSummary, RoleTable};
use crate::{PromptRecord, TracedPrompt};

/// How large a prompt is, and its effects, counted in the expected direction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PromptSize {
    /// The fact's id.
    pub id: i64,
    /// Number of tokens of the prompt.
    pub n_tokens: usize,
    /// Its total effect.
    pub total_effect: f64,
    /// The indirect effect of the strongest site among the subject's tokens.
    pub strongest_effect: f64,
}

impl PromptSize {
    /// The size of a prompt; none where it was not traced, has no subject, or the grid is not there.
    #[must_use]
    pub fn of(record: &PromptRecord, view: View) -> Option<Self> {
        Some(PromptSize {
            id: record.fact.known_id,
            n_tokens: record.tokens.len(),
            total_effect: view.total_strength(record.traced()?)?,
            strongest_effect: view.strongest(record, record.subject?.range())?.strength,
        })
    }
}

/// How the number of tokens and the size of the effects go together over some prompts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokensAndEffect {
    /// Pearson's correlation of the number of tokens with the total effect.
    pub pearson_total: Option<f64>,
    /// Spearman's.
    pub spearman_total: Option<f64>,
    /// Pearson's correlation of the number of tokens with the strongest effect among the subject's tokens.
    pub pearson_strongest: Option<f64>,
    /// Spearman's.
    pub spearman_strongest: Option<f64>,
    /// How many prompts.
    pub prompts: usize,
}

/// Correlates the number of tokens with the effects; each number is none where it cannot be told, see [`pearson`].
#[must_use]
pub fn tokens_and_effect(prompts: &[PromptSize]) -> TokensAndEffect {
    let column = |number: fn(&PromptSize) -> f64| prompts.iter().map(number).collect::<Vec<f64>>();
    let tokens = column(|prompt| prompt.n_tokens as f64);
    let (total, strongest) = (column(|prompt| prompt.total_effect), column(|prompt| prompt.strongest_effect));
    TokensAndEffect {
        pearson_total: pearson(&tokens, &total),
        spearman_total: spearman(&tokens, &total),
        pearson_strongest: pearson(&tokens, &strongest),
        spearman_strongest: spearman(&tokens, &strongest),
        prompts: prompts.len(),
    }
}

/// Pearson's correlation between average and standard deviation, over all roles and layers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DeviationCorrelation {
    /// Of the indirect effect.
    pub indirect_effect: Option<f64>,
    /// Of the percent improvement.
    pub percent_improvement: Option<f64>,
}

/// Whether the deviation is large where the average is, which is counted in the expected direction.
#[must_use]
pub fn deviation_follows_average(
    summary: &ComponentSummary,
    direction: Direction,
    metric: Metric,
) -> DeviationCorrelation {
    let correlation = |averages: &RoleTable, deviations: &RoleTable| {
        let strengths: Vec<f64> =
            averages.iter().flatten().map(|&average| effect::strength(direction, metric, average)).collect();
        pearson(&strengths, &deviations.concat())
    };
    DeviationCorrelation {
        indirect_effect: correlation(&summary.average_indirect_effect, &summary.sd_indirect_effect),
        percent_improvement: correlation(
            &summary.average_percent_improvement,
            &summary.sd_percent_improvement,
        ),
    }
}

/// Mean, deviation and range of some draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub draws: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation (n − 1); `NaN` for one draw.
    pub sd: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// The spread of some numbers; none for no numbers.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let draws = values.len();
        let mean = values.iter().sum::<f64>() / draws as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = if draws > 1 { (squares / (draws - 1) as f64).sqrt() } else { f64::NAN };
        let (min, max) = (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
        Some(Spread { draws, mean, sd, min, max })
    }
}

/// How one prompt's effects differ from draw to draw; effects are counted in the expected direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawSpread {
    /// The token of the strongest site.
    pub token: usize,
    /// Its layer.
    pub layer: usize,
    /// The indirect effect there.
    pub indirect_effect: Spread,
    /// The total effect.
    pub total_effect: Spread,
    /// Pearson's correlation of the two over the draws.
    pub correlation: Option<f64>,
    /// The indirect effect there in each draw.
    pub indirect_effects: Vec<f64>,
    /// The total effect in each draw.
    pub total_effects: Vec<f64>,
}

/// The spread over a prompt's draws, at its strongest site among some tokens; none where the draws are not known.
#[must_use]
pub fn draw_spread(record: &PromptRecord, view: View, tokens: Range<usize>) -> Option<DrawSpread> {
    let site = view.strongest(record, tokens)?;
    let (traced, grid) = (record.traced()?, view.grid(record)?);
    let patched = grid.samples_at(site.token, site.layer);
    let corrupted = traced.corrupted_samples_in(view.metric)?;
    if patched.len() != corrupted.len() {
        return None;
    }
    let clean = clean_in(traced, view.metric)?;
    let (mut indirect_effects, mut total_effects) = (Vec::new(), Vec::new());
    for (&patched, &corrupted) in patched.iter().zip(corrupted) {
        let (patched, corrupted) = (f64::from(patched), f64::from(corrupted));
        let effect = effect::indirect_effect_of_means(view.direction, clean, corrupted, patched);
        indirect_effects.push(view.strength(effect));
        total_effects.push(effect::strength(Direction::Denoise, view.metric, clean - corrupted));
    }
    Some(DrawSpread {
        token: site.token,
        layer: site.layer,
        indirect_effect: Spread::of(&indirect_effects)?,
        total_effect: Spread::of(&total_effects)?,
        correlation: pearson(&indirect_effects, &total_effects),
        indirect_effects,
        total_effects,
    })
}

fn clean_in(traced: &TracedPrompt, metric: Metric) -> Option<f64> {
    traced.baseline_in(metric).map(|(clean, _)| clean)
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Component;

    use super::*;
    use crate::Outcome;
    use crate::statistics::examples::{manifest, record, view};
    use crate::statistics::{Summariser, SummaryOptions};

    #[test]
    fn longer_prompts_with_smaller_effects_are_told() {
        let sizes: Vec<PromptSize> = [(0.4, 3), (0.3, 4), (0.1, 5)]
            .into_iter()
            .map(|(effect, n_tokens)| {
                let rows = vec![[effect, 0.0]; n_tokens];
                let rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
                let record = record(n_tokens as i64, 0..1, (0.9, 0.1), &rows);
                PromptSize::of(&record, view(Component::Residual)).unwrap()
            })
            .collect();
        assert_eq!(sizes[1], PromptSize { id: 4, n_tokens: 4, total_effect: 0.8, strongest_effect: 0.3 });
        let found = tokens_and_effect(&sizes);
        assert_eq!((found.pearson_total, found.spearman_total, found.prompts), (None, None, 3));
        // Around the means 4 and 4/15: −1·2/15 − 1·1/6 = −0.3; squares 2 and 14/300.
        let expected = -0.3 / (2.0f64 * 14.0 / 300.0).sqrt();
        assert!((found.pearson_strongest.unwrap() - expected).abs() < 1e-12);
        assert!((found.spearman_strongest.unwrap() + 1.0).abs() < 1e-12);
    }

    #[test]
    fn deviation_and_average_of_the_cells_that_have_both() {
        let records = [
            record(1, 0..1, (0.9, 0.1), &[&[0.1, 0.4, 0.0], &[0.0, 0.1, 0.2]]),
            record(2, 0..1, (0.9, 0.1), &[&[0.3, 0.8, 0.0], &[0.0, 0.3, 0.2]]),
        ];
        let mut summariser = Summariser::new(&manifest(3), SummaryOptions::default());
        records.iter().for_each(|record| summariser.add(record).unwrap());
        let residual = summariser.finish().unwrap().components.remove(&Component::Residual).unwrap();
        let found = deviation_follows_average(&residual, Direction::Denoise, Metric::Probability);
        // Four roles (first and last subject, first subsequent, last) of the same two rows.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let expected =
            pearson(&[0.2, 0.6, 0.0, 0.0, 0.2, 0.2], &[0.2 * half, 0.4 * half, 0.0, 0.0, 0.2 * half, 0.0]);
        assert!((found.indirect_effect.unwrap() - expected.unwrap()).abs() < 1e-12);
        assert!((found.percent_improvement.unwrap() - expected.unwrap()).abs() < 1e-12);
        let noising = deviation_follows_average(&residual, Direction::Noise, Metric::Probability);
        assert!((noising.indirect_effect.unwrap() + expected.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn draws_spread_around_their_mean() {
        let mut record = record(1, 0..1, (0.75, 0.25), &[&[0.1, 0.25], &[0.0, 0.5]]);
        let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
        assert_eq!(traced.corrupted_samples_in(Metric::Rank), None);
        traced.corrupted_samples = vec![0.0, 0.25, 0.5];
        let mut samples = vec![0.0; 12];
        samples[3..6].copy_from_slice(&[0.5, 0.5, 0.5]);
        traced.grids[0].samples = samples;
        let view = view(Component::Residual);
        let found = draw_spread(&record, view, 0..1).unwrap();
        assert_eq!((found.token, found.layer), (0, 1));
        assert_eq!(found.indirect_effects, [0.5, 0.25, 0.0]);
        assert_eq!(found.total_effects, [0.75, 0.5, 0.25]);
        let Spread { draws, mean, sd, min, max } = found.indirect_effect;
        assert_eq!((draws, mean, sd, min, max), (3, 0.25, 0.25, 0.0, 0.5));
        assert!((found.correlation.unwrap() - 1.0).abs() < 1e-12);
        let noising = draw_spread(&record, View { direction: Direction::Noise, ..view }, 0..1).unwrap();
        // The first site is the strongest then: its patched runs have nothing of the answer.
        assert_eq!((noising.layer, noising.indirect_effects), (0, vec![0.75; 3]));
        let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
        traced.grids[0].samples.clear();
        assert_eq!(draw_spread(&record, view, 0..1), None);
    }

    #[test]
    fn a_single_draw_has_no_deviation() {
        let one = Spread::of(&[0.5]).unwrap();
        assert!(one.sd.is_nan() && one.mean == 0.5);
        assert_eq!(Spread::of(&[]), None);
    }
}
