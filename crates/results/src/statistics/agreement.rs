//! Whether two ways of tracing the same prompts come to the same places.

use causal_trace_core::{Role, RoleConvention};
use serde::Serialize;

use super::ComponentSummary;
use super::correlation::pearson;
use super::view::View;
use crate::PromptRecord;

/// How often the strongest site among the subject's tokens is the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PeakAgreement {
    /// How many prompts have a strongest site in both.
    pub prompts: usize,
    /// In how many of them it is at the same token.
    pub same_token: usize,
    /// In how many of them it is at tokens with the same roles.
    pub same_role: usize,
    /// Mean over these prompts of the distance of the two layers; `NaN` for no prompts.
    pub mean_layer_distance: f64,
}

/// Collects [`PeakAgreement`] from pairs of records of the same facts.
#[derive(Debug, Clone)]
pub struct PeakComparison {
    views: [View; 2],
    convention: RoleConvention,
    prompts: usize,
    same_token: usize,
    same_role: usize,
    layer_distance: usize,
}

impl PeakComparison {
    /// Nothing compared yet. The two views may be of different folders, components or metrics.
    #[must_use]
    pub fn new(views: [View; 2], convention: RoleConvention) -> Self {
        PeakComparison { views, convention, prompts: 0, same_token: 0, same_role: 0, layer_distance: 0 }
    }

    /// Compares two records; passes over those that do not both have a strongest site, in effect in the expected
    /// direction. Whether they did.
    pub fn add(&mut self, first: &PromptRecord, second: &PromptRecord) -> bool {
        let strongest = |view: View, record: &PromptRecord| {
            let site = view.strongest(record, record.subject?.range())?;
            (site.strength > 0.0).then_some(site)
        };
        let (Some(one), Some(other)) = (strongest(self.views[0], first), strongest(self.views[1], second))
        else {
            return false;
        };
        let same_text = first.tokens.get(one.token) == second.tokens.get(other.token);
        self.prompts += 1;
        self.same_token += usize::from(one.token == other.token && same_text);
        self.same_role += usize::from(self.roles(first, one.token) == self.roles(second, other.token));
        self.layer_distance += one.layer.abs_diff(other.layer);
        true
    }

    fn roles(&self, record: &PromptRecord, token: usize) -> Vec<Role> {
        let roles = |subject| self.convention.roles(subject, record.tokens.len(), token).collect();
        record.subject.map(roles).unwrap_or_default()
    }

    /// The counts so far.
    #[must_use]
    pub fn finish(&self) -> PeakAgreement {
        PeakAgreement {
            prompts: self.prompts,
            same_token: self.same_token,
            same_role: self.same_role,
            mean_layer_distance: self.layer_distance as f64 / self.prompts as f64,
        }
    }
}

/// Pearson's correlation of two average indirect effects over some roles and all layers, where both have them; none where
/// the numbers of layers differ, or it cannot be told. With the last token's row, which is large in every map, maps that
/// agree in nothing else correlate: see [`Role::BEFORE_LAST`]. Effects are taken with their signs: between metrics of which one
/// grows and the other falls as the answer comes back, full agreement is −1.
#[must_use]
pub fn map_correlation(first: &ComponentSummary, second: &ComponentSummary, roles: &[Role]) -> Option<f64> {
    if first.layers != second.layers {
        return None;
    }
    let [one, other] = [first, second].map(|of| {
        let rows: Vec<&[f64]> =
            roles.iter().map(|&role| &*of.average_indirect_effect[role as usize]).collect();
        rows.concat()
    });
    pearson(&one, &other)
}

#[cfg(test)]
mod tests {
    use causal_trace_core::{Component, Direction};

    use super::*;
    use crate::statistics::examples::{manifest, record, view};
    use crate::statistics::{Summariser, SummaryOptions};

    fn prompt(effects: [[f64; 2]; 3]) -> PromptRecord {
        record(1, 0..2, (0.9, 0.1), &[&effects[0], &effects[1], &effects[2]])
    }

    #[test]
    fn peaks_at_the_same_place_agree() {
        let views = [view(Component::Residual); 2];
        let mut comparison = PeakComparison::new(views, RoleConvention::Rome);
        let first = prompt([[0.0, 0.1], [0.3, 0.2], [0.0, 0.8]]);
        let near = prompt([[0.0, 0.1], [0.2, 0.3], [0.0, 0.8]]);
        let elsewhere = prompt([[0.0, 0.5], [0.2, 0.3], [0.0, 0.8]]);
        let nowhere = prompt([[0.0, -0.5], [0.0, -0.3], [0.0, 0.8]]);
        assert!(comparison.add(&first, &first));
        assert!(comparison.add(&first, &near));
        assert!(comparison.add(&first, &elsewhere));
        assert!(!comparison.add(&first, &nowhere));
        let expected =
            PeakAgreement { prompts: 3, same_token: 2, same_role: 2, mean_layer_distance: 2.0 / 3.0 };
        assert_eq!(comparison.finish(), expected);
    }

    #[test]
    fn the_same_token_by_number_is_not_the_same_by_text() {
        let mut comparison =
            PeakComparison::new([view(Component::Residual); 2], RoleConvention::Dannyallover);
        let first = prompt([[0.0, 0.1], [0.3, 0.2], [0.0, 0.8]]);
        let mut second = first.clone();
        second.tokens[1] = "other".to_owned();
        comparison.add(&first, &second);
        assert_eq!((comparison.finish().same_token, comparison.finish().same_role), (0, 1));
    }

    #[test]
    fn maps_correlate_cell_by_cell() {
        let summary = |records: &[PromptRecord], n_layers| {
            let mut summariser = Summariser::new(&manifest(n_layers), SummaryOptions::default());
            records.iter().for_each(|record| summariser.add(record).unwrap());
            summariser.finish().unwrap().components.remove(&Component::Residual).unwrap()
        };
        let first = summary(&[prompt([[0.0, 0.1], [0.3, 0.2], [0.0, 0.8]])], 2);
        let twice = summary(&[prompt([[0.0, 0.2], [0.6, 0.4], [0.0, 1.6]])], 2);
        let turned = summary(&[prompt([[0.0, -0.1], [-0.3, -0.2], [0.0, -0.8]])], 2);
        let of = |one, other| map_correlation(one, other, &Role::ALL);
        assert!((of(&first, &twice).unwrap() - 1.0).abs() < 1e-12);
        assert!((of(&first, &turned).unwrap() + 1.0).abs() < 1e-12);
        let other = summary(&[record(1, 0..1, (0.9, 0.1), &[&[0.1], &[0.2]])], 1);
        assert_eq!(of(&first, &other), None);
        // Alike in the last token's row only.
        let ends = |subject: [[f64; 2]; 2]| {
            let rows: [&[f64]; 5] = [&subject[0], &subject[1], &[0.0; 2], &[0.0; 2], &[0.0, 0.8]];
            summary(&[record(1, 0..2, (0.9, 0.1), &rows)], 2)
        };
        let (one, unlike) = (ends([[0.0, 0.1], [0.3, 0.2]]), ends([[0.1, 0.0], [0.2, 0.3]]));
        let before = map_correlation(&one, &unlike, &Role::BEFORE_LAST).unwrap();
        assert!(of(&one, &unlike).unwrap() > 0.95 && before < 0.8, "{before}");
    }

    #[test]
    fn views_may_differ_in_direction() {
        let views =
            [view(Component::Residual), View { direction: Direction::Noise, ..view(Component::Residual) }];
        let mut comparison = PeakComparison::new(views, RoleConvention::Rome);
        let first = prompt([[0.0, 0.1], [0.3, 0.2], [0.0, 0.8]]);
        let turned = prompt([[0.0, -0.1], [-0.3, -0.2], [0.0, -0.8]]);
        comparison.add(&first, &turned);
        assert_eq!(comparison.finish().same_token, 1);
    }
}
