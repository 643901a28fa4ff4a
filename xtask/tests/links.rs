//! Every relative link of the repository's Markdown files leads to a file or folder that exists.
#![expect(clippy::unwrap_used, reason = "the functions that tests share are not seen as tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_relative_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut faults, mut checked) = (Vec::new(), 0);
    for file in markdown_files(root) {
        let text = std::fs::read_to_string(root.join(&file)).unwrap();
        let folder = root.join(&file).parent().unwrap().to_owned();
        for target in relative_targets(&text) {
            checked += 1;
            if !folder.join(target).exists() {
                faults.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
    assert!(checked >= 10, "only {checked} links were found");
}

#[test]
fn links_and_images_are_found_and_those_of_the_web_are_not() {
    let text = "[a](docs/a.md#part) ![b](<b c.png>) [![c](c.svg)](https://c.org) [d](#d) [e](e.md \"E\") (f)";
    assert_eq!(relative_targets(text).collect::<Vec<_>>(), ["docs/a.md", "b c.png", "c.svg", "e.md"]);
}

/// What git tracks, relative to `root`.
fn markdown_files(root: &Path) -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "-z", "*.md"]).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).is_file()).collect()
}

/// The targets of `[..](target)` and `![..](target)` within the repository, without their `#anchors`.
fn relative_targets(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| match rest.strip_prefix('<') {
        Some(rest) => rest.split('>').next(),
        None => rest.split([')', ' ', '\n']).next(),
    });
    let is_of_the_web = |target: &str| target.contains("://") || target.starts_with("mailto:");
    targets
        .filter(move |target| !is_of_the_web(target))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
}
