//! `cargo xtask test`: the tools that some tests need, the tests, and what was skipped.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::process::{announce, cannot_start, cargo, step};
use crate::test_output::Reader;
use crate::{page, pdftotext, python, slurm};

/// Whether tools may be installed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Install {
    Allowed,
    Forbidden,
}

/// Runs every test of the workspace; fails if one fails, never for want of a tool.
pub(crate) fn run(install: Install) -> Result<(), String> {
    let mut missing = Vec::new();
    if let Err(why) = pdftotext::find(install) {
        missing.push(format!("pdftotext, to read the text of PDF figures: {why}"));
    }
    if let Err(why) = slurm::find(install) {
        missing.push(format!("Slurm, to run a sweep as an array job: {why}"));
    }
    let mut tests = cargo_test();
    match python::find(install) {
        Ok(python) => {
            println!("Python: {}", python.program.display());
            tests.env(python::PYTHON, &python.program);
            if !python.missing.is_empty() {
                let packages = python.missing.join(", ");
                missing.push(format!("in that Python: {packages}, to open the results folder"));
            }
        }
        Err(why) => missing.push(format!("Python with NumPy, to load the result files: {why}")),
    }
    let tools = page::Tools::find(install);
    missing.extend(tools.missing());
    for tool in &missing {
        println!("missing: {tool}\n  the tests that need it will be skipped");
    }
    step("build the tests", cargo_test().arg("--no-run"))?;
    let started = Instant::now();
    let mut reader = Reader::default();
    tests.args(["--no-fail-fast", "--", "--show-output"]);
    let passed = run_tests("run the tests", &mut tests, &mut reader)?;
    let page_passed = page::test(&tools, &mut reader)?;
    println!("\ntests: {:.1} s", started.elapsed().as_secs_f64());
    print!("{}", reader.tally.summary(&missing));
    if passed && page_passed { Ok(()) } else { Err("tests failed; see above".to_owned()) }
}

/// Release is the only profile, so that the tests share every build with the program.
fn cargo_test() -> Command {
    let mut command = cargo();
    command.args(["test", "--release", "--workspace"]);
    command
}

/// Runs tests, passing their output on in short, and counts them; whether all passed.
pub(crate) fn run_tests(title: &str, tests: &mut Command, reader: &mut Reader) -> Result<bool, String> {
    announce(title, tests);
    let broken = |error: io::Error| format!("the output of the tests cannot be read: {error}");
    // One pipe for both streams keeps cargo's headings above the tests they announce.
    let (output, input) = io::pipe().map_err(broken)?;
    tests.stdout(input.try_clone().map_err(broken)?).stderr(input);
    let mut child = tests.spawn().map_err(|error| cannot_start(tests, &error))?;
    // This process's own ends must be closed, or the output never ends.
    tests.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(output).split(b'\n') {
        if let Some(line) = reader.line(&String::from_utf8_lossy(&line.map_err(broken)?)) {
            println!("{line}");
        }
    }
    Ok(child.wait().map_err(broken)?.success())
}
