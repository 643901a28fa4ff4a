//! The page of `report` and `serve`: what it is given, and the HTML around it. Its scripts are in `explorer/`.
//!
//! - [`Report`] and what is in it mirror `explorer/src/data.ts`: all that is there before a prompt is opened;
//! - [`encode_chunk()`] writes the numbers of some prompts as `explorer/src/chunk.ts` reads them;
//! - [`ReportFile`] makes the one file of `report`; [`served_page()`] and [`served_policy()`] are for the server.
//!
//! Everything comes from results folders; the same folders give the same bytes.

mod assets;
mod chunk;
mod collector;
mod command;
mod data;
mod deciding;
mod error;
mod file;
mod fit;
mod left_out;
mod made;
mod names;
mod packer;
mod policy;
mod shell;
mod steps;
mod words;

pub use assets::{LICENSES, SCRIPT, STYLE};
pub use chunk::{SampleEncoding, encode_chunk};
pub use command::quoted;
pub use data::{ClassCount, ComponentInfo, DecidingSite, Folder, MetricInfo, PromptRow, Report};
pub use error::PageError;
pub use file::{FinishedReport, ReportFile};
pub use names::folder_names;
pub use policy::served_policy;
pub use shell::served_page;
