//! Many prompts: from facts to the parts of a results folder.

mod interrupt;
mod prepared;
mod progress;
mod work;

pub(crate) use interrupt::Interrupt;
pub(crate) use prepared::{Prepared, prepare};
pub(crate) use progress::SweepProgress;
pub(crate) use work::{Work, share};
