//! Averages over the prompts of a results folder, their deviations and intervals; which prompts to average.
//!
//! `docs/statistics.md` defines every number.

mod bootstrap;
mod compare;
mod selection;
mod summariser;
mod summary;
mod tally;

pub use compare::common_ids;
pub use selection::{Candidate, ParseSelectionError, Selection, SelectionError};
pub use summariser::{StatisticsError, Summariser, SummaryOptions};
pub use summary::{ComponentSummary, RoleTable, Summary};
