//! `causal-trace serve` as it is typed.

use std::path::PathBuf;

use causal_trace_core::Precision;

use super::{MOST_THREADS, ModelArgs, up_to};
use crate::memory::parse_bytes;

const EXAMPLES: &str = "Examples:
  # The live view of the embedded model
  causal-trace serve

  # The same beside a results folder, opened in the browser
  causal-trace serve results --open

  # A model of the hub, and two results folders to compare
  causal-trace serve --model gpt2-xl --facts known_1000 gpt2-xl-results swapped

The page is for this machine alone. With --host it is reached from others, by those who know the address \
    that is printed, which has a secret in it. Ctrl-C ends it.

Exit codes: 0 ended, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Results folders to look at
    #[arg(value_name = "RESULTS")]
    pub(crate) results: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The port of the page; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8787)]
    pub(crate) port: u16,
    /// The address or name of this machine under which the page is reached, as 0.0.0.0 for all of its addresses
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Have a secret in the address without --host too, where several people use this machine
    #[arg(long)]
    pub(crate) token: bool,
    /// Open the page in the browser, where the address has no secret in it
    #[arg(long, conflicts_with = "token")]
    pub(crate) open: bool,
    /// The folder for results folders of traces that are saved in the live view
    #[arg(long, value_name = "DIR", default_value = "live-traces", conflicts_with = "no_save")]
    pub(crate) save: PathBuf,
    /// Let nothing be saved
    #[arg(long)]
    pub(crate) no_save: bool,
    /// Facts whose subjects set the scale of s3 and are guessed at in a prompt: a file as that of sweep, or known_1000 for
    /// ROME's, which is downloaded once [default: the embedded facts]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// Accuracy of matrix products: f32, bf16x6, bf16x3 or bf16
    #[arg(long, default_value_t = Precision::F32)]
    pub(crate) precision: Precision,
    /// Upper bound for the memory of the model and its traces, as in 500M or 4G [default: three quarters of the free
    /// memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
}
