//! `serve`, asked over its port as a browser asks it, and as nobody should.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of test functions")]

mod client;
mod folders;
mod limits;
mod live;
mod save;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod token;
