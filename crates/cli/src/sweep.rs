//! Many prompts: from facts to the parts of a results folder.

mod interrupt;
mod made;
mod pairing;
mod precision;
mod prepared;
mod progress;
mod request;
mod work;

pub(crate) use interrupt::Interrupt;
pub(crate) use made::Made;
pub(crate) use pairing::Pairing;
pub(crate) use precision::{FirstFact, settled};
pub(crate) use prepared::{Preparation, Prepared};
pub(crate) use progress::{SweepProgress, duration};
pub(crate) use request::{Request, Sweep};
pub(crate) use work::{Work, share};
