//! The program `causal-trace`: where does a language model keep a fact?

mod args;
mod auto_precision;
mod commands;
mod demo;
mod experiment;
mod fact_file;
mod hub;
mod known_facts;
mod memory;
mod models;
mod output_folder;
mod printer;
mod progress;
mod prompts;
mod question;
mod serve;
mod settings;
mod summary_table;
mod sweep;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use causal_trace_lm::kernels::Isa;

use args::{Args, Command};
use printer::Printer;
use usage::Usage;

/// Something was asked for that cannot be done.
const FAILED: u8 = 1;
/// The command line asks for something that makes no sense; clap's code too.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let printer = Printer::new(args.quiet);
    let command = args.command.unwrap_or_default();
    if let Err(error) = Isa::chosen() {
        printer.error(&error.into());
        return ExitCode::from(WRONG_USAGE);
    }
    let done = match &command {
        Command::Trace(args) => commands::trace::run(args, &printer),
        Command::Sweep(args) => commands::sweep::run(args, &printer),
        Command::Reproduce(args) => commands::reproduce::run(args, &printer),
        Command::Summary(args) => commands::summary::run(args, &printer),
        Command::Figures(args) => commands::figures::run(args, &printer),
        Command::Report(args) => commands::report::run(args, &printer),
        Command::Serve(args) => commands::serve::run(args, &printer),
        Command::Export(args) => commands::export::run(args, &printer),
        Command::Import(args) => commands::import::run(args, &printer),
        Command::Merge(args) => commands::merge::run(args, &printer),
        Command::Status(args) => commands::status::run(args, &printer),
        Command::Check(args) => commands::check::run(args, &printer),
        Command::Models(args) => commands::models::run(args, &printer),
        Command::Tokens(args) => commands::tokens::run(args, &printer),
        Command::Bench(args) => commands::bench::run(args, &printer),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(if error.is::<Usage>() { WRONG_USAGE } else { FAILED })
        }
    }
}
