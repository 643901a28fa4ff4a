//! One short file for each command.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod export;
pub(crate) mod figures;
pub(crate) mod import;
pub(crate) mod merge;
pub(crate) mod models;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod summary;
pub(crate) mod sweep;
pub(crate) mod tokens;
pub(crate) mod trace;

use anyhow::{Context, Result};

/// Runs `work` on its own pool of threads; without a number, one for each processor.
fn with_threads<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> Result<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    Ok(pool.context("cannot start the threads")?.install(work))
}
