//! The live view: one model, its traces one after the other. The other side is `explorer/src/live.ts`, where every
//! field of what is asked and answered is explained.

mod command;
mod description;
mod events;
mod job;
mod jobs;
mod request;
mod save;
mod settings;
mod subject;
mod tokens;
mod tracer;
mod words;
mod worker;

pub(super) use description::describe;
pub(super) use job::{Job, follow};
pub(super) use jobs::Jobs;
pub(super) use request::{JobRequest, TokensRequest};
pub(super) use save::Saves;
pub(super) use tracer::Tracer;
pub(super) use worker::Worker;

/// The longest prompt.
pub(super) const MAX_PROMPT_BYTES: usize = 16 << 10;
/// Most draws of a corruption.
const MAX_SAMPLES: usize = 100;
/// Most numbers of a trace: they are kept for a while, and all sent.
const MAX_NUMBERS: usize = 500_000;
/// Most operations of a trace: hours on a processor of today.
const MAX_OPERATIONS: f64 = 1e15;
