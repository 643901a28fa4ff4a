//! `causal-trace completions` as it is typed.

use clap_complete::Shell;

const EXAMPLES: &str = "Examples:
  # Where bash, zsh (a folder of $fpath) and fish look for them
  causal-trace completions bash > ~/.local/share/bash-completion/completions/causal-trace
  causal-trace completions zsh > ~/.zfunc/_causal-trace
  causal-trace completions fish > ~/.config/fish/completions/causal-trace.fish

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
