//! `causal-trace slurm` as it is typed.

use std::path::PathBuf;
use std::str::FromStr;

use super::SweepOptions;

/// Slurm takes array indices up to four millions; clusters allow a thousand or some thousands.
const MOST_TASKS: usize = 100_000;

const EXAMPLES: &str = "Examples:
  # The scripts alone, to be read and submitted by hand
  causal-trace slurm results --array 8

  # A model of the hub on ROME's facts; four of sixteen tasks run at a time
  causal-trace slurm gpt2-xl-array --model gpt2-xl --facts known_1000 --array 16%4 \\
      --sbatch \"--partition=long --cpus-per-task=16 --mem=32G --time=12:00:00\"

Writes RESULTS/slurm/job.sh, an array with a task for each share of the sweep, and \
    RESULTS/slurm/summary.sh, which runs when all have ended; prints the commands that submit them, or \
    submits them with --submit.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SlurmArgs {
    /// The results folder, where all machines of the cluster see it: a new one, or one to go on with
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    /// Tasks of the array, each a share of the work; N%M lets M of them run at a time
    #[arg(long, value_name = "N[%M]")]
    pub(crate) array: Tasks,
    /// More options for sbatch, for both jobs
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub(crate) sbatch: Vec<String>,
    /// Submit the jobs
    #[arg(long)]
    pub(crate) submit: bool,
    #[command(flatten)]
    pub(crate) options: SweepOptions,
}

/// The tasks of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tasks {
    pub(crate) count: usize,
    pub(crate) at_a_time: Option<usize>,
}

impl FromStr for Tasks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().ok().filter(|number| (1..=MOST_TASKS).contains(number));
        let tasks = match text.split_once('%') {
            Some((count, most)) => (number(count), number(most).map(Some)),
            None => (number(text), Some(None)),
        };
        match tasks {
            (Some(count), Some(at_a_time)) => Ok(Tasks { count, at_a_time }),
            _ => Err(format!("expected N or N%M, numbers from 1 to {MOST_TASKS}, as in 16 or 16%4")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_counted() {
        assert_eq!("8".parse(), Ok(Tasks { count: 8, at_a_time: None }));
        assert_eq!("8%2".parse(), Ok(Tasks { count: 8, at_a_time: Some(2) }));
        for wrong in ["", "0", "-1", "0-7", "8%", "8%0", "%2", "1.5", "100001"] {
            assert!(wrong.parse::<Tasks>().is_err(), "{wrong}");
        }
    }
}
