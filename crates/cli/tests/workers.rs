//! Many workers on one folder, as they are asked for: shards, Slurm's arrays, how far they are, what is wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{causal_trace, fails, isolated, stderr, stdout, succeeds, tables};
use tempfile::tempdir;

const SWEEP: [&str; 7] = ["sweep", "--limit", "24", "--samples", "2", "--out", "results"];

fn sweep(more: &[&'static str]) -> Vec<&'static str> {
    [&SWEEP[..], more].concat()
}

fn whole(folder: &Path) -> Vec<(String, Vec<u8>)> {
    succeeds(folder, &["sweep", "--limit", "24", "--samples", "2", "--out", "whole"]);
    tables(&folder.join("whole"))
}

fn json_of(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&succeeds(folder, args))).unwrap()
}

/// As a task of a Slurm array.
fn in_slurm(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder);
    command.args(args).env("SLURM_JOB_ID", "4711").env("SLURM_ARRAY_JOB_ID", "4700");
    for (name, value) in variables {
        command.env(format!("SLURM_ARRAY_TASK_{name}"), value);
    }
    command.output().unwrap()
}

#[test]
fn shards_fill_one_folder_and_status_tells_how_far() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let whole = whole(path);
    let first = succeeds(path, &sweep(&["--shard", "0/2"]));
    assert!(stdout(&first).starts_with("shard 0/2 is done; "), "{}", stdout(&first));
    let status = json_of(path, &["status", "results", "--json"]);
    let all = status["parts"]["all"].as_u64().unwrap();
    assert_eq!(status["shards"][0]["done"], 1.0);
    assert_eq!(status["shards"][0]["parts"]["left"], 0);
    assert_eq!(status["shards"][1]["host"], Value::Null, "it was not begun");
    assert_eq!(status["shards"][1]["parts"]["left"], status["parts"]["left"]);
    let done = status["done"].as_f64().unwrap();
    assert!((0.4..0.6).contains(&done), "half of the work: {status}");
    assert_eq!((&status["running"], &status["failed"]), (&json!([]), &json!([])));
    let table = stdout(&succeeds(path, &["status", "results"]));
    assert!(table.contains("nobody works on it") && table.contains("\n0/2 "), "{table}");
    // The other shard died: anybody takes what is left.
    let last = succeeds(path, &sweep(&["--shard", "any"]));
    assert!(stdout(&last).contains("average indirect effect"), "who completes the folder shows the summary");
    assert!(tables(&path.join("results")) == whole);
    let status = json_of(path, &["status", "results", "--json", "--watch"]);
    assert_eq!(status["parts"]["done"], all);
    assert_eq!(status["seconds_left"], 0.0);
    // Again: there is nothing to do, and nothing is wrong.
    succeeds(path, &sweep(&["--shard", "1/2"]));
    succeeds(path, &["check", "results"]);
    fails(path, &sweep(&["--shard", "all"]), 2, &["any, or I/N"]);
    fails(path, &["status", "nowhere"], 1, &["nowhere is not a results folder"]);
}

#[test]
fn the_task_of_a_slurm_array_is_a_shard() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let whole = whole(path);
    for task in ["1", "2", "3"] {
        let array = [("ID", task), ("COUNT", "3"), ("MIN", "1"), ("MAX", "3"), ("STEP", "1")];
        let output = in_slurm(path, &SWEEP, &array);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let shard = task.parse::<usize>().unwrap() - 1;
        let told = format!("shard {shard}/3, as this task of a Slurm array");
        assert!(stderr(&output).contains(&told), "{}", stderr(&output));
    }
    assert!(tables(&path.join("results")) == whole);
    let status = json_of(path, &["status", "results", "--json"]);
    assert_eq!(status["shards"][2]["job"], "4700_3");
    let gaps = [("ID", "7"), ("COUNT", "3"), ("MIN", "1"), ("MAX", "7"), ("STEP", "1")];
    let refused = in_slurm(path, &SWEEP, &gaps);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--shard I/N or --shard any"), "{}", stderr(&refused));
    // What is asked for counts.
    let asked = in_slurm(path, &sweep(&["--shard", "0/1"]), &gaps);
    assert_eq!(asked.status.code(), Some(0), "{}", stderr(&asked));
}

#[test]
fn check_names_what_is_wrong_and_repair_has_it_computed_again() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let whole = whole(path);
    succeeds(path, &SWEEP);
    let all_well = succeeds(path, &["check", "results"]);
    assert!(stdout(&all_well).contains("24 facts in"), "{}", stdout(&all_well));
    let table = path.join("results/sites/part-00001.parquet");
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[200] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    std::fs::remove_file(path.join("results/parts/part-00002.json")).unwrap();
    let check = causal_trace(path, &["check", "results"]);
    assert_eq!(check.status.code(), Some(1));
    let (found, message) = (stdout(&check), stderr(&check));
    for line in [
        "damaged    sites/part-00001.parquet: its content was altered",
        "orphaned   prompts/part-00002.parquet",
        "missing    1 of ",
    ] {
        assert!(found.contains(line), "'{line}' is not in: {found}");
    }
    assert!(message.contains("4 things are wrong in results") && message.contains("--repair"), "{message}");
    // Looking changes nothing.
    assert_eq!(stdout(&causal_trace(path, &["check", "results"])), found);
    let repaired = json_of(path, &["check", "results", "--repair", "--json"]);
    assert_eq!(repaired["findings"].as_array().unwrap().len(), 4);
    let aside = path.join(repaired["moved_to"].as_str().unwrap());
    assert!(aside.join("sites/part-00001.parquet").exists() && !table.exists());
    fails_with_findings(path, "missing    2 of ");
    succeeds(path, &SWEEP);
    assert!(tables(&path.join("results")) == whole);
    succeeds(path, &["check", "results"]);
}

fn fails_with_findings(folder: &Path, line: &str) {
    let check = causal_trace(folder, &["check", "results"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(stdout(&check).contains(line), "{}", stdout(&check));
}

#[test]
fn a_dry_run_says_what_there_is_to_do_and_does_nothing() {
    let folder = tempdir().unwrap();
    let more = ["--component", "all", "--limit", "24", "--samples", "2", "--out", "results"];
    let sweep = [&["sweep"], &more[..]].concat();
    let forecast = json_of(folder.path(), &[&sweep[..], &["--dry-run", "--shard", "0/3", "--json"]].concat());
    assert!(!folder.path().join("results").exists());
    succeeds(folder.path(), &sweep);
    let summary = json_of(folder.path(), &["summary", "results", "--json"]);
    assert_eq!(forecast["prompts"], 24);
    assert_eq!(summary["prompts"], 24, "the model knows them all");
    succeeds(folder.path(), &["export", "results", "--to", "csv", "--out", "sites.csv"]);
    let sites = std::fs::read_to_string(folder.path().join("sites.csv")).unwrap();
    assert_eq!(forecast["cells"], sites.lines().count() - 1);
    let on_disk: usize = tables(&folder.path().join("results")).iter().map(|(_, bytes)| bytes.len()).sum();
    let disk = forecast["disk_bytes"].as_f64().unwrap() / on_disk as f64;
    assert!((0.7..1.5).contains(&disk), "{disk} times what it takes");
    // What a share takes is not timed here; three shares do not take as long as one.
    let seconds = |place: usize| forecast["shards"][place]["seconds"].as_f64().unwrap();
    assert_eq!((&forecast["shards"][0]["shards"], &forecast["shards"][1]["shards"]), (&json!(1), &json!(3)));
    assert!(seconds(1) < seconds(0) && forecast["shards"][1]["prompts"].as_u64().unwrap() < 12);
    let text = stdout(&succeeds(folder.path(), &[&sweep[..], &["--dry-run"]].concat()));
    for word in ["prompts     24", "GFLOP/s", "memory", "disk", "machines"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
