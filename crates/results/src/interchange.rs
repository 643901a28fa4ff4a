//! Other forms of a results folder: ROME's case files (written and read), CSV and JSON (written).
//!
//! Records are taken one at a time, so that a folder larger than the memory can be exported.

mod case_grid;
mod csv_export;
mod json_export;
mod rome_export;
mod rome_import;

pub use csv_export::CsvExport;
pub use json_export::JsonExport;
pub use rome_export::{RomeFile, rome_cases};
pub use rome_import::{ImportError, import_rome};
