//! The repository's commands, each written once: people and continuous integration run the same ones.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks through them")]

mod apt;
mod book;
mod check;
mod chromium;
mod experiments;
mod node;
mod page;
mod pdftotext;
mod process;
mod python;
mod reference;
mod slurm;
mod standalone;
mod test;
mod test_output;

use std::env;
use std::process::ExitCode;

use test::Install;

const HELP: &str = "\
The repository's commands:

  cargo xtask test [--no-install]  run every test, after installing what some of them need where
                                   that is possible; ends with a list of what was skipped
  cargo xtask check                formatting, dependency arrows, lints, documentation, the book; needs
                                   no Node
  cargo xtask ci                   test, then check
  cargo xtask static               build the program for Linux as one file that needs no library
                                   (target x86_64-unknown-linux-musl or aarch64's), and try it
  cargo xtask book                 write docs/reference.md from the program's help, and build the book
                                   of docs/ into target/book, with mdBook's crates; checks its links
  cargo xtask explorer             build the page of report and explorer again after a change in
                                   explorer/; its bundle in crates/report/assets is committed
  cargo xtask experiments          run every published experiment on the embedded model, and write
                                   docs/experiments.md and its figures from what they found
  cargo xtask demo [OPTIONS]       train the embedded models again (`demo --help` lists the options)

What `test` installs, unless --no-install is given: poppler-utils and chromium with apt-get, as
root or through sudo without a password, and slurm-wlm and munge where no service manager would
start them; NumPy, pandas, polars, DuckDB and PyArrow with pip, in
target/test-venv; where that fails, NumPy alone, with pip or as python3-numpy with apt-get; for the
page Node 20 or later with its npm, if apt-get offers one as new as that, and the packages of
explorer/package-lock.json with npm, in explorer/node_modules.

Environment:
  CAUSAL_TRACE_PYTHON              the Python whose packages read the result files; the tests find
                                   it here, and `cargo xtask test` sets it when it is not set
  CAUSAL_TRACE_CHROMIUM            the Chromium in which the page is tested, likewise
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["test"] => test::run(Install::Allowed),
        ["test", "--no-install"] => test::run(Install::Forbidden),
        ["check"] => check::run(),
        ["ci"] => test::run(Install::Allowed).and_then(|()| check::run()),
        ["static"] => standalone::build(),
        ["book"] => book::build(),
        ["explorer"] => page::build(),
        ["experiments"] => experiments::run(),
        ["demo", options @ ..] => demo(options),
        _ => Err(format!("unknown command `{}`; `cargo xtask` lists the commands", words.join(" "))),
    }
}

/// Trains the embedded models. The recipe is a workspace of its own, built only here.
fn demo(options: &[&str]) -> Result<(), String> {
    let mut recipe = process::cargo();
    recipe.args(["run", "--release", "--manifest-path", "demo/train/Cargo.toml", "--"]);
    process::step("demo", recipe.args(options))
}
