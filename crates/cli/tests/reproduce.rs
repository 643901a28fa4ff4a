//! `causal-trace reproduce`: published experiments by name, and changed copies of their files.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::{Path, PathBuf};

use causal_trace_results::ResultsFolder;
use serde_json::Value;
use support::{fails, stderr, stdout, succeeds};
use tempfile::tempdir;

const EXPERIMENTS: [&str; 19] = [
    "gaussian-noise",
    "rome-examples",
    "noise-variance",
    "model-comparison",
    "patch-good-with-bad",
    "wrong-direction",
    "noise-levels",
    "random-embedding",
    "shuffled-embeddings",
    "false-facts-prefix",
    "false-facts-prefix-reversed",
    "fact-position",
    "rome-figure-1",
    "rome-averages",
    "rome-severed",
    "rome-noise-kinds",
    "rome-windows",
    "corruption-comparison",
    "pattern-census",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../experiments/{name}.toml"))
}

#[test]
fn every_published_experiment_is_listed() {
    let folder = tempdir().unwrap();
    let listed = stdout(&succeeds(folder.path(), &["reproduce", "--list"]));
    for name in EXPERIMENTS {
        assert!(listed.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {listed}");
        assert!(file(name).is_file(), "{name} has a file");
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written");
    assert!(!listed.contains("about 0 s"), "{listed}");
    let notes = stderr(&succeeds(folder.path(), &["reproduce", "--list"]));
    assert!(notes.lines().all(|note| note.len() < 120), "the reasons are for --list NAME: {notes}");
    let one = stderr(&succeeds(folder.path(), &["reproduce", "--list", "gpt2/false-facts-prefix"]));
    assert!(one.contains("do not align"), "{one}");
    let listed: Value =
        serde_json::from_str(&stdout(&succeeds(folder.path(), &["reproduce", "--list", "--json"]))).unwrap();
    assert!(listed.as_array().unwrap().len() >= EXPERIMENTS.len());
}

/// The page, the figures it shows, and the results folders.
fn check_page(out: &Path, name: &str) {
    let page = std::fs::read_to_string(out.join("README.md")).unwrap();
    assert!(page.contains("causal-trace reproduce"), "{name}: the command is there");
    assert!(!page.contains("NaN"), "{name}: {page}");
    let mut links = 0;
    for link in page.split("](").skip(1) {
        let target = link.split(')').next().unwrap();
        if !target.starts_with("http") {
            assert!(out.join(target).is_file(), "{name}: {target} is missing");
            links += 1;
        }
    }
    assert!(links > 0, "{name} has figures");
    let runs: Vec<PathBuf> =
        std::fs::read_dir(out.join("results")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!runs.is_empty());
    for run in runs {
        assert!(ResultsFolder::open(&run).unwrap().prompts().count() > 0, "{name}: {}", run.display());
    }
}

#[test]
fn every_experiment_runs_on_the_embedded_model() {
    let folder = tempdir().unwrap();
    for name in EXPERIMENTS {
        let limit = if name.contains("fact") { "40" } else { "4" };
        let args = ["reproduce", name, "--limit", limit, "--out", name];
        succeeds(folder.path(), &args);
        check_page(&folder.path().join(name), name);
    }
}

#[test]
fn running_it_again_traces_nothing_and_other_settings_are_refused() {
    let folder = tempdir().unwrap();
    let args = ["reproduce", "rome-severed", "--limit", "3", "--out", "out"];
    let first = stdout(&succeeds(folder.path(), &args));
    assert_eq!(stdout(&succeeds(folder.path(), &args)), first);
    fails(folder.path(), &["reproduce", "rome-severed", "--limit", "4", "--out", "out"], 1, &["facts"]);
}

#[test]
fn a_changed_copy_runs_by_its_path() {
    let folder = tempdir().unwrap();
    let text = std::fs::read_to_string(file("rome-severed")).unwrap();
    assert!(text.contains("sample = 200"));
    std::fs::write(folder.path().join("mine.toml"), text.replace("sample = 200", "limit = 3")).unwrap();
    succeeds(folder.path(), &["reproduce", "mine.toml", "--out", "mine"]);
    check_page(&folder.path().join("mine"), "mine");
    let page = std::fs::read_to_string(folder.path().join("mine/README.md")).unwrap();
    assert!(page.contains("the experiment of the file mine.toml, after one of ROME"), "{page}");
    assert!(page.contains("## What is tested"), "{page}");
    let kept = std::fs::read_to_string(folder.path().join("mine/experiment.toml")).unwrap();
    assert!(kept.contains("limit = 3") && kept.contains("# ROME's figure 3"), "{kept}");
}

#[test]
fn what_cannot_be_run_is_refused_naming_file_and_place() {
    let folder = tempdir().unwrap();
    fails(folder.path(), &["reproduce", "rome-severd"], 1, &["rome-severed"]);
    fails(folder.path(), &["reproduce", "./nothing.toml"], 1, &["nothing.toml"]);
    let text = std::fs::read_to_string(file("rome-severed")).unwrap();
    for (from, to, words) in [
        ("sample = 200", "samples-of-facts = 200", &["broken.toml", "samples-of-facts"][..]),
        ("title =", "titel =", &["broken.toml", "line", "titel"]),
        ("preset = \"rome\"", "preset = \"roma\"", &["broken.toml", "roma"]),
        ("kind = \"severed\"", "kind = \"sewered\"", &["broken.toml", "sewered"]),
        ("\"mlp_severed\", ", "\"mlp_sewered\", ", &["broken.toml", "mlp_sewered"]),
        ("[[run]]", "[[run]", &["broken.toml", "line"]),
        (
            "sample = 200",
            "sample = 200\ncorruption = \"shuffle\"\nnoise = \"s3\"",
            &["broken.toml, line 12: run facts: --noise belongs to --corruption noise"],
        ),
        (
            "kind = \"severed\"",
            "kind = \"severed\"\nlable = 3",
            &["broken.toml, line 28: unknown key `lable`"],
        ),
    ] {
        assert!(text.contains(from));
        std::fs::write(folder.path().join("broken.toml"), text.replace(from, to)).unwrap();
        let output = support::causal_trace(folder.path(), &["reproduce", "broken.toml", "--out", "out"]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{to}: {message}");
        words.iter().for_each(|word| assert!(message.contains(word), "{to}: '{word}' is not in {message}"));
        assert!(!message.contains("panicked"), "{message}");
    }
    assert!(!folder.path().join("out/results").exists(), "nothing was traced");
}

#[test]
fn prefixes_that_do_not_align_are_refused_naming_the_tokens() {
    let folder = tempdir().unwrap();
    for name in ["false-facts-prefix", "fact-position"] {
        let text = std::fs::read_to_string(file(name)).unwrap();
        let (before, rest) = text.split_once("corrupted = [\"").unwrap();
        let changed = format!("{before}corrupted = [\"Strangely enough {rest}");
        std::fs::write(folder.path().join("broken.toml"), changed).unwrap();
        fails(folder.path(), &["reproduce", "broken.toml", "--out", "out"], 1, &["align", "'", "tokens"]);
        assert!(!folder.path().join("out/results").exists(), "nothing was traced");
    }
}

#[test]
fn an_experiment_that_traced_nothing_is_an_error() {
    let folder = tempdir().unwrap();
    let text = "title = \"T\"\nsource = \"causal-trace\"\nshows = \"s\"\n[[run]]\nname = \"wrong\"\n\
                prompts = [{ id = 1, prompt = \"Space Needle can be found in the city of\", \
                subject = \"Space Needle\", attribute = \"Paris\" }]\n[[analysis]]\nkind = \"averages\"\n";
    std::fs::write(folder.path().join("nothing.toml"), text).unwrap();
    let args = ["reproduce", "nothing.toml", "--out", "out"];
    fails(folder.path(), &args, 1, &["nothing was traced", "1 wrong prediction", "--skipped"]);
    assert!(!folder.path().join("out/README.md").exists());
}

#[test]
fn short_and_long_prompts_are_never_the_same_prompts() {
    let folder = tempdir().unwrap();
    let args = ["reproduce", "gaussian-noise", "--limit", "5", "--out", "out"];
    let found = stdout(&succeeds(folder.path(), &args));
    for word in ["the 2 prompts with the fewest tokens", "the 2 prompts with the most tokens"] {
        assert!(found.contains(word), "'{word}' is not in {found}");
    }
    assert!(found.contains("With fewer than 20 prompts"), "{found}");
    assert!(found.contains("`random:500:1` asks for as many prompts as were traced or more"), "{found}");
    let page = std::fs::read_to_string(folder.path().join("out/README.md")).unwrap();
    assert_eq!(page.matches("(figures/facts/lines.png)").count(), 1, "the averages are there once: {page}");
    let single = ["reproduce", "gaussian-noise", "--limit", "1", "--out", "single"];
    let found = stdout(&succeeds(folder.path(), &single));
    assert!(found.contains("not judged: the more tokens"), "{found}");
    assert!(found.contains("fewer than two prompts were traced"), "{found}");
}

#[test]
fn a_difference_over_the_same_prompts_is_clear_where_intervals_overlap() {
    let folder = tempdir().unwrap();
    let run =
        |name: &str, noise: &str| format!("[[run]]\nname = \"{name}\"\nnoise = \"{noise}\"\nsample = 12\n");
    let claim = "[[claim]]\nsays = \"less noise, less effect\"\ntest = [\n\
                 { number = { of = \"total-effect\", run = \"less\" }, below = { of = \"total-effect\", run = \"more\" } },\n]\n";
    let head = "title = \"T\"\nsource = \"causal-trace\"\nshows = \"s\"\n";
    let text = [head, &run("less", "s2.7"), &run("more", "s3"), claim].concat();
    std::fs::write(folder.path().join("noise.toml"), text).unwrap();
    let found: Value =
        serde_json::from_str(&stdout(&succeeds(folder.path(), &["reproduce", "noise.toml", "--json"])))
            .unwrap();
    let claim = &found["claims"][0];
    assert_eq!(claim["verdict"], "holds here", "{claim}");
    let reason = claim["reasons"][0].as_str().unwrap();
    assert!(reason.contains("over the same 12 prompts the difference is -0."), "{reason}");
    let ends: Vec<f64> = reason.split(['[', ']', ',']).filter_map(|end| end.trim().parse().ok()).collect();
    assert!(ends[2] > ends[4], "apart the intervals overlap: {reason}");
}

#[test]
fn every_number_of_tests_is_documented() {
    let folder = tempdir().unwrap();
    let text = std::fs::read_to_string(file("rome-severed")).unwrap();
    std::fs::write(folder.path().join("broken.toml"), text.replace("\"average\"", "\"averege\"")).unwrap();
    let output = support::causal_trace(folder.path(), &["reproduce", "broken.toml"]);
    let message = stderr(&output);
    let (_, expected) = message.split_once("expected one of ").unwrap();
    let names: Vec<&str> = expected.split(", ").map(str::trim).collect();
    assert!(names.len() > 10, "{message}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/experiments.md");
    let page = std::fs::read_to_string(page).unwrap();
    let is_row = |name: &str| page.lines().any(|line| line.starts_with('|') && line.contains(name));
    assert!(names.iter().all(|name| is_row(name)), "one of {names:?} is not in docs/experiments.md");
}
