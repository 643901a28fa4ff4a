//! The page of report and explorer: its bundle, which is committed, and its tests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::process::{root, step};
use crate::test::{Install, run_tests};
use crate::test_output::Reader;
use crate::{chromium, node};

/// The environment variable by which the browser's tests find the program.
const PROGRAM: &str = "CAUSAL_TRACE_PROGRAM";

/// The tests of the page by the names under which they are skipped.
const TYPES: &str = "the page's types";
const UNIT: &str = "the page's unit tests";
const BUNDLE: &str = "the page's bundle matches its source";
const BROWSER: &str = "the page's browser tests";

/// `cargo xtask explorer`: builds the bundle that is embedded in the program.
pub(crate) fn build() -> Result<(), String> {
    node::find(Install::Allowed)?;
    step("bundle", &mut node::script("build"))
}

/// What the tests of the page need, or why it is not there.
pub(crate) struct Tools {
    node: Result<(), String>,
    chromium: Result<OsString, String>,
}

impl Tools {
    /// Finds or installs them; without Node, there is no use for the browser.
    pub(crate) fn find(install: Install) -> Self {
        let node = node::find(install);
        let chromium = match &node {
            Ok(()) => chromium::find(install),
            Err(_) => Err("there is no Node to drive it".to_owned()),
        };
        Self { node, chromium }
    }

    /// What is missing and what for.
    pub(crate) fn missing(&self) -> Vec<String> {
        let node = self.node.as_ref().err().map(|why| format!("Node and npm, to test the page: {why}"));
        let chromium =
            self.chromium.as_ref().err().map(|why| format!("Chromium, to test the page in it: {why}"));
        node.into_iter().chain(chromium).collect()
    }
}

/// Runs the tests of the page that can be run, and counts the others as skipped; whether none failed.
pub(crate) fn test(tools: &Tools, reader: &mut Reader) -> Result<bool, String> {
    if tools.node.is_err() {
        for test in [TYPES, UNIT, BUNDLE, BROWSER] {
            reader.tally.skip("there is no Node with the page's packages", test);
        }
        return Ok(true);
    }
    let mut passed = reader.tally.count(TYPES, step("types of the page", &mut node::script("check")));
    passed &= run_tests("unit tests of the page", node::script("unit").arg("--as-cargo"), reader)?;
    passed &= reader.tally.count(BUNDLE, bundle_matches());
    match &tools.chromium {
        Ok(chromium) => {
            let mut tests = node::script("browser");
            tests.arg("--as-cargo").env(PROGRAM, program()?).env(chromium::CHROMIUM, chromium);
            passed &= run_tests("browser tests of the page", &mut tests, reader)?;
        }
        Err(_) => reader.tally.skip("there is no Chromium", BROWSER),
    }
    Ok(passed)
}

/// The program that the tests were built with: cargo puts it beside this one.
fn program() -> Result<PathBuf, String> {
    let this = env::current_exe().map_err(|error| format!("the folder of xtask is not known: {error}"))?;
    Ok(this.with_file_name(format!("causal-trace{}", env::consts::EXE_SUFFIX)))
}

/// Builds the bundle anew and compares it with the committed one.
fn bundle_matches() -> Result<(), String> {
    let (built, committed) = (root().join("target/explorer"), root().join("crates/report/assets"));
    if built.exists() {
        fs::remove_dir_all(&built).map_err(|error| format!("cannot remove {}: {error}", built.display()))?;
    }
    step("bundle of the page", node::script("build").arg(&built))?;
    let different = differences(&built, &committed)
        .map_err(|error| format!("the bundle in {} cannot be read: {error}", built.display()))?;
    if different.is_empty() {
        return Ok(());
    }
    Err(format!(
        "in crates/report/assets, {} is not what explorer/ gives; `cargo xtask explorer` builds it again",
        different.join(", ")
    ))
}

/// The files of a folder that another folder has not, or not with the same bytes.
fn differences(folder: &Path, other: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if fs::read(other.join(entry.file_name())).ok() != Some(fs::read(entry.path())?) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_and_missing_files_are_differences() {
        let folders = env::temp_dir().join(format!("causal-trace-xtask-{}", std::process::id()));
        let (built, committed) = (folders.join("built"), folders.join("committed"));
        for (path, text) in [
            (built.join("same"), "1"),
            (committed.join("same"), "1"),
            (built.join("other"), "1"),
            (committed.join("other"), "2"),
            (built.join("new"), "1"),
            (committed.join("font"), "1"),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(differences(&built, &committed).unwrap(), ["new", "other"]);
        fs::remove_dir_all(folders).unwrap();
    }
}
