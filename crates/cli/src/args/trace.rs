//! `causal-trace trace` as it is typed.

use std::path::PathBuf;

use super::{MethodArgs, ModelArgs};

const TRACE_EXAMPLES: &str = "Examples:
  causal-trace trace
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --component all --out space-needle
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --facts known_1000.json --preset rome
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --counterpart \"The Eiffel Tower is in the city of\" --metric logit_difference

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
    /// The prompt of the corrupted run, of as many tokens: its states take the place of noise (--corruption pair)
    #[arg(long, value_name = "TEXT", requires = "prompt")]
    pub(crate) counterpart: Option<String>,
    /// The token that --metric logit_difference compares the answer with [default: the corrupted runs' top answer]
    #[arg(long, value_name = "TEXT")]
    pub(crate) foil: Option<String>,
    /// Facts whose subjects set the scale of s3, as ROME's known_1000.json [default: the embedded facts]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) method: MethodArgs,
    /// Folder for figures and numbers: trace{,_mlp,_attn}.{npz,svg,png,pdf}, the same figures of other metrics as
    /// trace-logit-difference.svg, trace.json
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print trace.json instead of the heat map
    #[arg(long)]
    pub(crate) json: bool,
}
