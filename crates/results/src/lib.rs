//! Results on disk: ROME's case files and the JSON record of one trace.
//!
//! Invariant: nothing here needs a model. What is written can be read, drawn and averaged without weights.

mod case_file;
mod npz;
mod trace_file;

pub use case_file::CaseFile;
pub use npz::ArrayFileError;
pub use trace_file::{ComponentEffects, NoiseSource, Strongest, TraceFile};
