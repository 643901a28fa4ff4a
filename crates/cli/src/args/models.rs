//! `causal-trace models` as it is typed.

use causal_trace_core::Precision;

const EXAMPLES: &str = "Examples:
  causal-trace models
  causal-trace models --precision bf16x3 --json

The cache is that of Hugging Face's tools: HF_HUB_CACHE, else hub in HF_HOME, else ~/.cache/huggingface/hub.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ModelsArgs {
    /// Accuracy of matrix products that the memory is for: f32, bf16x6, bf16x3 or bf16
    #[arg(long, default_value_t = Precision::F32)]
    pub(crate) precision: Precision,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
