//! Two folders beside each other.

use std::collections::BTreeSet;

use crate::{Outcome, PromptRecord};

/// The ids of the prompts that were traced in both of two folders, for a comparison of two models: those with the
/// same id, text and subject.
#[must_use]
pub fn common_ids<'a>(
    first: impl IntoIterator<Item = &'a PromptRecord>,
    second: impl IntoIterator<Item = &'a PromptRecord>,
) -> BTreeSet<i64> {
    let traced = |records: &mut dyn Iterator<Item = &'a PromptRecord>| -> BTreeSet<(i64, &'a str, &'a str)> {
        records
            .filter(|record| matches!(record.outcome, Outcome::Traced(_)))
            .map(|record| (record.fact.known_id, &*record.fact.prompt, &*record.fact.subject))
            .collect()
    };
    let first = traced(&mut first.into_iter());
    traced(&mut second.into_iter()).intersection(&first).map(|(id, ..)| *id).collect()
}
