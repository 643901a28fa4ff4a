//! `causal-trace trace` and `tokens` as a user runs them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use causal_trace_results::CaseFile;
use serde_json::Value;
use support::{PROMPT, SUBJECT, golden, stderr, stdout, succeeds};
use tempfile::tempdir;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn without_arguments_a_fact_is_traced() {
    let folder = tempdir().unwrap();
    let output = succeeds(folder.path(), &[]);
    let text = stdout(&output);
    for word in ["p = ", "p* = ", "total effect", "strongest  ", "*|"] {
        assert!(text.contains(word), "'{word}' is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "escape codes in a pipe");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn both_embedded_models_know_the_fact_and_lose_it_to_noise() {
    let folder = tempdir().unwrap();
    for model in ["demo", "demo-j"] {
        let record = json(&stdout(&succeeds(folder.path(), &["trace", "--model", model, "--json"])));
        let total_effect = record["total_effect"].as_f64().unwrap();
        assert!(total_effect > 0.5, "{model}: {total_effect}");
        let strongest = record["components"][0]["strongest"]["indirect_effect"].as_f64().unwrap();
        assert!(strongest > 0.5 * total_effect, "{model}: {strongest}");
    }
}

#[test]
fn out_holds_figures_and_numbers_and_the_same_bytes_each_time() {
    let folder = tempdir().unwrap();
    let run = |name: &str, threads: &str| {
        succeeds(folder.path(), &["trace", "--component", "all", "--out", name, "--threads", threads]);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.path().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let (first, second) = (run("a", "1"), run("b", "2"));
    let names: Vec<&str> = first.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let mut expected: Vec<String> = ["trace", "trace_mlp", "trace_attn"]
        .iter()
        .flat_map(|stem| ["npz", "svg", "png", "pdf"].map(|end| format!("{stem}.{end}")))
        .collect();
    expected.push("trace.json".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap(), "{}", first.display());
    }
}

/// Traces a golden prompt through the program and reads its case file.
fn traced_case(folder: &Path, family: &str, options: &[&str], suffix: &str) -> CaseFile {
    let model = golden(family).join("model");
    let usual = [
        "trace",
        "--model",
        model.to_str().unwrap(),
        "--prompt",
        PROMPT,
        "--subject",
        SUBJECT,
        "--out",
        "out",
    ];
    succeeds(folder, &[&usual[..], options].concat());
    CaseFile::read(&folder.join("out").join(format!("trace{suffix}.npz"))).unwrap()
}

fn largest_difference(a: &CaseFile, b: &CaseFile) -> f64 {
    let scores = a.scores.iter().zip(&b.scores).map(|(a, b)| (a - b).abs());
    scores.fold((a.high_score - b.high_score).abs(), f64::max)
}

#[test]
fn the_program_gives_rome_s_case_files() {
    for (family, component, suffix) in
        [("gpt2", "mlp", "_mlp"), ("gptj", "residual", ""), ("llama", "attn", "_attn")]
    {
        let folder = tempdir().unwrap();
        let run = golden(family).join("rome-s3");
        let meta = json(&std::fs::read_to_string(run.join("meta.json")).unwrap());
        let noise = meta["noise_level"].to_string();
        let options = ["--noise", &noise, "--preset", "rome", "--component", component];
        let ours = traced_case(folder.path(), family, &options, suffix);
        let recorded = CaseFile::read(&run.join(format!("knowledge_0{suffix}.npz"))).unwrap();
        assert!(largest_difference(&ours, &recorded) < 2e-5);
        assert!((ours.low_score - recorded.low_score).abs() < 2e-5);
        assert_eq!(
            (ours.component, &ours.input_ids, &ours.input_tokens, ours.subject, &ours.answer, ours.window),
            (
                recorded.component,
                &recorded.input_ids,
                &recorded.input_tokens,
                recorded.subject,
                &recorded.answer,
                recorded.window
            )
        );
    }
}

#[test]
fn rome_s_unreplaced_baseline_comes_with_its_preset_only() {
    let run = golden("gpt2").join("rome-replace");
    let recorded = CaseFile::read(&run.join("knowledge_0.npz")).unwrap();
    let noise = json(&std::fs::read_to_string(run.join("meta.json")).unwrap())["noise_level"].to_string();
    let traced = |stream: &[&str]| {
        let folder = tempdir().unwrap();
        let options = [&["--noise", &noise, "--replace"], stream].concat();
        traced_case(folder.path(), "gpt2", &options, "")
    };
    let (preset, ours) = (traced(&["--preset", "rome"]), traced(&["--noise-stream", "rome"]));
    assert!(largest_difference(&preset, &recorded) < 2e-5);
    assert!(largest_difference(&ours, &recorded) < 2e-5);
    assert!((preset.low_score - recorded.low_score).abs() < 2e-5);
    assert!((ours.low_score - recorded.low_score).abs() > 1e-3, "the default's baseline is replaced too");
    // A token other than the last has no effect in the last layer, so that cell is p*.
    let without_effect = ours.scores[ours.n_layers - 1];
    assert!((without_effect - ours.low_score).abs() < 1e-6);
}

#[test]
fn noise_0_changes_nothing() {
    let folder = tempdir().unwrap();
    let record =
        json(&stdout(&succeeds(folder.path(), &["trace", "--noise", "0", "--component", "all", "--json"])));
    assert_eq!(record["noise"]["level"], 0.0);
    assert!(record["total_effect"].as_f64().unwrap().abs() < 1e-6);
    for component in record["components"].as_array().unwrap() {
        for effect in
            component["indirect_effect"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap())
        {
            assert!(effect.as_f64().unwrap().abs() < 1e-6);
        }
    }
}

#[test]
fn the_preset_of_dannyallover_corrupts_one_token_more() {
    let folder = tempdir().unwrap();
    let record = json(&stdout(&succeeds(folder.path(), &["trace", "--preset", "dannyallover", "--json"])));
    assert_eq!(record["config"]["corruption"]["extra_tokens"], 1);
    assert_eq!(record["noise"]["level"], 0.1);
    let record = json(&stdout(&succeeds(
        folder.path(),
        &["trace", "--preset", "dannyallover", "--model", "demo-j", "--noise", "s2", "--json"],
    )));
    assert_eq!(record["noise"]["rule"], "s2");
}

#[test]
fn an_answer_can_be_given() {
    let folder = tempdir().unwrap();
    let record =
        json(&stdout(&succeeds(folder.path(), &["trace", "--answer", "Paris", "--noise", "0.1", "--json"])));
    assert_eq!(record["answer"], " Paris");
    assert_eq!(record["correct_prediction"], false);
}

/// Prompts come from files and other programs: what a terminal would obey must not reach it.
#[test]
fn control_characters_of_a_prompt_are_not_printed() {
    let folder = tempdir().unwrap();
    let text = ["--prompt", "a\u{1b}[31m\nb Space Needle is in", "--subject", "Space Needle"];
    for options in [&["trace"][..], &["trace", "--json"], &["trace", "--out", "out"], &["tokens"]] {
        let output = succeeds(folder.path(), &[options, &text[..]].concat());
        for printed in [stdout(&output), stderr(&output)] {
            assert!(!printed.contains('\u{1b}'), "{options:?}: {printed:?}");
        }
        assert!(stdout(&output).contains(" is"), "{options:?}: the rest of the prompt is shown");
    }
    let figure = std::fs::read_to_string(folder.path().join("out/trace.svg")).unwrap();
    assert!(!figure.contains('\u{1b}'), "XML has no escape character");
}

#[test]
fn quiet_says_nothing_beside_the_result() {
    let folder = tempdir().unwrap();
    let output = succeeds(folder.path(), &["--quiet", "trace", "--out", "out"]);
    assert_eq!(stderr(&output), "");
    assert!(stdout(&output).contains("total effect"));
}

#[test]
fn tokens_shows_what_the_model_sees() {
    let folder = tempdir().unwrap();
    let args = ["tokens", "--prompt", "The capital of France is", "--subject", "France"];
    let text = stdout(&succeeds(folder.path(), &args));
    assert!(text.contains("' France'*") && text.contains("' Paris'"), "{text}");
    let record = json(&stdout(&succeeds(folder.path(), &[&args[..], &["--json"]].concat())));
    let span: Vec<u64> =
        record["subject_range"].as_array().unwrap().iter().map(|token| token.as_u64().unwrap()).collect();
    let tokens = record["tokens"].as_array().unwrap();
    let subject: String =
        tokens[span[0] as usize..span[1] as usize].iter().map(|t| t.as_str().unwrap()).collect();
    assert_eq!(subject, " France");
    assert_eq!(record["predictions"][0]["token"], " Paris");
}

/// A Python with NumPy: the one that the tests' set-up made, or the system's.
fn python() -> Option<String> {
    let candidates = std::env::var("CAUSAL_TRACE_PYTHON").into_iter().chain(["python3".to_owned()]);
    candidates.into_iter().find(|python| {
        Command::new(python).args(["-c", "import numpy"]).output().is_ok_and(|output| output.status.success())
    })
}

#[test]
fn numpy_loads_the_npz_files() {
    let Some(python) = python() else {
        println!(
            "skipped: no Python with NumPy (set CAUSAL_TRACE_PYTHON); the npz files are not loaded in NumPy"
        );
        return;
    };
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["trace", "--component", "all", "--samples", "3", "--out", "out"]);
    let script = r#"
import json, numpy, sys
record = json.load(open("out/trace.json"))
T, L, S = len(record["prompt"]["ids"]), record["model"]["n_layers"], 3
for suffix, kind in [("", ""), ("_mlp", "mlp"), ("_attn", "attn")]:
    case = numpy.load(f"out/trace{suffix}.npz")
    shapes = {
        "scores": ((T, L), "float32"), "low_score": ((), "float64"), "high_score": ((), "float32"),
        "input_ids": ((T,), "int64"), "input_tokens": ((T,), "U"), "subject_range": ((2,), "int64"),
        "answer": ((), "U"), "window": ((), "int64"), "correct_prediction": ((), "bool"), "kind": ((), "U"),
        "samples": ((T, L, S), "float32"), "corrupted_samples": ((S,), "float32"), "noise_level": ((), "float64"),
    }
    assert set(case.files) == set(shapes), case.files
    for name, (shape, dtype) in shapes.items():
        array = case[name]
        assert array.shape == shape, (name, array.shape)
        assert array.dtype.kind == "U" if dtype == "U" else array.dtype == dtype, (name, array.dtype)
    assert str(case["kind"]) == kind and str(case["answer"]) == record["answer"]
    assert list(case["input_tokens"]) == record["prompt"]["tokens"]
    assert numpy.allclose(case["samples"].mean(axis=2), case["scores"], atol=1e-7)
    assert abs(case["corrupted_samples"].mean() - case["low_score"]) < 1e-7
    effect = case["scores"].astype("float64") - float(case["low_score"])
    ours = next(c for c in record["components"] if c["component"] == (kind or "residual"))["indirect_effect"]
    assert numpy.allclose(effect, numpy.array(ours), atol=1e-6)
print("ok")
"#;
    let output = Command::new(python).args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "ok",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn files_of_an_earlier_trace_are_named() {
    let folder = tempdir().unwrap();
    let trace = ["trace", "--samples", "1", "--out", "out"];
    let first = succeeds(folder.path(), &[&trace[..], &["--component", "all"]].concat());
    assert!(!stderr(&first).contains("left alone"), "{}", stderr(&first));
    let second = stderr(&succeeds(folder.path(), &trace));
    for name in ["trace_mlp.npz", "trace_attn.svg"] {
        assert!(
            second.contains("left alone there, of an earlier trace") && second.contains(name),
            "{second}"
        );
    }
    assert!(!second.contains("trace.json"), "{second}");
}
