//! `causal-trace reproduce` as it is typed.

use std::path::PathBuf;

use super::{MOST_THREADS, PrecisionChoice, up_to};
use crate::experiment::Asked;
use crate::memory::parse_bytes;

const MOST_FACTS: usize = 1 << 30;

const EXAMPLES: &str = "Examples:
  # What there is, and about how long each takes
  causal-trace reproduce --list

  # One of them on the embedded model; its page is rome-averages/README.md
  causal-trace reproduce rome-averages

  # The same question to another model
  causal-trace reproduce gaussian-noise --model gpt2-xl --facts known_1000 \\
      --out gpt2-xl-noise

  # An experiment of one's own: take a file, change it, try it on a few facts
  causal-trace reproduce --print gaussian-noise > my.toml
  causal-trace reproduce ./my.toml --limit 20

An experiment is a TOML file; docs/experiments.md describes it. The same command on the same folder goes on \
    where it stopped.

Exit codes: 0 done, 1 failed or interrupted, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReproduceArgs {
    /// The experiment: one of --list, or the path of a TOML file
    #[arg(value_name = "NAME|FILE.toml", required_unless_present_any = ["list", "print"])]
    pub(crate) experiment: Option<String>,
    /// List the experiments, with about how long each takes on the chosen model
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the file of an embedded experiment, to be copied and changed
    #[arg(long, value_name = "NAME", conflicts_with_all = ["list", "experiment"])]
    pub(crate) print: Option<String>,
    /// `demo`, `demo-j` (embedded), a folder in Hugging Face layout, or the name of a model on the Hugging Face hub
    #[arg(long, value_name = "MODEL", default_value = "demo")]
    pub(crate) model: String,
    /// The branch, tag or commit of a model of the hub [default: main]
    #[arg(long, value_name = "REVISION")]
    pub(crate) revision: Option<String>,
    /// The other model, where an experiment compares two
    #[arg(long, value_name = "MODEL", default_value = "demo-j")]
    pub(crate) second_model: String,
    /// The branch, tag or commit of the other model [default: main]
    #[arg(long, value_name = "REVISION")]
    pub(crate) second_revision: Option<String>,
    /// The facts, as ROME's known_1000.json (or known_1000, which downloads it), where the experiment has none of its own
    /// [default: the embedded facts]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// No run traces more than N facts: a random sample (seed 1) of a run's fact file, the first N of facts that a run
    /// names
    #[arg(long, value_name = "N", value_parser = up_to(MOST_FACTS))]
    pub(crate) limit: Option<usize>,
    /// Folder for results, figures and README.md [default: the experiment's name]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Accuracy of matrix products: f32, bf16x6, bf16x3, bf16, or auto (decided on a model's first prompt)
    #[arg(long, default_value_t)]
    pub(crate) precision: PrecisionChoice,
    /// Upper bound for the program's memory, as in 500M or 4G; two models get half of it each. Weights that do not fit
    /// are read from their files, layer by layer, for every batch of prompts [default: three quarters of the free
    /// memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl ReproduceArgs {
    /// What is asked of every experiment.
    pub(crate) fn asked(&self) -> Asked {
        Asked {
            model: self.model.clone(),
            revision: self.revision.clone(),
            second_model: self.second_model.clone(),
            second_revision: self.second_revision.clone(),
            facts: self.facts.clone(),
            limit: self.limit,
            precision: self.precision,
            threads: self.threads,
            memory: self.memory,
        }
    }
}
