//! Prompt pairs: the effects of the tokens in which a prompt and its counterpart differ.

use std::ops::Range;

use serde::Serialize;

use super::bootstrap::{PromptSums, intervals};
use super::spread::Spread;
use super::view::View;
use crate::{Counterpart, PromptRecord};

/// The maximal runs of tokens that differ, in the order of the prompt.
///
/// # Shapes
/// Both have one id for each token; where one has more, those are passed over.
#[must_use]
pub fn differing_groups(ids: &[u32], counterpart_ids: &[u32]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (token, (one, other)) in ids.iter().zip(counterpart_ids).enumerate() {
        if one == other {
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.end == token => group.end += 1,
            _ => groups.push(token..token + 1),
        }
    }
    groups
}

/// The effect of one run of differing tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupEffect {
    /// The tokens.
    pub tokens: Range<usize>,
    /// The token of the strongest site among them.
    pub token: usize,
    /// Its layer.
    pub layer: usize,
    /// Its indirect effect counted in the expected direction.
    pub effect: f64,
    /// The same over the total effect; `NaN` where that is not in the expected direction.
    pub share_of_total: f64,
}

/// The effect of every run of tokens in which a record and its counterpart differ; empty where it was not traced, or
/// there is no counterpart or no grid.
#[must_use]
pub fn group_effects(record: &PromptRecord, view: View) -> Vec<GroupEffect> {
    let (Some(Counterpart { ids, .. }), Some(traced)) = (&record.counterpart, record.traced()) else {
        return Vec::new();
    };
    let total = view.total_strength(traced).filter(|total| *total > 0.0).unwrap_or(f64::NAN);
    let effect = |tokens: Range<usize>| {
        let site = view.strongest(record, tokens.clone())?;
        let (token, layer, effect) = (site.token, site.layer, site.strength);
        Some(GroupEffect { tokens, token, layer, effect, share_of_total: effect / total })
    };
    differing_groups(&record.ids, ids).into_iter().filter_map(effect).collect()
}

/// Why prompts cannot be summarised group by group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DifferenceError {
    /// A traced prompt has no counterpart.
    #[error(
        "fact {known_id} has no counterpart to differ from (or no grid of what is asked for): only sweeps of prompt \
         pairs can be summarised by their differences"
    )]
    NoCounterpart {
        /// The fact.
        known_id: i64,
    },
    /// It differs from its counterpart in another number of places.
    #[error(
        "fact {known_id} differs from its counterpart in {found} runs of tokens, and fact {first} in {expected}: \
         only prompts that differ in as many can be summarised together"
    )]
    OtherGroups {
        /// The fact.
        known_id: i64,
        /// The first fact.
        first: i64,
        /// How many runs the first fact has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
}

/// One run of differing tokens over many prompts; effects are counted in the expected direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupSummary {
    /// The tokens in the first prompt.
    pub tokens: Range<usize>,
    /// The strongest effect of the run's tokens over the prompts.
    pub effect: Spread,
    /// The 95 % interval of its mean, by bootstrap over prompts.
    pub ci95: [f64; 2],
    /// Mean of its share of the total effect, over the prompts whose total effect is in the expected direction.
    pub mean_share_of_total: f64,
}

/// Collects the groups' effects over prompts that all differ from their counterparts in as many runs of tokens.
#[derive(Debug, Clone)]
pub struct DifferenceSummary {
    view: View,
    first: Option<i64>,
    groups: Vec<Vec<GroupEffect>>,
    prompts: usize,
}

impl DifferenceSummary {
    /// Nothing collected yet.
    #[must_use]
    pub fn new(view: View) -> Self {
        DifferenceSummary { view, first: None, groups: Vec::new(), prompts: 0 }
    }

    /// Adds a record; a skipped one is passed over.
    ///
    /// # Errors
    /// When it has no counterpart, or differs from it in another number of runs than those before.
    pub fn add(&mut self, record: &PromptRecord) -> Result<(), DifferenceError> {
        if record.traced().is_none() {
            return Ok(());
        }
        let known_id = record.fact.known_id;
        let effects = group_effects(record, self.view);
        if effects.is_empty() {
            return Err(DifferenceError::NoCounterpart { known_id });
        }
        let first = *self.first.get_or_insert(known_id);
        if self.groups.is_empty() {
            self.groups = vec![Vec::new(); effects.len()];
        }
        let (expected, found) = (self.groups.len(), effects.len());
        if expected != found {
            return Err(DifferenceError::OtherGroups { known_id, first, expected, found });
        }
        for (group, effect) in self.groups.iter_mut().zip(effects) {
            group.push(effect);
        }
        self.prompts += 1;
        Ok(())
    }

    /// How many prompts were added.
    #[must_use]
    pub fn prompts(&self) -> usize {
        self.prompts
    }

    /// One summary for each run of differing tokens, in the order of the prompt; empty for no prompts. The bootstrap
    /// draws are those of [`SummaryOptions`](super::SummaryOptions).
    #[must_use]
    pub fn finish(&self, bootstrap_draws: usize, bootstrap_seed: u64) -> Vec<GroupSummary> {
        self.groups.iter().filter_map(|group| self.group(group, bootstrap_draws, bootstrap_seed)).collect()
    }

    fn group(&self, effects: &[GroupEffect], draws: usize, seed: u64) -> Option<GroupSummary> {
        let mut sums = PromptSums::new(1);
        effects.iter().enumerate().for_each(|(prompt, effect)| sums.push(prompt, 1, &[effect.effect]));
        let found = intervals(&[&sums], self.prompts, draws, seed);
        let values: Vec<f64> = effects.iter().map(|effect| effect.effect).collect();
        let shares: Vec<f64> =
            effects.iter().map(|effect| effect.share_of_total).filter(|share| share.is_finite()).collect();
        Some(GroupSummary {
            tokens: effects.first()?.tokens.clone(),
            effect: Spread::of(&values)?,
            ci95: [found[0].low[0], found[0].high[0]],
            mean_share_of_total: shares.iter().sum::<f64>() / shares.len() as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use causal_trace_core::{Component, Direction};

    use super::*;
    use crate::statistics::examples::{differing_at, record, view};

    #[test]
    fn runs_of_differing_tokens_are_maximal() {
        assert_eq!(differing_groups(&[1, 2, 3, 4, 5], &[1, 9, 9, 4, 9]), [1..3, 4..5]);
        assert_eq!(differing_groups(&[1, 2, 3], &[7, 2, 7]), [0..1, 2..3]);
        assert!(differing_groups(&[1, 2], &[1, 2]).is_empty());
        assert!(differing_groups(&[], &[1]).is_empty());
    }

    fn pair(id: i64, scale: f64, tokens: &[usize]) -> PromptRecord {
        let rows = [[0.0, 0.1], [0.2, 0.1], [0.1, 0.3], [0.0, 0.0], [0.4, 0.2], [0.0, 0.8]];
        let rows = rows.map(|row| row.map(|effect| scale * effect));
        let rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
        differing_at(record(id, 3..4, (0.9, 0.1), &rows), tokens)
    }

    #[test]
    fn a_group_has_the_effect_of_its_strongest_site() {
        let view = view(Component::Residual);
        let found = group_effects(&pair(1, 1.0, &[1, 2, 4]), view);
        let expected = [
            GroupEffect { tokens: 1..3, token: 2, layer: 1, effect: 0.3, share_of_total: 0.3 / 0.8 },
            GroupEffect { tokens: 4..5, token: 4, layer: 0, effect: 0.4, share_of_total: 0.4 / 0.8 },
        ];
        assert_eq!(found, expected);
        let noising = View { direction: Direction::Noise, ..view };
        assert_eq!(group_effects(&pair(1, -1.0, &[4]), noising)[0].effect, 0.4);
        assert!(group_effects(&record(1, 0..1, (0.9, 0.1), &[&[0.1]]), view).is_empty());
    }

    #[test]
    fn groups_are_summarised_over_prompts() {
        let mut summary = DifferenceSummary::new(view(Component::Residual));
        for (id, scale) in [(1, 1.0), (2, 0.5), (3, 0.0)] {
            summary.add(&pair(id, scale, &[1, 2, 4])).unwrap();
        }
        let found = summary.finish(400, 1);
        assert_eq!((found.len(), summary.prompts()), (2, 3));
        let first = &found[0];
        assert!((first.effect.mean - 0.15).abs() < 1e-12 && (first.effect.sd - 0.15).abs() < 1e-12);
        assert!((first.mean_share_of_total - 0.15 / 0.8).abs() < 1e-12);
        assert!(first.ci95[0] >= 0.0 && first.ci95[0] < 0.15 && first.ci95[1] > 0.15 && first.ci95[1] <= 0.3);
        assert_eq!(found, summary.finish(400, 1), "the draws are seeded");
    }

    #[test]
    fn prompts_that_do_not_match_are_refused() {
        let mut summary = DifferenceSummary::new(view(Component::Residual));
        summary.add(&pair(1, 1.0, &[1, 2, 4])).unwrap();
        let other = summary.add(&pair(2, 1.0, &[1])).unwrap_err().to_string();
        assert!(
            other.contains("fact 2 differs from its counterpart in 1 runs of tokens, and fact 1 in 2"),
            "{other}"
        );
        let without = record(3, 0..1, (0.9, 0.1), &[&[0.1]]);
        assert_eq!(summary.add(&without), Err(DifferenceError::NoCounterpart { known_id: 3 }));
        assert_eq!(summary.prompts(), 1);
    }
}
