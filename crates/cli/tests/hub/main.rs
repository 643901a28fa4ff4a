//! Models by name, against a server on this machine that answers as the Hugging Face hub does, and fails as networks do.

#![cfg(all(unix, feature = "hub"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of test functions")]

mod broken;
mod cached;
mod facts;
mod listed;
mod models;
mod refused;
mod repository;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod user;
mod wire;
