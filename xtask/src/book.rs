//! The book: `docs` with a page of every command, built with mdBook, its links checked.

use std::process::Command;

use crate::process::{cargo, step, target_folder};
use crate::reference;

/// Writes the page of commands again, and builds.
pub(crate) fn build() -> Result<(), String> {
    reference::write()?;
    html()
}

/// Makes sure that the page of commands is what the program prints, and builds.
pub(crate) fn check() -> Result<(), String> {
    reference::check()?;
    html()
}

/// mdBook's crates are in a workspace of their own, built only here and without optimisation.
fn html() -> Result<(), String> {
    step("tests of the book's builder", &mut builder("test"))?;
    step("book", &mut builder("run"))
}

fn builder(command: &str) -> Command {
    let mut cargo = cargo();
    cargo.args([command, "--quiet", "--locked", "--manifest-path", "xtask/book/Cargo.toml", "--target-dir"]);
    cargo.arg(target_folder().join("book-builder"));
    cargo
}
