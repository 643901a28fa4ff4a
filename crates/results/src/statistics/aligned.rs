//! Averages over prompts that begin with the same tokens: those token by token, the rest by role.

use causal_trace_core::{Role, RoleConvention};
use serde::Serialize;

use super::RoleTable;
use super::view::View;
use crate::PromptRecord;

/// The average indirect effects of prompts that share their first tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlignedAverage {
    /// The shared tokens as text: the longest beginning that all prompts have in common, before any subject.
    pub tokens: Vec<String>,
    /// For each shared token, whether it differs from some prompt's counterpart.
    pub differs: Vec<bool>,
    /// Number of layers.
    pub n_layers: usize,
    /// Mean over prompts of IE, `[tokens][n_layers]`.
    pub prefix: Vec<Vec<f64>>,
    /// Mean over tokens of IE of the rest of the prompts, by role: `[6][n_layers]`, `NaN` where no token has the role.
    /// Tokens between the shared ones and the subject have no role.
    pub roles: RoleTable,
    /// How many tokens have each role.
    pub counts: [usize; 6],
    /// How many prompts.
    pub prompts: usize,
}

/// Averages records; those that were skipped or lack the grid are passed over. None where nothing is left, or the grids
/// have different numbers of layers.
#[must_use]
pub fn aligned_average<'a>(
    records: impl IntoIterator<Item = &'a PromptRecord>,
    view: View,
    convention: RoleConvention,
) -> Option<AlignedAverage> {
    let records: Vec<_> =
        records.into_iter().filter_map(|record| Some((record, view.grid(record)?))).collect();
    let (first, grid) = records.first()?;
    let n_layers = grid.n_layers;
    if records.iter().any(|(_, grid)| grid.n_layers != n_layers) {
        return None;
    }
    let shared = records.iter().map(|(record, _)| in_common(first, record)).min()?;
    let mut prefix = vec![Mean::new(n_layers); shared];
    let mut roles: [Mean; 6] = std::array::from_fn(|_| Mean::new(n_layers));
    for (record, grid) in &records {
        for (token, effects) in grid.indirect_effect.chunks(n_layers).enumerate() {
            match prefix.get_mut(token) {
                Some(mean) => mean.add(effects),
                None => {
                    roles_of(record, convention, token).for_each(|role| roles[role as usize].add(effects))
                }
            }
        }
    }
    let differs = |token: usize| {
        let differs_in = |(record, _): &(&PromptRecord, _)| {
            let other = record.counterpart.as_ref().and_then(|other| other.ids.get(token));
            other.is_some() && other != record.ids.get(token)
        };
        records.iter().any(differs_in)
    };
    Some(AlignedAverage {
        tokens: first.tokens[..shared].to_vec(),
        differs: (0..shared).map(differs).collect(),
        n_layers,
        prefix: prefix.iter().map(Mean::values).collect(),
        counts: roles.each_ref().map(|role| role.count),
        roles: roles.iter().map(Mean::values).collect(),
        prompts: records.len(),
    })
}

/// How many tokens two prompts begin with together, none of them of a subject.
fn in_common(first: &PromptRecord, other: &PromptRecord) -> usize {
    let before_subject = [first, other]
        .into_iter()
        .map(|record| record.subject.map_or(record.tokens.len(), |subject| subject.start))
        .min()
        .unwrap_or(0);
    let same = first.tokens.iter().zip(&other.tokens).take_while(|(one, other)| one == other).count();
    same.min(before_subject)
}

fn roles_of(record: &PromptRecord, convention: RoleConvention, token: usize) -> impl Iterator<Item = Role> {
    let n_tokens = record.tokens.len();
    record.subject.into_iter().flat_map(move |subject| convention.roles(subject, n_tokens, token))
}

/// The mean of some rows, column by column.
#[derive(Debug, Clone)]
struct Mean {
    count: usize,
    sums: Vec<f64>,
}

impl Mean {
    fn new(n_columns: usize) -> Self {
        Mean { count: 0, sums: vec![0.0; n_columns] }
    }

    fn add(&mut self, row: &[f64]) {
        self.count += 1;
        self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }

    /// `NaN` for no rows.
    fn values(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.count as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Component;

    use super::*;
    use crate::statistics::examples::{differing_at, record, view};

    /// Two shared tokens, one that is not shared, a subject of one token, and so many tokens after it.
    fn prompt(id: i64, scale: f64, after: usize) -> PromptRecord {
        let rows: Vec<[f64; 2]> = (0..4 + after).map(|token| [scale * token as f64, scale]).collect();
        let rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
        let mut record = differing_at(record(id, 3..4, (0.9, 0.1), &rows), &[1]);
        record.tokens[2] = format!(" own {id}");
        record
    }

    #[test]
    fn shared_tokens_by_themselves_and_the_rest_by_role() {
        let records = [prompt(1, 1.0, 1), prompt(2, 3.0, 2)];
        let found = aligned_average(&records, view(Component::Residual), RoleConvention::Rome).unwrap();
        assert_eq!((found.tokens.len(), found.prompts, found.n_layers), (2, 2, 2));
        assert_eq!(found.differs, [false, true]);
        assert_eq!(found.prefix, [[0.0, 2.0], [2.0, 2.0]]);
        assert_eq!(found.counts, [2, 0, 2, 2, 0, 2]);
        assert_eq!(found.roles[0], [6.0, 2.0]);
        assert_eq!(found.roles[3], [8.0, 2.0]);
        assert_eq!(found.roles[5], [(4.0 + 15.0) / 2.0, 2.0]);
        assert!(found.roles[1][0].is_nan());
    }

    #[test]
    fn a_subject_ends_what_is_shared() {
        let records = [prompt(1, 1.0, 2), prompt(1, 1.0, 2)];
        let found = aligned_average(&records, view(Component::Residual), RoleConvention::Rome).unwrap();
        assert_eq!(found.tokens.len(), 3);
        let one = aligned_average(&records[..1], view(Component::Residual), RoleConvention::Rome).unwrap();
        assert_eq!((one.prefix, one.roles[0].clone()), (found.prefix, found.roles[0].clone()));
        assert_eq!(aligned_average(&[], view(Component::Residual), RoleConvention::Rome), None);
        assert_eq!(aligned_average(&records, view(Component::Mlp), RoleConvention::Rome), None);
    }
}
