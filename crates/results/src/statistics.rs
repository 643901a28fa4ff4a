//! Averages over the prompts of a results folder.

mod summary;

pub use summary::{ComponentSummary, RoleTable, Summary};
