//! The command line as it is typed.

use std::path::PathBuf;

use causal_trace_core::{Direction, Engine, NoiseRule, NoiseStream};
use clap::{Parser, Subcommand, ValueEnum};

use crate::memory::parse_bytes;

const MOST_SAMPLES: usize = 10_000;
const MOST_THREADS: usize = 1_024;
const MOST_TOKENS: usize = 1_024;
const MOST_LAYERS: usize = 10_000;
const MOST_RUNS: usize = 1_000;

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

const TRACE_EXAMPLES: &str = "Examples:
  causal-trace trace
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --component all --out space-needle
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --facts known_1000.json --preset rome

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, Default, clap::Args)]
#[command(after_help = TRACE_EXAMPLES)]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The text up to, not including, the answer
    #[arg(long, value_name = "TEXT", requires = "subject")]
    pub(crate) prompt: Option<String>,
    /// The part of the prompt that is corrupted
    #[arg(long, value_name = "TEXT", requires = "prompt")]
    pub(crate) subject: Option<String>,
    /// The token whose probability is measured; a space before it is assumed [default: the model's own prediction]
    #[arg(long, value_name = "TEXT")]
    pub(crate) answer: Option<String>,
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
    /// Facts whose subjects set the scale of s3, as ROME's known_1000.json [default: the embedded facts]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
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
    /// Folder for figures and numbers: trace{,_mlp,_attn}.{npz,svg,png,pdf}, trace.json
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print trace.json instead of the heat map
    #[arg(long)]
    pub(crate) json: bool,
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

const TOKENS_EXAMPLES: &str = "Example:
  causal-trace tokens --model ./gpt2 --prompt \"The Eiffel Tower is in\" --subject \"The Eiffel Tower\"

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = TOKENS_EXAMPLES)]
pub(crate) struct TokensArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The text
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: String,
    /// A part of it
    #[arg(long, value_name = "TEXT")]
    pub(crate) subject: Option<String>,
    /// How many predictions to show
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = up_to(MOST_TOKENS))]
    pub(crate) top: usize,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

const BENCH_EXAMPLES: &str = "Example:
  causal-trace bench --shape gpt2 --tokens 9 --samples 10 --naive

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    /// gpt2, gpt2-medium, gpt2-large, gpt2-xl, or LAYERSxWIDTHxHEADS
    #[arg(long, default_value = "gpt2")]
    pub(crate) shape: String,
    /// Tokens of the prompt
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = up_to(MOST_TOKENS))]
    pub(crate) tokens: usize,
    /// Tokens of the subject, which begins the prompt
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = up_to(MOST_TOKENS))]
    pub(crate) subject: usize,
    /// Noise draws
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = up_to(MOST_SAMPLES))]
    pub(crate) samples: usize,
    /// What is restored
    #[arg(long, default_value = "residual")]
    pub(crate) component: ComponentChoice,
    /// Layers restored at once, for mlp and attn
    #[arg(long, value_name = "LAYERS", default_value_t = 10, value_parser = up_to(MOST_LAYERS))]
    pub(crate) window: usize,
    /// Accuracy of the computation
    #[arg(long, default_value = "f32")]
    pub(crate) precision: Precision,
    /// Timed runs, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = up_to(MOST_RUNS))]
    pub(crate) runs: usize,
    /// Time the plain loop too, in turns with the wavefront (slow: the whole model once per site)
    #[arg(long)]
    pub(crate) naive: bool,
    /// Upper bound for the states carried at once, as in 500M or 4G
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// A count from 1 to `most`.
fn up_to(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if number > 0 && number <= most => Ok(number),
        _ => Err(format!("expected a whole number above 0, at most {most}")),
    }
}
