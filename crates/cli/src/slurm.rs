//! Under Slurm: what it says of this process, and jobs for it.

mod allocation;
mod script;
mod submit;
mod task;
mod typed;

pub(crate) use allocation::{cpus, memory};
pub(crate) use script::{Jobs, Scripts};
pub(crate) use submit::{Submitted, submit};
pub(crate) use task::{shard_of_array, slurm_task};
pub(crate) use typed::typed;

/// The value of an environment variable.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Of this process.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
