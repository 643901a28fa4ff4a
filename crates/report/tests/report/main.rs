//! What users of this crate see: files, terminal maps and errors.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod common;
mod data;
mod figures;
mod inputs;
mod page;
mod panels;
mod refusals;
mod terminal;
