//! `causal-trace tokens` as it is typed.

use causal_trace_core::Precision;

use super::{MOST_TOKENS, ModelArgs, up_to};

const TOKENS_EXAMPLES: &str = "Examples:
  # How the embedded model reads a prompt, and what it would say next
  causal-trace tokens --prompt \"The capital of France is\" --subject France

  # Whether a subject is whole tokens, before anything is traced
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
    /// Accuracy of matrix products: f32, bf16x6, bf16x3 or bf16
    #[arg(long, default_value_t = Precision::F32)]
    pub(crate) precision: Precision,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
