//! The page of `report` and `serve`: what it is given, read back by a decoder of the tests' own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic, its helpers too")]

mod chunks;
mod command;
mod document;
mod file;
mod folder;
mod made_up;
mod size;
