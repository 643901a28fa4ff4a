//! Two folders beside each other.

use std::collections::BTreeSet;

use crate::{Outcome, PromptRecord};

/// The ids that were traced in both of two folders, for a comparison of two models on the same prompts.
///
/// Facts with the same id are taken for the same fact: compare folders that were made of one fact file.
#[must_use]
pub fn common_ids<'a>(
    first: impl IntoIterator<Item = &'a PromptRecord>,
    second: impl IntoIterator<Item = &'a PromptRecord>,
) -> BTreeSet<i64> {
    let traced = |records: &mut dyn Iterator<Item = &'a PromptRecord>| -> BTreeSet<i64> {
        records
            .filter(|record| matches!(record.outcome, Outcome::Traced(_)))
            .map(|record| record.fact.known_id)
            .collect()
    };
    let first = traced(&mut first.into_iter());
    traced(&mut second.into_iter()).intersection(&first).copied().collect()
}
