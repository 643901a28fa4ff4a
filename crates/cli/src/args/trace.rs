//! `causal-trace trace` as it is typed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ArgGroup;

use super::{MethodArgs, ModelArgs};

const TRACE_EXAMPLES: &str = "Examples:
  # A fact on the embedded model: the map in the terminal
  causal-trace trace

  # A prompt of one's own on a model in a folder, with figures and numbers in space-needle
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --component all --out space-needle

  # As ROME traces it: its noise stream, and noise of the scale of its facts' subjects
  causal-trace trace --model ./gpt2-xl --prompt \"The Space Needle is in the city of\" \\
      --subject \"The Space Needle\" --facts known_1000 --preset rome

  # Another prompt in place of noise, measured by the difference of two answers' logits
  causal-trace trace --model ./gpt2-xl --prompt \"The capital of France is\" --subject France \\
      --counterpart \"The capital of Italy is\" --metric logit_difference

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, Default, clap::Args)]
#[command(after_help = TRACE_EXAMPLES, group = ArgGroup::new("marked"))]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The text up to, not including, the answer
    #[arg(long, value_name = "TEXT", requires = "marked")]
    pub(crate) prompt: Option<String>,
    /// The part of the prompt that is corrupted
    #[arg(long, value_name = "TEXT", requires = "prompt", group = "marked")]
    pub(crate) subject: Option<String>,
    /// The same by its tokens, counted from 0, the end not included, as in 0..3: for a subject that occurs before, or a
    /// part of a word
    #[arg(long, value_name = "FIRST..END", requires = "prompt", group = "marked")]
    pub(crate) subject_tokens: Option<TokenRange>,
    /// The token whose probability is measured; a space before it is assumed [default: the model's own prediction]
    #[arg(long, value_name = "TEXT", conflicts_with = "answer_id")]
    pub(crate) answer: Option<String>,
    /// The same by its id (see `tokens`)
    #[arg(long, value_name = "ID")]
    pub(crate) answer_id: Option<u32>,
    /// The prompt of the corrupted run, of as many tokens: its states take the place of noise (--corruption pair)
    #[arg(long, value_name = "TEXT", requires = "prompt")]
    pub(crate) counterpart: Option<String>,
    /// The token that --metric logit_difference compares the answer with [default: the corrupted runs' top answer]
    #[arg(long, value_name = "TEXT")]
    pub(crate) foil: Option<String>,
    /// Facts whose subjects set the scale of s3: a file as that of sweep, or known_1000 for ROME's, which is downloaded
    /// once [default: the embedded facts]
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

/// Some tokens of a prompt, as in `0..3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenRange {
    pub(crate) first: usize,
    /// The first token after it.
    pub(crate) end: usize,
}

impl fmt::Display for TokenRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.end)
    }
}

impl FromStr for TokenRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once("..").map(|(first, end)| (first.parse(), end.parse()));
        match numbers {
            Some((Ok(first), Ok(end))) if first < end => Ok(TokenRange { first, end }),
            _ => Err("expected FIRST..END with END above FIRST, as in 0..3".to_owned()),
        }
    }
}
