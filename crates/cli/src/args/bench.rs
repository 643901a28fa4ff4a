//! `causal-trace bench` as it is typed.

use super::{ComponentChoice, MOST_LAYERS, MOST_SAMPLES, MOST_THREADS, MOST_TOKENS, PrecisionChoice, up_to};
use crate::memory::parse_bytes;

const MOST_PROMPTS: usize = 10_000;
const MOST_RUNS: usize = 1_000;

const BENCH_EXAMPLES: &str = "Examples:
  # A prompt of 9 tokens on a model of the shape of GPT-2, with products less exact than float32's
  causal-trace bench --shape gpt2 --tokens 9 --samples 10 --precision bf16x3 --check

  # Any shape, beside the plain loop, for a script
  causal-trace bench --shape 4x128x4 --naive --json

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    /// gpt2, gpt2-medium, gpt2-large, gpt2-xl, gpt-j (6 billion parameters), or LAYERSxWIDTHxHEADS
    #[arg(long, default_value = "gpt2")]
    pub(crate) shape: String,
    /// Tokens of the prompt
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = up_to(MOST_TOKENS))]
    pub(crate) tokens: usize,
    /// Tokens of the subject, which begins the prompt
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = up_to(MOST_TOKENS))]
    pub(crate) subject: usize,
    /// Prompts traced together
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = up_to(MOST_PROMPTS))]
    pub(crate) prompts: usize,
    /// Noise draws
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = up_to(MOST_SAMPLES))]
    pub(crate) samples: usize,
    /// What is restored, a list as that of trace
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "residual")]
    pub(crate) component: Vec<ComponentChoice>,
    /// Layers restored at once, for mlp and attn
    #[arg(long, value_name = "LAYERS", default_value_t = 10, value_parser = up_to(MOST_LAYERS))]
    pub(crate) window: usize,
    /// Accuracy of matrix products: f32, bf16x6, bf16x3, bf16, or auto (the fastest that changes no probability of the
    /// first prompt by 1e-4)
    #[arg(long, default_value_t)]
    pub(crate) precision: PrecisionChoice,
    /// Timed runs, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = up_to(MOST_RUNS))]
    pub(crate) runs: usize,
    /// Time the plain loop too, in turns with the wavefront (slow: the whole model once per site)
    #[arg(long)]
    pub(crate) naive: bool,
    /// Measure the largest difference of a probability from f32, with the same model at f32, after the timed runs
    #[arg(long)]
    pub(crate) check: bool,
    /// Upper bound for the program's memory, as in 500M or 4G [default: three quarters of the free memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
