//! `causal-trace doctor` as it is typed.

use super::{MOST_THREADS, ModelArgs, up_to};
use crate::memory::parse_bytes;

const EXAMPLES: &str = "Examples:
  causal-trace doctor
  causal-trace doctor --model ./llama --json > for-a-bug-report.json

Exit codes: 0 all is well, 1 a check failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Upper bound for the program's memory, as in 500M or 4G [default: three quarters of the free memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(crate) json: bool,
}
