//! `causal-trace completions` as it is typed.

use clap_complete::Shell;

const EXAMPLES: &str = "Examples:
  causal-trace completions bash > causal-trace.bash
  causal-trace completions zsh > _causal-trace
  causal-trace completions fish > causal-trace.fish

Where a shell looks for them: bash in ~/.local/share/bash-completion/completions/causal-trace, zsh in a folder of
$fpath as _causal-trace, fish in ~/.config/fish/completions/causal-trace.fish.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
