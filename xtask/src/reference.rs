//! `docs/reference.md`: what the program's own help says of every command.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use crate::process::{answer, cargo, program, root, step, target_folder};

const HEAD: &str = "\
# Commands

<!-- Written by `cargo xtask book` from `causal-trace help`. -->

What `causal-trace help COMMAND` prints; a check compares this page with the program. The options of a configuration file:
[configuration.md](configuration.md).
";

/// Characters in a line: as many as the book's pages have room for.
const WIDTH: &str = "86";

/// Writes the page from the program as it is now.
pub(crate) fn write() -> Result<(), String> {
    let (path, page) = (path(), page()?);
    fs::write(&path, page).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Whether the committed page is what the program says now.
pub(crate) fn check() -> Result<(), String> {
    let path = path();
    let committed =
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let page = page()?;
    let same = committed.lines().zip(page.lines()).take_while(|(committed, page)| committed == page).count();
    if committed == page {
        return Ok(());
    }
    Err(format!(
        "docs/reference.md is not what the program prints from line {} on; `cargo xtask book` writes it again",
        same + 1
    ))
}

fn path() -> PathBuf {
    root().join("docs/reference.md")
}

fn page() -> Result<String, String> {
    // The whole workspace, as it was built for the tests.
    step("program", cargo().args(["build", "--release", "--workspace"]))?;
    let whole = help(&["--help"])?;
    let mut page = format!("{HEAD}{}", section("causal-trace", &whole));
    for command in commands(&whole) {
        page.push_str(&section(command, &help(&["help", command])?));
    }
    Ok(page)
}

/// Help as it is in a pipe of that width, whoever asks.
fn help(arguments: &[&str]) -> Result<String, String> {
    let mut program = program(target_folder().join("release/causal-trace"));
    program.args(arguments).env("CAUSAL_TRACE_CONFIG", "").env("COLUMNS", WIDTH).env("NO_COLOR", "1");
    answer(&mut program)
}

/// The commands that the program's help lists, but for `help` itself.
fn commands(help: &str) -> impl Iterator<Item = &str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| !line.is_empty());
    // A description goes on further to the right.
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
}

fn section(title: &str, help: &str) -> String {
    let mut section = format!("\n## {title}\n\n```text\n");
    for line in help.lines() {
        let _ = writeln!(section, "{}", line.trim_end());
    }
    section.push_str("```\n");
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "About\n\nCommands:\n  trace   Trace  \n          further\n  sweep   Sweep\n  help    Print\n\nOptions:\n  -q\n";

    #[test]
    fn every_command_has_a_section() {
        assert_eq!(commands(HELP).collect::<Vec<_>>(), ["trace", "sweep"]);
        assert!(section("trace", "A \n  b\n").ends_with("\n## trace\n\n```text\nA\n  b\n```\n"));
    }
}
