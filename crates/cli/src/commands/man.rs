//! `causal-trace man`: manual pages, generated from the arguments, so that they cannot drift.

use anyhow::Result;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use roff::{Roff, roman};

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
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (has_commands, has_version) = (command.has_subcommands(), command.get_version().is_some());
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    // The generator's own section for this fills the lines of examples.
    sections(&help).to_writer(&mut text)?;
    if has_version {
        man.render_version_section(&mut text)?;
    }
    Ok((man.get_filename(), String::from_utf8(text)?))
}

/// What stands after the options of a command's help, as sections: its examples line by line, exit codes, and notes.
fn sections(help: &str) -> Roff {
    let (mut examples, mut notes, mut codes) = (Vec::new(), Vec::new(), Vec::new());
    for paragraph in help.split("\n\n") {
        if let Some(text) = paragraph.strip_prefix("Exit codes: ") {
            codes.push(text);
        } else if paragraph.starts_with("Examples:") || paragraph.starts_with("  ") {
            examples.push(paragraph.trim_start_matches("Examples:").trim_start_matches('\n'));
        } else {
            notes.push(paragraph);
        }
    }
    let mut roff = Roff::new();
    for (title, paragraphs) in [("NOTES", notes), ("EXIT STATUS", codes)] {
        if !paragraphs.is_empty() {
            roff.control("SH", [title]);
            for paragraph in paragraphs {
                roff.control("PP", []).text([roman(paragraph)]);
            }
        }
    }
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.join("\n\n").lines() {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    roff
}
