//! Many prompts: from facts to the parts of a results folder.

mod forecast;
mod heart;
mod interrupt;
mod made;
mod pairing;
mod precision;
mod prepared;
mod probe;
mod progress;
mod queue;
mod request;
mod run;
mod shares;
mod work;

pub(crate) use forecast::Forecast;
pub(crate) use interrupt::Interrupt;
pub(crate) use made::Made;
pub(crate) use pairing::{Pairing, order};
pub(crate) use precision::{FirstFact, settled};
pub(crate) use prepared::{Preparation, Prepared, Ready};
pub(crate) use progress::{SweepProgress, duration};
pub(crate) use request::{Request, Sweep};
pub(crate) use run::{AtWork, Traced};
pub(crate) use shares::shares;
pub(crate) use work::Work;
