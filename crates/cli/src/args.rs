//! The command line as it is typed.

use clap::{Parser, Subcommand};

use crate::log::LogFilter;

mod bench;
mod calibrate;
mod completions;
mod doctor;
mod folder;
mod man;
mod method;
mod models;
mod precision;
mod reproduce;
mod serve;
mod slurm;
mod sweep;
mod tokens;
mod trace;

pub(crate) use bench::BenchArgs;
pub(crate) use calibrate::{Answers, CalibrateArgs};
pub(crate) use completions::CompletionsArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use folder::{
    CheckArgs, ClaimArgs, ExportArgs, ExportFormat, FigureFormat, FiguresArgs, ImportArgs, ImportFormat,
    MergeArgs, ReportArgs, StatusArgs, SummaryArgs,
};
pub(crate) use man::ManArgs;
pub(crate) use method::{ComponentChoice, CorruptionChoice, MethodArgs, Preset};
pub(crate) use models::ModelsArgs;
pub(crate) use precision::PrecisionChoice;
pub(crate) use reproduce::ReproduceArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use slurm::{SlurmArgs, Tasks};
pub(crate) use sweep::{MOST_SHARDS, Shard, Share, SweepArgs, SweepOptions, TargetChoice};
pub(crate) use tokens::TokensArgs;
pub(crate) use trace::{TokenRange, TraceArgs};

const MOST_SAMPLES: usize = 10_000;
const MOST_THREADS: usize = 1_024;
const MOST_TOKENS: usize = 1_024;
pub(crate) const MOST_LAYERS: usize = 10_000;

const EXAMPLES: &str = "Without a command, traces a fact on the embedded model `demo`.

Examples:
  # The embedded model: the map of one fact
  causal-trace

  # A model in a folder, a prompt of one's own
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in\" \\
      --subject \"The Space Needle\"

  # More examples, for every command
  causal-trace help trace

Defaults for options are read from causal-trace.toml in the folder where the program is started, then from \
    ~/.config/causal-trace/config.toml (docs/configuration.md). NO_COLOR=1 takes the colours away.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// Where does a language model keep a fact? Corrupts the subject of a prompt, restores one hidden state at a
/// time, and measures how much of the answer comes back (causal tracing, Meng et al. 2022).
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = EXAMPLES
)]
pub(crate) struct Args {
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Read no configuration file
    #[arg(long, global = true)]
    pub(crate) no_config: bool,
    /// Tell on stderr what the program does: error, warn, info, debug, trace, or a level for each part, as in
    /// causal_trace=debug,causal_trace_engine=info [default: CAUSAL_TRACE_LOG, or nothing]
    #[arg(long, global = true, value_name = "LEVEL|FILTER")]
    pub(crate) log: Option<LogFilter>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Trace one prompt: a heat map of which states bring the answer back
    Trace(Box<TraceArgs>),
    /// Trace many prompts into a results folder, which can be continued at any time
    Sweep(Box<SweepArgs>),
    /// A published experiment by name, or one of your own, from start to figures
    Reproduce(Box<ReproduceArgs>),
    /// Averages of a results folder by token role and layer, with intervals
    Summary(SummaryArgs),
    /// Figures of a results folder, as SVG, PDF and PNG
    Figures(FiguresArgs),
    /// One HTML file with everything about some results folders, to look at, to search and to send
    Report(ReportArgs),
    /// The explorer: a page on this machine, with results folders and a live view in which one types a prompt
    Serve(Box<ServeArgs>),
    /// Write a results folder as ROME's case files, as CSV or as JSON
    Export(ExportArgs),
    /// Read ROME's case files into a results folder
    Import(ImportArgs),
    /// Join results folders that differ only in their facts or shard
    Merge(MergeArgs),
    /// Jobs for a cluster that runs Slurm: a sweep in shares, an array task for each, and its summary
    Slurm(Box<SlurmArgs>),
    /// How far the sweep of a results folder is: done, running, failed, left, and the time it still takes
    Status(StatusArgs),
    /// Read a whole results folder and name everything that is damaged, missing or there twice
    Check(CheckArgs),
    /// List the models that are embedded or in Hugging Face's cache: whether each can be traced, and in how much memory
    Models(ModelsArgs),
    /// Show what the model will see: tokens, ids, the subject's span, the top predictions
    Tokens(TokensArgs),
    /// Which noise level for a model: how much of its answers noise of each size destroys
    Calibrate(CalibrateArgs),
    /// Check a model and this machine, and print what a bug report should hold
    Doctor(DoctorArgs),
    /// Time the engine on a made-up model of a given shape
    Bench(BenchArgs),
    /// Print what a shell needs to complete commands, options and their values
    Completions(CompletionsArgs),
    /// The manual page of the program, or those of all its commands
    Man(ManArgs),
}

impl Default for Command {
    fn default() -> Self {
        Command::Trace(Box::default())
    }
}

/// Which model.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ModelArgs {
    /// `demo`, `demo-j` (embedded), a folder in Hugging Face layout, or the name of a model on the Hugging Face hub, as
    /// gpt2-xl or EleutherAI/gpt-j-6b, which is downloaded unless it is in Hugging Face's cache
    #[arg(long, value_name = "MODEL", default_value = "demo")]
    pub(crate) model: String,
    /// The branch, tag or commit of a model of the hub [default: main]
    #[arg(long, value_name = "REVISION")]
    pub(crate) revision: Option<String>,
}

impl Default for ModelArgs {
    fn default() -> Self {
        ModelArgs { model: "demo".to_owned(), revision: None }
    }
}

/// A count from 1 to `most`.
fn up_to(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if number > 0 && number <= most => Ok(number),
        _ => Err(format!("expected a whole number above 0, at most {most}")),
    }
}
