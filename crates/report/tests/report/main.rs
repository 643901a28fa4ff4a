//! What users of this crate see: files, terminal maps and errors.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod charts;
mod common;
mod data;
mod experiment_tests;
mod experiments;
mod figures;
mod inputs;
mod page;
mod panels;
mod refusals;
mod terminal;
