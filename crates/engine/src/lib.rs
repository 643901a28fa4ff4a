//! Causal tracing: which states, restored in a corrupted run, bring the answer back.
//!
//! One entry point, [`trace()`], and [`trace_batch`] for several prompts in one sweep; [`patched`] is for sets of
//! patches that no grid has, [`baselines()`] for the runs without any. Two engines compute the same numbers: [`Engine::Naive`] runs the whole model once per site and is the yardstick;
//! [`Engine::Wavefront`] carries all patched runs through the layers in one sweep.
//!
//! Invariants: nothing here prints, plots, parses arguments or writes files; results go into a [`Sink`].

mod baselines;
mod check;
mod corrupt;
mod error;
mod measured;
mod naive;
mod noise_level;
mod plan;
mod population;
mod readout;
mod trace;
mod trunk;
mod turns;
mod wavefront;

pub use baselines::baselines;
pub use causal_trace_core::{Engine, Sink};
pub use error::TraceError;
pub use naive::{Patch, patched, patched_case};
pub use noise_level::{noise_level, subject_deviation};
pub use plan::{estimated_operations, minimal_operations};
pub use trace::{Answer, Case, trace, trace_batch, trace_case};
pub use turns::{estimated_memory, least_memory};
