//! The command line as it is typed.

use causal_trace_core::{Direction, Engine, NoiseRule, NoiseStream};
use clap::{Parser, Subcommand, ValueEnum};

mod bench;
mod folder;
mod sweep;
mod tokens;
mod trace;

pub(crate) use bench::BenchArgs;
pub(crate) use folder::{
    ExportArgs, ExportFormat, FigureFormat, FiguresArgs, ImportArgs, ImportFormat, MergeArgs, SummaryArgs,
};
pub(crate) use sweep::{Shard, SweepArgs, TargetChoice};
pub(crate) use tokens::TokensArgs;
pub(crate) use trace::TraceArgs;

use crate::memory::parse_bytes;

const MOST_SAMPLES: usize = 10_000;
const MOST_THREADS: usize = 1_024;
const MOST_TOKENS: usize = 1_024;
const MOST_LAYERS: usize = 10_000;

/// Where does a language model keep a fact? Corrupts the subject of a prompt, restores one hidden state at a
/// time, and measures how much of the answer comes back (causal tracing, Meng et al. 2022).
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Without a command, traces a fact on the embedded model `demo`.\n\n\
                  Example:\n  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in\" \
                  --subject \"The Space Needle\"\n\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub(crate) struct Args {
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Trace one prompt: a heat map of which states bring the answer back
    Trace(Box<TraceArgs>),
    /// Trace many prompts into a results folder, which can be continued at any time
    Sweep(Box<SweepArgs>),
    /// Averages of a results folder by token role and layer, with intervals
    Summary(SummaryArgs),
    /// Figures of a results folder, as SVG, PDF and PNG
    Figures(FiguresArgs),
    /// Write a results folder as ROME's case files, as CSV or as JSON
    Export(ExportArgs),
    /// Read ROME's case files into a results folder
    Import(ImportArgs),
    /// Join results folders that differ only in their facts or shard
    Merge(MergeArgs),
    /// Show what the model will see: tokens, ids, the subject's span, the top predictions
    Tokens(TokensArgs),
    /// Time the engine on a made-up model of a given shape
    Bench(BenchArgs),
}

impl Default for Command {
    fn default() -> Self {
        Command::Trace(Box::default())
    }
}

/// Which model.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ModelArgs {
    /// `demo`, `demo-j` (embedded), a folder in Hugging Face layout, or the id of a model in the Hugging Face cache
    #[arg(long, value_name = "MODEL", default_value = "demo")]
    pub(crate) model: String,
}

impl Default for ModelArgs {
    fn default() -> Self {
        ModelArgs { model: "demo".to_owned() }
    }
}

/// How a prompt is traced.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct MethodArgs {
    /// What is restored: residual, mlp, attn, or all three [default: residual]
    #[arg(long)]
    pub(crate) component: Option<ComponentChoice>,
    /// Layers restored at once, for mlp and attn [default: 10]
    #[arg(long, value_name = "LAYERS", value_parser = up_to(MOST_LAYERS))]
    pub(crate) window: Option<usize>,
    /// denoise (clean states into the corrupted run) or noise (the reverse) [default: denoise]
    #[arg(long)]
    pub(crate) direction: Option<Direction>,
    /// s3 (3 standard deviations of the subjects' embeddings; any factor), a number (Gaussian; 0 is none), u1.5
    /// (uniform) [default: s3]
    #[arg(long, value_name = "RULE", allow_hyphen_values = true)]
    pub(crate) noise: Option<NoiseRule>,
    /// The noise takes the place of the embeddings instead of being added
    #[arg(long)]
    pub(crate) replace: bool,
    /// How many times the noise is drawn [default: 10]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_SAMPLES))]
    pub(crate) samples: Option<usize>,
    /// Seed of the noise [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// independent, or rome (NumPy's RandomState(seed), afresh for every prompt) [default: independent]
    #[arg(long, value_name = "STREAM")]
    pub(crate) noise_stream: Option<NoiseStream>,
    /// Defaults of a published system: rome (its noise stream, its baseline with --replace; give its facts with
    /// --facts), dannyallover (noise 0.1, one token more)
    #[arg(long)]
    pub(crate) preset: Option<Preset>,
    /// wavefront (fast), or naive (the whole model once per site) [default: wavefront]
    #[arg(long)]
    pub(crate) engine: Option<Engine>,
    /// Accuracy of the computation [default: f32]
    #[arg(long)]
    pub(crate) precision: Option<Precision>,
    /// Upper bound for the states carried at once, beside weights and buffers, as in 500M or 4G [default: half of
    /// the free memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComponentChoice {
    Residual,
    Mlp,
    Attn,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    Rome,
    Dannyallover,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    /// Single precision throughout
    F32,
}

/// A count from 1 to `most`.
fn up_to(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if number > 0 && number <= most => Ok(number),
        _ => Err(format!("expected a whole number above 0, at most {most}")),
    }
}
