//! Results on disk and their statistics: the results folder of a sweep, ROME's case files, the JSON record of one
//! trace, averages over prompts.
//!
//! Invariant: nothing here needs a model. What is written can be read, drawn and averaged without weights.

mod case_file;
mod folder;
pub mod interchange;
mod manifest;
mod npz;
mod prompt_record;
pub mod statistics;
mod trace_file;

pub use case_file::{AnswerDetails, Case, CaseDetails, CaseFile, SkippedCase, SkippedDetails};
pub use folder::{
    Begun, CLAIM_EXPIRY, Claim, ClaimRecord, Claims, Dated, Failure, Fault, Finding, FolderError,
    FolderStatus, FolderWriter, Holder, KEPT_NAMES, MergeOrder, Merged, MissingParts, PartState, Plan,
    ResultsFolder, SLURM, SlurmTask, Worker, cut_into_parts, encoded_bytes, merge,
};
pub use manifest::{
    Counterparts, Difference, FORMAT, FORMAT_VERSION, FactsIdentity, Manifest, ModelIdentity, Settings,
    Target,
};
pub use npz::ArrayFileError;
pub use prompt_record::{
    Counterpart, EffectGrid, OtherMetric, Outcome, PromptRecord, Skip, SkipReason, TracedPrompt,
};
pub use trace_file::{ComponentEffects, NoiseSource, Strongest, TraceFile};
