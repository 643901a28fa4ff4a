//! `cargo xtask check`: what the compiler does not refuse by itself.

use std::process::Command;

use crate::book;
use crate::process::{cargo, step};

/// Runs every check, even after one failed.
pub(crate) fn run() -> Result<(), String> {
    let mut failures: Vec<String> =
        steps().iter_mut().filter_map(|(title, command)| step(title, command).err()).collect();
    failures.extend(book::check().err());
    for failure in &failures {
        println!("\nfailed: {failure}");
    }
    if failures.is_empty() { Ok(()) } else { Err(format!("{} of the checks failed", failures.len())) }
}

fn steps() -> Vec<(&'static str, Command)> {
    let mut documentation =
        with(&["doc", "--release", "--workspace", "--no-deps", "--document-private-items"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    // The program alone: tests of it would be built again for little.
    let mut without_downloads = vec!["clippy", "--release", "--workspace", "--bins", "--no-default-features"];
    without_downloads.extend(["--", "-D", "warnings"]);
    vec![
        ("format", with(&["fmt", "--all", "--check"])),
        ("format of the recipe", with(&["fmt", "--manifest-path", "demo/train/Cargo.toml", "--check"])),
        (
            "format of the book's builder",
            with(&["fmt", "--manifest-path", "xtask/book/Cargo.toml", "--check"]),
        ),
        // With the whole workspace selected, dependencies have the features they were built with before.
        ("arrows", with(&["test", "--quiet", "--release", "--workspace", "--test", "arrows"])),
        ("lints", with(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])),
        ("lints without downloads", with(&without_downloads)),
        ("documentation", documentation),
    ]
}

fn with(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.args(arguments);
    command
}
