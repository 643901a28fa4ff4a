//! `causal-trace sweep` as it is typed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use causal_trace_core::RoleConvention;
use clap::ValueEnum;

use super::{ClaimArgs, MethodArgs, ModelArgs, up_to};

const MOST_FACTS: usize = 1 << 30;
pub(crate) const MOST_SHARDS: usize = 100_000;

const EXAMPLES: &str = "Examples:
  # The embedded model on its own facts
  causal-trace sweep --out results

  # A model of the hub on ROME's facts, as ROME traces them
  causal-trace sweep --model gpt2-xl --facts known_1000 --component all --preset rome \\
      --out gpt2-xl-results

  # 100 facts at random
  causal-trace sweep --model gpt2-xl --facts known_1000 --sample 100 --out hundred

  # Another subject of the relation in place of noise
  causal-trace sweep --corruption swap --metric logit_difference --out swapped

  # What eight workers on one folder will take
  causal-trace sweep --model gpt2-xl --facts known_1000 --shard 0/8 --out shared --dry-run

  # The fourth of eight workers on one folder
  causal-trace sweep --model gpt2-xl --facts known_1000 --shard 3/8 --out shared

The same command on the same folder goes on where it stopped. Ctrl-C ends it after the part in hand. \
    Several processes may work on one folder at a time, on any machines that share it.

Exit codes: 0 done, 1 failed or interrupted, 2 wrong usage.";

/// What a sweep traces, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct SweepOptions {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The facts to trace: a JSON list, one JSON object a line, or CSV with a header, with known_id, prompt, subject and
    /// attribute; or known_1000 for ROME's file, which is downloaded once. Their subjects set the scale of s3 [default:
    /// the embedded facts]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// Only the first N facts; files are often sorted, so that --sample is the fairer choice
    #[arg(long, value_name = "N", value_parser = up_to(MOST_FACTS), conflicts_with_all = ["ids", "sample"])]
    pub(crate) limit: Option<usize>,
    /// Only the facts of these ids
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "sample"
    )]
    pub(crate) ids: Option<Vec<i64>>,
    /// Only N facts, drawn by --seed
    #[arg(long, value_name = "N", value_parser = up_to(MOST_FACTS))]
    pub(crate) sample: Option<usize>,
    /// Whose probability is measured: predicted (the model's own prediction, which must be the attribute's first
    /// token, else the fact is skipped), attribute (which must be one token), or last-subtoken (the last token of
    /// prompt and attribute together, the attribute's others joining the prompt) [default: predicted]
    #[arg(long)]
    pub(crate) target: Option<TargetChoice>,
    /// Whose roles averages use where --roles is not given to them: rome or dannyallover [default: rome]
    #[arg(long, value_name = "CONVENTION")]
    pub(crate) roles: Option<RoleConvention>,
    #[command(flatten)]
    pub(crate) method: MethodArgs,
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) options: SweepOptions,
    /// The results folder: a new one, or one to go on with
    #[arg(long, value_name = "RESULTS")]
    pub(crate) out: PathBuf,
    /// Only the Ith of N shares of the work, counted from 0, or `any`: whatever nobody works on, until nothing is left.
    /// Shares may have one folder, or folders of their own that `merge` joins [default: all; in a Slurm array, the
    /// task's share]
    #[arg(long, value_name = "I/N|any")]
    pub(crate) shard: Option<Share>,
    /// Trace nothing, and say what there is to do: prompts, sites, operations, and the time, memory and disk that it
    /// takes on this machine, alone and in N shards with --shard 0/N
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the summary (or the plan of --dry-run) as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetChoice {
    Predicted,
    Attribute,
    LastSubtoken,
}

/// One of several shares of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Counted from 0.
    pub(crate) index: usize,
    pub(crate) count: usize,
}

/// Which parts of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    Ith(Shard),
    /// Whatever nobody works on.
    Any,
}

impl Share {
    /// All of it.
    pub(crate) const ALL: Share = Share::Ith(Shard { index: 0, count: 1 });
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Share::Ith(Shard { index, count }) => write!(f, "{index}/{count}"),
            Share::Any => f.write_str("any"),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "any" { Ok(Share::Any) } else { text.parse().map(Share::Ith) }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').map(|(index, count)| (index.parse(), count.parse()));
        match numbers {
            Some((Ok(index), Ok(count))) if index < count && count <= MOST_SHARDS => {
                Ok(Shard { index, count })
            }
            _ => Err(format!(
                "expected any, or I/N with I from 0 to N - 1 and N up to {MOST_SHARDS}, as in 0/8"
            )),
        }
    }
}
