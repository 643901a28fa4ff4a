//! `causal-trace completions`: generated from the arguments, so that they cannot drift.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Args, CompletionsArgs};
use crate::printer::Printer;

pub(crate) fn run(args: &CompletionsArgs, printer: &Printer) -> Result<()> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    // With a hyphen in the program's name, clap_complete's script for bash knows no command's options (clap's issue
    // 6421): it is made for a name without one, and registered for the real one.
    let plain = name.replace('-', "_");
    let called = if args.shell == Shell::Bash { &plain } else { &name };
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, called, &mut script);
    let script = String::from_utf8(script)?;
    let script = match args.shell {
        Shell::Bash => script.replace(&format!("default {plain}\n"), &format!("default {name}\n")),
        _ => script,
    };
    printer.result(&script);
    Ok(())
}
