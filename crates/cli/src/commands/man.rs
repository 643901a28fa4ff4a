//! `causal-trace man`: manual pages, generated from the arguments, so that they cannot drift.

use anyhow::Result;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Args, ManArgs};
use crate::output_folder::{OutputFolder, refuse_results_folder};
use crate::printer::Printer;

pub(crate) fn run(args: &ManArgs, printer: &Printer) -> Result<()> {
    // Built: every command has its whole name then, and the options of all commands.
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let Some(folder) = &args.out else {
        printer.result(&page(program)?.1);
        return Ok(());
    };
    refuse_results_folder(folder)?;
    let out = OutputFolder::create(folder)?;
    let commands: Vec<Command> = program.get_subcommands().cloned().collect();
    for command in std::iter::once(program).chain(commands) {
        let (name, text) = page(command)?;
        out.write(&name, text.as_bytes())?;
    }
    printer.note(&format!("manual pages are in {}", folder.display()));
    Ok(())
}

/// A command's page: the name of its file, and its text.
fn page(command: Command) -> Result<(String, String)> {
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok((man.get_filename(), String::from_utf8(text)?))
}
