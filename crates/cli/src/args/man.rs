//! `causal-trace man` as it is typed.

use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  # The page of the program, read at once
  causal-trace man > causal-trace.1

  # The pages of all commands; `man -M man causal-trace-sweep` shows one of them
  causal-trace man --out man/man1

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// Write the pages of the program and of every command into this folder, instead of printing the program's
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
