//! Who works on a folder: one process of one machine.

use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Characters of a host's name that are kept in file names.
const HOST_LENGTH: usize = 40;

/// One process that works on a sweep, as its claims name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Its own among all workers: host, process id and a random number.
    pub id: String,
    /// The machine's name.
    pub host: String,
    /// The process id there.
    pub pid: u32,
    /// Which share of the work it does, as in `3/8` or `any`.
    pub shard: Option<String>,
    /// The job that it is, under Slurm.
    pub slurm: Option<SlurmTask>,
    /// The program's name and version.
    pub program: String,
}

/// A job as Slurm numbers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmTask {
    /// `SLURM_JOB_ID`.
    pub job: String,
    /// `SLURM_ARRAY_JOB_ID`, of an array.
    pub array_job: Option<String>,
    /// `SLURM_ARRAY_TASK_ID`, of an array.
    pub array_task: Option<String>,
    /// `SLURM_RESTART_COUNT`: how often it was requeued.
    pub restarts: u32,
}

impl SlurmTask {
    /// As `squeue` names it.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.array_job, &self.array_task) {
            (Some(job), Some(task)) => format!("{job}_{task}"),
            _ => self.job.clone(),
        }
    }
}

impl Worker {
    /// This process.
    #[must_use]
    pub fn here(shard: Option<String>, slurm: Option<SlurmTask>, program: &str) -> Self {
        let (id, host) = (tag().to_owned(), host());
        Worker { id, host, pid: std::process::id(), shard, slurm, program: program.to_owned() }
    }

    /// Whether the other one is an earlier run of the same Slurm job, which has ended before this one began.
    pub(super) fn is_requeued_from(&self, other: &Worker) -> bool {
        match (&self.slurm, &other.slurm) {
            (Some(now), Some(then)) => now.job == then.job && then.restarts < now.restarts,
            _ => false,
        }
    }
}

/// What distinguishes this process from all others, in letters, digits and hyphens.
pub(super) fn tag() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| {
        let host: String = host().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let pid = std::process::id();
        // The standard library seeds its hashing at random, in every process anew.
        let random = std::hash::RandomState::new().hash_one((SystemTime::now(), pid));
        format!("{}-{pid}-{random:016x}", &host[..host.len().min(HOST_LENGTH)])
    })
}

fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
