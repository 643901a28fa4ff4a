//! `--precision` as a user gives it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{PROMPT, SUBJECT, fails, golden, stderr, stdout, succeeds, tables};
use tempfile::tempdir;

/// The names, the most accurate first, and how far from float32's each may put a probability of the golden models.
const PRECISIONS: [(&str, f64); 4] = [("f32", 0.0), ("bf16x6", 2e-5), ("bf16x3", 1e-4), ("bf16", 3e-2)];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn precision_of(results: &Path) -> String {
    let manifest = parsed(&std::fs::read_to_string(results.join("manifest.json")).unwrap());
    manifest["settings"]["precision"].as_str().unwrap().to_owned()
}

/// The line on stderr with which `auto` says what it chose, and the choice.
fn auto_line(message: &str) -> (String, String) {
    let line = message.lines().find(|line| line.starts_with("precision auto: ")).unwrap().to_owned();
    let choice = line["precision auto: ".len()..].split(',').next().unwrap().to_owned();
    (line, choice)
}

/// The difference that a line of `auto` names, where the choice is not float32.
fn difference(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once("largest difference from f32 ")?;
    Some(rest.strip_suffix(" on this prompt").unwrap().parse().unwrap())
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

#[test]
fn a_trace_has_the_accuracy_that_was_asked_for() {
    let folder = tempdir().unwrap();
    let model = golden("gpt2").join("model");
    let usual = ["trace", "--json", "--component", "all", "--model", model.to_str().unwrap()];
    let usual = [&usual[..], &["--prompt", PROMPT, "--subject", SUBJECT]].concat();
    let all = |record: &Value| -> Vec<f64> {
        let grids = record["components"].as_array().unwrap();
        let grids = grids.iter().flat_map(|grid| numbers(&grid["patched"]));
        numbers(&record["baseline"]["corrupted"]).into_iter().chain(grids).collect()
    };
    let without = parsed(&stdout(&succeeds(folder.path(), &usual)));
    assert_eq!(without["precision"], "f32", "the default");
    for (precision, tolerance) in PRECISIONS {
        let record =
            parsed(&stdout(&succeeds(folder.path(), &[&usual[..], &["--precision", precision]].concat())));
        assert_eq!(record["precision"], precision);
        let (found, exact) = (all(&record), all(&without));
        assert!(found.len() > 100 && found.len() == exact.len());
        let largest = found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(largest <= tolerance, "{precision}: {largest}");
    }
}

#[test]
fn auto_says_what_it_chose_and_by_how_much_it_differs() {
    let folder = tempdir().unwrap();
    for model in ["demo", "demo-j"] {
        let usual = ["trace", "--json", "--model", model, "--precision"];
        let output = succeeds(folder.path(), &[&usual[..], &["auto"]].concat());
        let (line, choice) = auto_line(&stderr(&output));
        let record = parsed(&stdout(&output));
        assert_eq!(record["precision"], choice.as_str(), "the record names the choice, not auto");
        let exact = parsed(&stdout(&succeeds(folder.path(), &[&usual[..], &["f32"]].concat())));
        match difference(&line) {
            None => assert_eq!(choice, "f32", "{line}"),
            Some(said) => {
                assert!(said < 1e-4, "{line}");
                // Means over samples are no further off than the samples are.
                let patched = |record: &Value| numbers(&record["components"][0]["patched"]);
                let differences =
                    patched(&record).into_iter().zip(patched(&exact)).map(|(a, b)| (a - b).abs());
                let largest = differences.fold(0.0, f64::max);
                assert!(largest <= 1.06 * said + 1e-12, "{largest}: {line}");
            }
        }
        let quiet = succeeds(folder.path(), &["trace", "--quiet", "--precision", "auto", "--model", model]);
        assert_eq!(stderr(&quiet), "");
    }
}

#[test]
fn a_sweep_keeps_its_precision() {
    let folder = tempdir().unwrap();
    let sweep = |precision: &'static str, out: &'static str| {
        ["sweep", "--limit", "6", "--samples", "2", "--precision", precision, "--out", out]
    };
    for (precision, _) in PRECISIONS {
        succeeds(folder.path(), &sweep(precision, precision));
        assert_eq!(precision_of(&folder.path().join(precision)), precision);
    }
    // Without the option it is float32.
    succeeds(folder.path(), &["sweep", "--limit", "6", "--samples", "2", "--out", "f32"]);
    fails(folder.path(), &sweep("bf16", "f32"), 1, &["settings.precision", "bf16", "f32"]);
    fails(folder.path(), &sweep("bf16x3", "bf16"), 1, &["settings.precision", "bf16x3", "\"bf16\""]);
    // A folder that is there already has its own.
    let resumed = succeeds(folder.path(), &sweep("auto", "bf16x6"));
    let (line, choice) = auto_line(&stderr(&resumed));
    assert_eq!(choice, "bf16x6");
    assert!(line.ends_with("as bf16x6 has it"), "{line}");
}

#[test]
fn auto_is_the_same_for_every_shard_and_every_time() {
    let folder = tempdir().unwrap();
    let usual = ["sweep", "--sample", "40", "--samples", "2", "--precision", "auto"];
    let whole = succeeds(folder.path(), &[&usual[..], &["--out", "whole"]].concat());
    let (line, choice) = auto_line(&stderr(&whole));
    for shard in ["0/2", "1/2"] {
        let out = shard.replace('/', "-of-");
        let output = succeeds(folder.path(), &[&usual[..], &["--shard", shard, "--out", &out]].concat());
        assert_eq!(auto_line(&stderr(&output)).0, line, "shard {shard}");
        assert_eq!(precision_of(&folder.path().join(&out)), choice);
    }
    succeeds(folder.path(), &["merge", "0-of-2", "1-of-2", "--out", "merged"]);
    assert_eq!(tables(&folder.path().join("merged")), tables(&folder.path().join("whole")));
    // The choice is the precision that it names.
    let named = ["sweep", "--sample", "40", "--samples", "2", "--precision", &choice, "--out", "named"];
    succeeds(folder.path(), &named);
    assert_eq!(tables(&folder.path().join("named")), tables(&folder.path().join("whole")));
}

#[test]
fn without_a_fact_to_try_auto_stays_with_float32() {
    let folder = tempdir().unwrap();
    let fact = r#"[{"known_id": 1, "subject": "Oslo", "attribute": "nonsense", "prompt": "Oslo is"}]"#;
    std::fs::write(folder.path().join("facts.json"), fact).unwrap();
    let args =
        ["sweep", "--facts", "facts.json", "--noise", "0.1", "--precision", "auto", "--out", "results"];
    let (_, choice) = auto_line(&stderr(&succeeds(folder.path(), &args)));
    assert_eq!(choice, "f32");
    assert_eq!(precision_of(&folder.path().join("results")), "f32");
}

#[test]
fn an_experiment_is_done_at_one_precision() {
    let folder = tempdir().unwrap();
    let run = |precision: &'static str, out: &'static str| {
        ["reproduce", "gaussian-noise", "--limit", "3", "--precision", precision, "--out", out]
    };
    succeeds(folder.path(), &run("bf16x3", "three"));
    let page = std::fs::read_to_string(folder.path().join("three/README.md")).unwrap();
    assert!(page.contains("--precision bf16x3"), "the command is on the page: {page}");
    let results = std::fs::read_dir(folder.path().join("three/results")).unwrap();
    let precisions: Vec<String> = results.map(|run| precision_of(&run.unwrap().path())).collect();
    assert!(!precisions.is_empty() && precisions.iter().all(|precision| precision == "bf16x3"));
    let resumed = succeeds(folder.path(), &run("auto", "three"));
    assert_eq!(auto_line(&stderr(&resumed)).1, "bf16x3");
    let fresh = succeeds(folder.path(), &run("auto", "auto"));
    let choice = auto_line(&stderr(&fresh)).1;
    for run in std::fs::read_dir(folder.path().join("auto/results")).unwrap() {
        assert_eq!(precision_of(&run.unwrap().path()), choice);
    }
}

#[test]
fn tokens_take_a_precision_but_not_auto() {
    let folder = tempdir().unwrap();
    let tokens = ["tokens", "--prompt", PROMPT, "--precision"];
    let text = stdout(&succeeds(folder.path(), &[&tokens[..], &["bf16x3"]].concat()));
    assert!(text.lines().next().unwrap().ends_with("bf16x3)"), "{text}");
    fails(folder.path(), &[&tokens[..], &["auto"]].concat(), 2, &["f32, bf16x6, bf16x3, bf16"]);
}

#[test]
fn bench_prints_what_the_contract_names_at_the_precision() {
    let folder = tempdir().unwrap();
    let bench = |options: &[&str]| {
        let usual = [
            "bench",
            "--shape",
            "2x64x2",
            "--tokens",
            "4",
            "--subject",
            "2",
            "--samples",
            "2",
            "--runs",
            "1",
        ];
        succeeds(folder.path(), &[&usual[..], options].concat())
    };
    let found = parsed(&stdout(&bench(&["--json"])));
    for key in [
        "seconds",
        "flops",
        "gflops_per_second",
        "matmul_gflops_per_second",
        "efficiency",
        "weight_bytes",
        "memory_bytes_per_second",
        "limit_seconds",
    ] {
        assert!(found[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(found["precision"], "f32");
    assert!(found["naive_seconds"].is_null() && found["largest_difference_from_f32"].is_null());
    assert!(found.as_object().unwrap().contains_key("peak_memory_bytes"));
    let rate =
        found["gflops_per_second"].as_f64().unwrap() / found["matmul_gflops_per_second"].as_f64().unwrap();
    assert!((rate / found["efficiency"].as_f64().unwrap() - 1.0).abs() < 1e-9);

    let checked = parsed(&stdout(&bench(&["--json", "--check", "--precision", "bf16", "--naive"])));
    assert_eq!(checked["precision"], "bf16");
    assert!(checked["naive_seconds"].as_f64().unwrap() > 0.0);
    // Of random weights the probabilities hang by more than those of a trained model.
    assert!((0.0..0.2).contains(&checked["largest_difference_from_f32"].as_f64().unwrap()));
    assert_eq!(2.0 * checked["weight_bytes"].as_f64().unwrap(), found["weight_bytes"].as_f64().unwrap());

    let auto = bench(&["--json", "--precision", "auto"]);
    assert_eq!(parsed(&stdout(&auto))["precision"], auto_line(&stderr(&auto)).1.as_str());
    let table = stdout(&bench(&["--precision", "bf16x3", "--check"]));
    for word in ["bf16x3)", "wavefront", "from f32", "peak memory", "roofline", "GB/s", "limit", "Efficiency"]
    {
        assert!(table.contains(word), "'{word}' is not in:\n{table}");
    }
}

#[test]
fn other_instructions_of_the_same_processor_give_the_same_results() {
    let folder = tempdir().unwrap();
    let model = golden("gpt2").join("model");
    let traced = |isa: &str, precision: &str| {
        let command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("causal-trace"));
        let mut command = support::isolated(command, folder.path());
        command.env("CAUSAL_TRACE_ISA", isa);
        command.args(["trace", "--json", "--model", model.to_str().unwrap(), "--precision", precision]);
        command.args(["--prompt", PROMPT, "--subject", SUBJECT]).output().unwrap()
    };
    let scores = |output: &std::process::Output| -> Vec<f64> {
        numbers(&parsed(&stdout(output))["components"][0]["patched"])
    };
    let mut compared = 0;
    for (precision, tolerance) in PRECISIONS {
        let portable = traced("portable", precision);
        assert!(portable.status.success(), "{}", stderr(&portable));
        let portable = scores(&portable);
        for isa in ["avx2", "avx512", "avx512-bf16", "amx"] {
            let output = traced(isa, precision);
            if output.status.code() == Some(2) {
                assert!(stderr(&output).contains("this processor or system lacks"), "{}", stderr(&output));
                continue;
            }
            let largest =
                scores(&output).iter().zip(&portable).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(largest < f64::max(tolerance, 2e-5), "{precision} with {isa}: {largest}");
            compared += 1;
        }
    }
    println!("{compared} pairs of instructions and precisions compared");
    let output = traced("mmx", "f32");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("expected one of portable, avx2"), "{}", stderr(&output));
}
