//! Names of files and folders that are not UTF-8, and files as Windows writes them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use support::{golden, isolated, stderr, stdout, succeeds};
use tempfile::tempdir;

/// A name with a byte that is not UTF-8.
fn strange(name: &str) -> OsString {
    OsStr::from_bytes(&[name.as_bytes(), b"-\xff"].concat()).to_owned()
}

fn run(folder: &Path, args: &[&OsStr]) -> Output {
    isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder).args(args).output().unwrap()
}

fn works(folder: &Path, args: &[&OsStr]) -> String {
    let output = run(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn folders_may_have_any_name() {
    let folder = tempdir().unwrap();
    if std::fs::create_dir(folder.path().join(strange("probe"))).is_err() {
        println!("skipped: this file system has no names that are not UTF-8");
        return;
    }
    let folder = folder.path();
    let word = OsStr::new;
    let (results, out, facts) = (strange("results"), strange("out"), strange("facts"));
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/facts.json"), folder.join(&facts))
        .unwrap();
    let few = [word("--limit"), word("6"), word("--samples"), word("2")];
    let sweep = [&[word("sweep"), word("--facts"), &facts, word("--out"), &results], &few[..]].concat();
    works(folder, &sweep);
    works(folder, &sweep);
    for command in ["summary", "status", "check"] {
        works(folder, &[word(command), &results]);
    }
    works(
        folder,
        &[word("figures"), &results, word("--formats"), word("svg"), word("--out"), &strange("figures")],
    );
    works(folder, &[word("report"), &results, word("--out"), &strange("report.html")]);
    works(folder, &[word("export"), &results, word("--to"), word("rome"), word("--out"), &strange("cases")]);
    works(folder, &[word("merge"), &results, word("--out"), &strange("merged")]);
    works(folder, &[word("trace"), word("--out"), &out]);
    works(folder, &[word("man"), word("--out"), &strange("man")]);
    assert!(folder.join(&out).join("trace.json").is_file());
}

/// A model is named in results, so that its own name must be text; where it lies does not matter.
#[test]
fn a_model_s_folder_with_such_a_name_is_one_clear_line() {
    let folder = tempdir().unwrap();
    let name = strange("model");
    if std::fs::create_dir(folder.path().join(&name)).is_err() {
        println!("skipped: this file system has no names that are not UTF-8");
        return;
    }
    for entry in std::fs::read_dir(golden("gpt2").join("model")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(&name).join(path.file_name().unwrap())).unwrap();
    }
    let word = OsStr::new;
    let tokens = |folder: &Path, model: &OsStr| {
        run(folder, &[word("tokens"), word("--prompt"), word("a"), word("--model"), model])
    };
    let refused = tokens(folder.path(), &name);
    let message = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        message.contains("'model-\u{fffd}' is not UTF-8") && message.contains("name it '.'"),
        "{message}"
    );
    let inside = tokens(&folder.path().join(&name), word("."));
    assert_eq!(inside.status.code(), Some(0), "{}", stderr(&inside));
}

#[test]
fn facts_with_windows_line_ends_are_the_same_facts() {
    let folder = tempdir().unwrap();
    let facts: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/facts.json"))
            .unwrap(),
    )
    .unwrap();
    let lines: Vec<String> = facts.as_array().unwrap()[..6].iter().map(ToString::to_string).collect();
    std::fs::write(folder.path().join("unix.jsonl"), lines.join("\n") + "\n").unwrap();
    std::fs::write(folder.path().join("windows.jsonl"), format!("\u{feff}{}\r\n\r\n", lines.join("\r\n")))
        .unwrap();
    let list = format!("[\r\n{}\r\n]\r\n", lines.join(",\r\n"));
    std::fs::write(folder.path().join("windows.json"), list).unwrap();
    let swept = |facts: &str| {
        let out = format!("results-of-{facts}");
        succeeds(
            folder.path(),
            &["sweep", "--facts", facts, "--samples", "2", "--noise", "0.3", "--out", &out],
        );
        support::tables(&folder.path().join(out))
    };
    let unix = swept("unix.jsonl");
    assert!(!unix.is_empty());
    assert_eq!(swept("windows.jsonl"), unix);
    assert_eq!(swept("windows.json"), unix);
}
