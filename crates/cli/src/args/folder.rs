//! The commands on a results folder as they are typed.

use std::path::PathBuf;
use std::time::Duration;

use causal_trace_core::{Metric, RoleConvention};
use causal_trace_results::statistics::Selection;
use clap::ValueEnum;

use crate::commands::summary::Choice;
use crate::memory::parse_bytes;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// Which of the folder's prompts, and how their tokens are grouped.
#[derive(Debug, clap::Args)]
pub(crate) struct ChoiceArgs {
    /// Whose token roles: rome (a subject of one token is its first and its last), dannyallover (its first only)
    /// [default: the one that the folder's settings name]
    #[arg(long, value_name = "CONVENTION")]
    pub(crate) roles: Option<RoleConvention>,
    /// Which prompts: all, most-tokens:100, least-tokens:100, random:N or random:N:SEED, ids:1,2,3, relation:NAME
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub(crate) select: Selection,
}

impl ChoiceArgs {
    pub(crate) fn choice(&self) -> Choice {
        Choice { roles: self.roles, select: self.select.clone(), ..Choice::default() }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # Averages over all prompts of a sweep
  causal-trace summary results

  # The 100 longest prompts, in other roles, for a script
  causal-trace summary results --roles dannyallover --select most-tokens:100 --json

  # Another metric, which the sweep measured
  causal-trace summary swapped --metric logit_difference

  # What was left out, and why
  causal-trace summary results --skipped

{EXIT_CODES}"))]
pub(crate) struct SummaryArgs {
    /// The results folder
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// What is averaged: probability, or what the sweep measured beside it (log_probability, logit, logit_difference,
    /// kl_divergence, rank)
    #[arg(long, value_name = "NAME", default_value = "probability")]
    pub(crate) metric: Metric,
    /// List the facts that were left out, with the reasons
    #[arg(long)]
    pub(crate) skipped: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # Every figure that the folder gives
  causal-trace figures results --out figures

  # Another metric, which the sweep measured
  causal-trace figures swapped --metric logit_difference --out logits

  # For a paper, which has captions of its own
  causal-trace figures results --no-title --no-caption --formats pdf --out paper

  # Two models side by side, and two prompts
  causal-trace figures gpt2-xl-results --beside gpt-j-results --prompts ids:12,45 --out side-by-side

{EXIT_CODES}"))]
pub(crate) struct FiguresArgs {
    /// The results folder
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    /// Folder for the figures
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// What is drawn: probability, or what the sweep measured beside it (log_probability, logit, logit_difference,
    /// kl_divergence, rank)
    #[arg(long, value_name = "NAME", default_value = "probability")]
    pub(crate) metric: Metric,
    /// Which of the selected prompts get figures of their own, in the same words as --select [default: 4 at random]
    #[arg(long, value_name = "WHICH")]
    pub(crate) prompts: Option<Selection>,
    /// Which of the selected prompts are in the galleries, in the same words [default: 100 at random]
    #[arg(long, value_name = "WHICH")]
    pub(crate) gallery: Option<Selection>,
    /// How many prompts the averages of those with the fewest and the most tokens take, at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = super::up_to(1 << 30))]
    pub(crate) extremes: usize,
    /// Another model's results folder: its averages and the same prompts side by side
    #[arg(long, value_name = "RESULTS")]
    pub(crate) beside: Option<PathBuf>,
    /// Leave the titles out of the drawings; the files' metadata keep them, and galleries are as always
    #[arg(long)]
    pub(crate) no_title: bool,
    /// Leave the small print out of the drawings, in the same way: for papers, which have captions of their own
    #[arg(long)]
    pub(crate) no_caption: bool,
    /// File formats
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_values = ["svg", "pdf", "png"])]
    pub(crate) formats: Vec<FigureFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FigureFormat {
    Svg,
    Pdf,
    Png,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # One results folder as one file, to be sent
  causal-trace report results --out report.html

  # Two models in one file
  causal-trace report gpt2-xl-results gpt-j-results --out both.html

{EXIT_CODES}"))]
pub(crate) struct ReportArgs {
    /// The results folders, shown together and beside each other
    #[arg(value_name = "RESULTS", required = true, num_args = 1..)]
    pub(crate) results: Vec<PathBuf>,
    /// The HTML file to write; it needs no other file and no network
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// How large the file may be, in bytes or as in 20M. What does not fit is left out, and the file says so: first the
    /// single samples of every site, then prompts' numbers, whose rows stay in the table
    #[arg(long, value_name = "BYTES", default_value = "15000000", value_parser = parse_bytes)]
    pub(crate) max_size: usize,
    /// Print what was written as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # The files that ROME's own notebooks read
  causal-trace export results --to rome --out cases

  # Every site of every prompt as a table
  causal-trace export results --to csv --out results.csv

{EXIT_CODES}"))]
pub(crate) struct ExportArgs {
    /// The results folder
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    /// rome (a folder of knowledge_ID{,_mlp,_attn}.npz, probabilities only), csv (a folder with prompts.csv and sites.csv, or the sites
    /// alone in FILE.csv), json (one file)
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: ExportFormat,
    /// Where to
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Rome,
    Csv,
    Json,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # What ROME's code computed, as a results folder
  causal-trace import cases --from rome --model-name gpt2-xl --out imported

{EXIT_CODES}"))]
pub(crate) struct ImportArgs {
    /// The folder with knowledge_ID{,_mlp,_attn}.npz
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Whose files
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: ImportFormat,
    /// What the model is called in figures; the files do not say
    #[arg(long, value_name = "NAME")]
    pub(crate) model_name: String,
    /// The results folder to write
    #[arg(long, value_name = "RESULTS")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    Rome,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # Two machines that shared no disk
  causal-trace merge shard-0 shard-1 --out merged

Shards that have one folder need no merge.

{EXIT_CODES}"))]
pub(crate) struct MergeArgs {
    /// The results folders to join. With noise as s3 the level comes from the fact file: to join sweeps over two
    /// files, give both the same --noise as a number
    #[arg(value_name = "RESULTS", required = true, num_args = 1..)]
    pub(crate) results: Vec<PathBuf>,
    /// The results folder to write
    #[arg(long, value_name = "RESULTS")]
    pub(crate) out: PathBuf,
    /// Put the facts of different sweeps in the order of their ids, not in that of the folders as they are named. Shards
    /// of one sweep give the tables of one uninterrupted process, byte for byte, in either order
    #[arg(long)]
    pub(crate) sorted: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:
  # How far a sweep is, from any machine that sees its folder
  causal-trace status results

  # The same again every 10 seconds
  causal-trace status results --watch

{EXIT_CODES}"))]
pub(crate) struct StatusArgs {
    /// The results folder
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    /// Show it again every SECONDS until nothing is left or Ctrl-C [default: 10]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "10", value_parser = seconds)]
    pub(crate) watch: Option<Duration>,
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Whether a folder that was copied or crashed is whole
  causal-trace check results

  # Set aside what is damaged, so that the next sweep computes it again
  causal-trace check results --repair

Exit codes: 0 everything is there and right, or was put right by --repair; 1 something is wrong; 2 wrong usage.")]
pub(crate) struct CheckArgs {
    /// The results folder
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    /// Move what is damaged to RESULTS/damaged, so that the next sweep computes those parts again; nothing is deleted
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// When a worker is taken for dead.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ClaimArgs {
    /// A worker on the folder that was not heard of for so many seconds is taken for dead
    #[arg(long = "claim-expiry", value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub(crate) expiry: Duration,
}

/// Seconds; a claim is written to several times in it, and a folder is looked at no more often.
const LEAST_SECONDS: f64 = 0.5;

/// A time in seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds >= LEAST_SECONDS);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| format!("expected seconds, at least {LEAST_SECONDS}"))
}
