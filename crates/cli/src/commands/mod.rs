//! One short file for each command.

pub(crate) mod bench;
pub(crate) mod calibrate;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod figures;
pub(crate) mod import;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod models;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod serve;
pub(crate) mod slurm;
pub(crate) mod status;
pub(crate) mod summary;
pub(crate) mod sweep;
pub(crate) mod tokens;
pub(crate) mod trace;

use anyhow::{Context, Result};

/// Runs `work` on its own pool of threads; without a number, one for each processor, or for each that Slurm has given.
fn with_threads<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> Result<R> {
    let given = || crate::slurm::cpus(&crate::slurm::environment).map(|cpus| cpus.min(processors()));
    let threads = threads.or_else(given);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    Ok(pool.context("cannot start the threads")?.install(work))
}

/// How many processors this process may run on.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(usize::MAX, usize::from)
}
