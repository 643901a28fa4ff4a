//! `docs/experiments.md` from runs of the program: every published experiment on the embedded model.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::process;

/// What is written by hand ends here.
const MARK: &str = "<!-- From here on written by `cargo xtask experiments`. -->";
/// Findings of an experiment without claims.
const MOST_FINDINGS: usize = 6;

/// Runs every experiment in `target/experiments` and writes what they found below the mark.
pub(crate) fn run() -> Result<(), String> {
    process::step("program", process::cargo().args(["build", "--release"]))?;
    let list = process::answer(program().args(["reproduce", "--list", "--quiet"]))?;
    let names = list.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    let (docs, runs) = (process::root().join("docs"), process::root().join("target/experiments"));
    fs::create_dir_all(docs.join("figures/experiments")).map_err(|error| error.to_string())?;
    let mut text = String::new();
    // Files for other models have a folder in their name.
    for name in names.filter(|name| !name.contains('/')) {
        let out = runs.join(name);
        let arguments = ["reproduce", name, "--quiet", "--out"];
        process::answer(program().args(arguments).arg(&out))?;
        let page = read(&out.join("README.md"))?;
        let figure = main_figure(&page).ok_or_else(|| format!("{name} has no figure"))?;
        let copied = docs.join(format!("figures/experiments/{name}.svg"));
        fs::copy(out.join(figure.1).with_extension("svg"), &copied)
            .map_err(|error| format!("cannot copy the figure of {name}: {error}"))?;
        text.push_str(&section(name, &page, figure.0));
        println!("{name}: done");
    }
    let path = docs.join("experiments.md");
    let page = read(&path)?;
    let (head, _) = page.split_once(MARK).ok_or_else(|| format!("no mark in {}", path.display()))?;
    fs::write(&path, format!("{head}{MARK}\n{text}")).map_err(|error| error.to_string())
}

fn program() -> std::process::Command {
    let mut program = process::program(process::root().join("target/release/causal-trace"));
    // What is published must not depend on somebody's own defaults.
    program.env("CAUSAL_TRACE_CONFIG", "");
    program
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The first figure of a page: what it shows, and its file.
fn main_figure(page: &str) -> Option<(&str, &str)> {
    let (shows, rest) = page.split_once("![")?.1.split_once("](")?;
    Some((shows, rest.split_once(')')?.0))
}

/// What an experiment claims and what was found, as a part of the document.
fn section(name: &str, page: &str, shows: &str) -> String {
    let title = page.lines().next().unwrap_or_default().trim_start_matches("# ");
    let mut text = format!("\n## {name}\n\n{title}.\n\n    causal-trace reproduce {name}\n\n");
    let claims = claims(page);
    if claims.is_empty() {
        for finding in findings(page).take(MOST_FINDINGS) {
            let _ = writeln!(text, "{finding}");
        }
    } else {
        text.push_str("| claim | on the embedded model |\n|---|---|\n");
        for (claim, found) in claims {
            let _ = writeln!(text, "| {claim} | {found} |");
        }
    }
    let _ = write!(text, "\n![{shows}](figures/experiments/{name}.svg)\n");
    text
}

/// Every claim of a page with its verdict and the numbers behind it.
fn claims(page: &str) -> Vec<(String, String)> {
    let mut claims: Vec<(String, String)> = Vec::new();
    for line in part(page, "What was claimed").chain(part(page, "What is tested")) {
        if let Some(claim) = line.strip_prefix("- ") {
            let (claim, verdict) = claim.split_once(" **").unwrap_or((claim, ""));
            claims.push((claim.to_owned(), format!("**{verdict}")));
        } else if let (Some(test), Some(last)) = (line.strip_prefix("  - "), claims.last_mut()) {
            let _ = write!(last.1, " {test}");
        }
    }
    claims
}

/// The sentences of a page's analyses.
fn findings(page: &str) -> impl Iterator<Item = &str> {
    let rest = page.split_once("\n## Runs").map_or("", |(_, rest)| rest);
    let analyses = rest.split_once("\n## ").map_or("", |(_, rest)| rest);
    analyses.lines().filter(|line| line.starts_with("- ") && !line.contains("]("))
}

/// The lines below a heading, up to the next.
fn part<'a>(page: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("## {heading}");
    let lines = page.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with("## "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A title\n\n## What was claimed\n\n- One thing. **Holds here.**\n  - 2 is above 1.\n  - 3 too.\n\n\
                        Notes.\n\n## Runs\n\n- a run\n\n## Found\n\n- A finding.\n- Also: [more](x.png)\n\n![What](f/a.png)\n";

    #[test]
    fn claims_stand_beside_what_was_found() {
        let text = section("name", PAGE, main_figure(PAGE).unwrap().0);
        assert!(text.contains("| One thing. | **Holds here.** 2 is above 1. 3 too. |"), "{text}");
        assert!(text.contains("\n    causal-trace reproduce name\n"), "{text}");
        assert!(text.contains("![What](figures/experiments/name.svg)"), "{text}");
        assert_eq!(main_figure(PAGE), Some(("What", "f/a.png")));
    }

    #[test]
    fn without_claims_the_findings_stand_alone() {
        let page = PAGE.replace("What was claimed", "Something else");
        let text = section("name", &page, "What");
        assert!(
            text.contains("\n- A finding.\n") && !text.contains("a run") && !text.contains("Also"),
            "{text}"
        );
    }
}
