//! The program `causal-trace`: where does a language model keep a fact?

mod args;
mod auto_precision;
mod calibrate;
mod command_line;
mod commands;
mod config;
mod demo;
mod experiment;
mod fact_file;
mod hub;
mod known_facts;
mod log;
mod memory;
mod models;
mod nearest;
mod output_folder;
mod printer;
mod progress;
mod prompts;
mod question;
mod serve;
mod settings;
mod slurm;
mod summary_table;
mod sweep;
mod usage;

use std::process::ExitCode;
use std::time::Instant;

use causal_trace_lm::kernels::Isa;

use args::Command;
use command_line::CommandLine;
use printer::Printer;
use usage::Usage;

/// Something was asked for that cannot be done.
const FAILED: u8 = 1;
/// The command line asks for something that makes no sense; clap's code too.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let CommandLine { args, from_files } = match CommandLine::parse(std::env::args_os().collect()) {
        Ok(line) => line,
        Err(error) => {
            Printer::new(false).error(&error);
            return ExitCode::from(WRONG_USAGE);
        }
    };
    let is_logged = match log::start(args.log) {
        Ok(is_logged) => is_logged,
        Err(error) => {
            Printer::new(false).error(&error.into());
            return ExitCode::from(WRONG_USAGE);
        }
    };
    let printer = Printer::new(args.quiet).without_progress(is_logged);
    from_files.iter().for_each(|note| printer.note(note));
    let isa = match Isa::chosen() {
        Ok(isa) => isa,
        Err(error) => {
            printer.error(&error.into());
            return ExitCode::from(WRONG_USAGE);
        }
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), instructions = %isa, "begun");
    let begun = Instant::now();
    let done = run(&args.command.unwrap_or_default(), &printer);
    tracing::info!(seconds = begun.elapsed().as_secs_f64(), succeeded = done.is_ok(), "ended");
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(if error.is::<Usage>() { WRONG_USAGE } else { FAILED })
        }
    }
}

fn run(command: &Command, printer: &Printer) -> anyhow::Result<()> {
    match command {
        Command::Trace(args) => commands::trace::run(args, printer),
        Command::Sweep(args) => commands::sweep::run(args, printer),
        Command::Reproduce(args) => commands::reproduce::run(args, printer),
        Command::Summary(args) => commands::summary::run(args, printer),
        Command::Figures(args) => commands::figures::run(args, printer),
        Command::Report(args) => commands::report::run(args, printer),
        Command::Serve(args) => commands::serve::run(args, printer),
        Command::Export(args) => commands::export::run(args, printer),
        Command::Import(args) => commands::import::run(args, printer),
        Command::Merge(args) => commands::merge::run(args, printer),
        Command::Slurm(args) => commands::slurm::run(args, printer),
        Command::Status(args) => commands::status::run(args, printer),
        Command::Check(args) => commands::check::run(args, printer),
        Command::Models(args) => commands::models::run(args, printer),
        Command::Tokens(args) => commands::tokens::run(args, printer),
        Command::Calibrate(args) => commands::calibrate::run(args, printer),
        Command::Doctor(args) => commands::doctor::run(args, printer),
        Command::Bench(args) => commands::bench::run(args, printer),
        Command::Completions(args) => commands::completions::run(args, printer),
        Command::Man(args) => commands::man::run(args, printer),
    }
}
