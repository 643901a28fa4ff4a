//! Every relative link of the repository's Markdown files leads to a file or folder that exists, and its anchor to a
//! heading there.
#![expect(clippy::unwrap_used, reason = "the functions that tests share are not seen as tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_relative_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut faults, mut checked) = (Vec::new(), 0);
    for file in markdown_files(root) {
        let path = root.join(&file);
        let text = std::fs::read_to_string(&path).unwrap();
        for target in relative_targets(&text) {
            checked += 1;
            if !leads_somewhere(&path, target) {
                faults.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
    assert!(checked >= 100, "only {checked} links were found");
}

#[test]
fn links_and_images_are_found_and_those_of_the_web_are_not() {
    let text = "[a](docs/a.md#part) ![b](<b c.png>) [![c](c.svg)](https://c.org) [d](#d) [e](e.md \"E\") (f)";
    let expected = ["docs/a.md#part", "b c.png", "c.svg", "#d", "e.md"];
    assert_eq!(relative_targets(text).collect::<Vec<_>>(), expected);
}

#[test]
fn headings_have_the_anchors_that_github_gives_them() {
    let text = "# What `report A... --out F.html` writes\n\n```sh\n# a comment\n```\n## The file\n### [The file](x.md): π, p\\*\n";
    let expected = ["what-report-a---out-fhtml-writes", "the-file", "the-file-π-p"];
    assert_eq!(anchors(text), expected);
    assert_eq!(anchors("# A\n# A\n# A\n"), ["a", "a-1", "a-2"]);
}

#[test]
fn an_anchor_without_a_heading_is_found() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    for (target, expected) in [
        ("docs/method.md#precision", true),
        ("docs/method.md#imprecision", false),
        ("#licence", true),
        ("#gone", false),
        ("docs", true),
        ("none.md", false),
    ] {
        assert_eq!(leads_somewhere(&readme, target), expected, "{target}");
    }
}

/// What git tracks, relative to `root`.
fn markdown_files(root: &Path) -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "-z", "*.md"]).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).is_file()).collect()
}

/// The targets of `[..](target)` and `![..](target)` within the repository.
fn relative_targets(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| match rest.strip_prefix('<') {
        Some(rest) => rest.split('>').next(),
        None => rest.split([')', ' ', '\n']).next(),
    });
    let is_of_the_web = |target: &str| target.contains("://") || target.starts_with("mailto:");
    targets.filter(move |target| !is_of_the_web(target) && !target.is_empty())
}

fn leads_somewhere(page: &Path, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    let has = |anchor: &str| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        anchors(&text).iter().any(|known| known == anchor)
    };
    path.exists() && (anchor.is_empty() || has(anchor))
}

/// The anchors of a page's headings.
fn anchors(text: &str) -> Vec<String> {
    let (mut anchors, mut in_code) = (Vec::new(), false);
    for line in text.lines() {
        in_code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#').strip_prefix(' ');
        let Some(heading) = heading.filter(|_| line.starts_with('#') && !in_code) else { continue };
        let anchor = anchor(heading);
        let earlier = anchors.iter().filter(|(known, _)| *known == anchor).count();
        let numbered = if earlier == 0 { anchor.clone() } else { format!("{anchor}-{earlier}") };
        anchors.push((anchor, numbered));
    }
    anchors.into_iter().map(|(_, numbered)| numbered).collect()
}

/// A heading's letters in lower case with hyphens for spaces; of a link the words are left.
fn anchor(heading: &str) -> String {
    let mut parts = heading.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    let words = parts.fold(first, |words, part| words + part.split_once(')').map_or("", |(_, rest)| rest));
    let kept = words.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
