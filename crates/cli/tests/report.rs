//! `causal-trace report` as a user runs it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{fails, isolated, stderr, stdout, succeeds};
use tempfile::tempdir;

/// What the page of a file is given.
fn report(file: &Path) -> Value {
    let html = std::fs::read_to_string(file).unwrap();
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"report\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn two_folders_in_one_file() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (model, out) in [("demo", "a/results"), ("demo-j", "b/results")] {
        let sweep = ["sweep", "--model", model, "--limit", "12", "--samples", "2", "--component", "all"];
        succeeds(folder.path(), &[&sweep[..], &["--out", out]].concat());
    }
    let both = ["report", "a/results", "b/results", "--out", "new/folder/both.html"];
    let said = stdout(&succeeds(folder.path(), &both));
    let file = at("new/folder/both.html");
    let first = std::fs::read(&file).unwrap();
    let megabytes = format!("({:.2} MB)", first.len() as f64 / 1e6);
    assert!(said.contains("of 2 folders in new/folder/both.html") && said.contains(&megabytes), "{said}");
    let shown = report(&file);
    let names: Vec<_> = [0, 1].iter().map(|&place: &usize| &shown["folders"][place]["name"]).collect();
    assert_eq!(names, ["a/results", "b/results"]);
    std::fs::write(&file, "an older report").unwrap();
    let said = stdout(&succeeds(folder.path(), &[&both[..], &["--json"]].concat()));
    assert!(first == std::fs::read(&file).unwrap(), "other bytes the second time");
    let said: Value = serde_json::from_str(&said).unwrap();
    let prompts: usize =
        (0..2).map(|place| shown["folders"][place]["prompts"].as_array().unwrap().len()).sum();
    let expected = json!({
        "file": "new/folder/both.html",
        "bytes": first.len(),
        "folders": 2,
        "prompts": prompts,
        "prompts_with_numbers": prompts,
        "samples": true,
    });
    assert_eq!(said, expected);
    let left: Vec<_> = std::fs::read_dir(at("new/folder")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing else is left there");
}

/// The summary on the page is that of `summary`, and its command makes the same folder again.
#[test]
fn a_report_says_what_it_shows_and_how_to_repeat_it() {
    let folder = tempdir().unwrap();
    let facts: Vec<Value> = serde_json::from_str(include_str!("../../../demo/facts.json")).unwrap();
    std::fs::write(folder.path().join("it's facts.json"), json!(facts[..30]).to_string()).unwrap();
    let sweeps: [&[&str]; 4] = [
        &["--limit", "4", "--samples", "2"],
        &[
            "--facts",
            "it's facts.json",
            "--sample",
            "5",
            "--seed",
            "3",
            "--component",
            "mlp,resid_pre",
            "--window",
            "2",
            "--noise",
            "u0.2",
            "--extra-tokens",
            "1",
            "--metric",
            "logit,rank",
            "--samples",
            "2",
            "--noise-stream",
            "rome",
        ],
        &[
            "--model",
            "demo-j",
            "--preset",
            "rome",
            "--replace",
            "--limit",
            "3",
            "--samples",
            "2",
            "--direction",
            "noise",
            "--precision",
            "bf16x3",
            "--engine",
            "naive",
            "--residual-window",
            "2",
        ],
        &[
            "--preset",
            "dannyallover",
            "--corruption",
            "swap",
            "--limit",
            "5",
            "--component",
            "all,attn_severed",
        ],
    ];
    for (number, options) in sweeps.iter().enumerate() {
        let out = format!("results {number}");
        succeeds(folder.path(), &[&["sweep", "--out", out.as_str()], *options].concat());
        succeeds(folder.path(), &["report", &out, "--out", "report.html"]);
        let shown = report(&folder.path().join("report.html"))["folders"][0].clone();
        let summary = succeeds(folder.path(), &["summary", &out, "--json"]);
        let summary: Value = serde_json::from_str(&stdout(&summary)).unwrap();
        assert_eq!(shown["summaries"][0], summary, "{options:?}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let before = read(&format!("{out}/manifest.json"));
        std::fs::rename(folder.path().join(&out), folder.path().join(format!("old {number}"))).unwrap();
        shell(folder.path(), shown["command"].as_str().unwrap());
        assert_eq!(before, read(&format!("{out}/manifest.json")), "{}", shown["command"]);
    }
}

/// Runs a command line as a person who copies it does.
fn shell(folder: &Path, line: &str) {
    let program = assert_cmd::cargo::cargo_bin!("causal-trace");
    let mut shell = isolated(Command::new("/bin/sh"), folder);
    let done = shell.args(["-c", line]).env("PATH", program.parent().unwrap()).output().unwrap();
    assert!(done.status.success(), "{line}: {}", stderr(&done));
}

#[test]
fn hostile_facts_are_shown_as_text() {
    let folder = tempdir().unwrap();
    let hostile = [
        "<script>alert(1)</script> is in",
        "</script><!--<script> is in",
        "<img src=x onerror=alert(1)> \" ' ` & is in",
        "a\0b \u{1b}[31m \u{202e}x\u{2066} \u{2028} is in",
    ];
    let long = format!("{} is in", "<b>".repeat(33_000));
    let facts: Vec<Value> = (0..)
        .zip(hostile.into_iter().chain([long.as_str()]))
        .map(|(id, prompt)| {
            let subject = prompt.trim_end_matches(" is in");
            json!({"known_id": id, "prompt": prompt, "subject": subject, "attribute": "Paris", "relation_id": "<b>"})
        })
        .collect();
    std::fs::write(folder.path().join("facts.json"), json!(facts).to_string()).unwrap();
    let sweep =
        ["sweep", "--facts", "facts.json", "--target", "attribute", "--samples", "2", "--noise", "0.1"];
    succeeds(folder.path(), &[&sweep[..], &["--out", "<b>results"]].concat());
    succeeds(folder.path(), &["report", "<b>results", "--out", "report.html"]);
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for text in ["<script>alert", "<img", "<b>", "\0", "\u{202e}x\u{2066} \u{2028}"] {
        assert!(!html.contains(text), "{text:?} is in the file");
    }
    let shown = report(&folder.path().join("report.html"));
    let prompts: Vec<_> =
        shown["folders"][0]["prompts"].as_array().unwrap().iter().map(|row| &row["prompt"]).collect();
    assert_eq!(prompts, hostile);
    assert_eq!(shown["folders"][0]["skipped"], json!([["the prompt is too long for the model", 1]]));
}

#[test]
fn what_is_no_text_is_no_fact() {
    let folder = tempdir().unwrap();
    let facts = r#"[{"known_id": 1, "prompt": "\ud800 is in", "subject": "\ud800", "attribute": "Paris"}]"#;
    std::fs::write(folder.path().join("facts.json"), facts).unwrap();
    let sweep = ["sweep", "--facts", "facts.json", "--out", "results"];
    fails(folder.path(), &sweep, 1, &["facts.json", "line 1", "hex escape"]);
}

#[test]
fn what_does_not_fit_is_left_out_and_said() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "30", "--component", "all", "--out", "results"]);
    succeeds(folder.path(), &["report", "results", "--out", "all.html"]);
    let size = std::fs::metadata(folder.path().join("all.html")).unwrap().len();
    let most = (size - 10_000).to_string();
    let done = succeeds(folder.path(), &["report", "results", "--out", "less.html", "--max-size", &most]);
    assert!(
        stderr(&done).contains("note: results: Left out") && stderr(&done).contains("serve"),
        "{}",
        stderr(&done)
    );
    assert!(std::fs::metadata(folder.path().join("less.html")).unwrap().len() <= size - 10_000);
    let shown = report(&folder.path().join("less.html"));
    assert_eq!(shown["folders"][0]["has_samples"], false);
    let tiny = ["report", "results", "--out", "tiny.html", "--max-size", "1K"];
    fails(folder.path(), &tiny, 1, &["--max-size", "serve"]);
    assert!(!folder.path().join("tiny.html").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let folder = tempdir().unwrap();
    fails(folder.path(), &["report", "--out", "report.html"], 2, &["RESULTS"]);
    fails(folder.path(), &["report", "nothing", "--out", "report.html"], 1, &["nothing"]);
    succeeds(folder.path(), &["sweep", "--limit", "2", "--samples", "1", "--out", "results"]);
    let to = |out: &str, words: &[&str]| fails(folder.path(), &["report", "results", "--out", out], 1, words);
    to("results", &["results folder"]);
    to("results/manifest.json", &["results folder"]);
    to("results/sites/report.html", &["results folder"]);
    std::fs::create_dir(folder.path().join("there")).unwrap();
    to("there", &["there", "not a file"]);
    std::fs::write(folder.path().join("file"), "").unwrap();
    to("file/report.html", &["file/report.html"]);
    std::fs::write(folder.path().join("results/sites/part-00000.parquet"), "x").unwrap();
    to("report.html", &["part-00000.parquet"]);
    assert!(!folder.path().join("report.html").exists() && !folder.path().join(".report.html.part").exists());
}

#[test]
fn exports_make_the_folder_that_they_need() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "2", "--samples", "1", "--out", "results"]);
    for (format, out) in [("json", "a/b/results.json"), ("csv", "c/d/results.csv")] {
        succeeds(folder.path(), &["export", "results", "--to", format, "--out", out]);
        assert!(folder.path().join(out).is_file());
    }
}
