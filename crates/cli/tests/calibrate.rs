//! `calibrate`: the curve, what follows from it, and what it leaves in its folder.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{fails, golden, stderr, stdout, succeeds};
use tempfile::tempdir;

fn calibrated(folder: &Path, more: &[&str]) -> Value {
    let args = [&["calibrate", "--json"], more].concat();
    serde_json::from_str(&stdout(&succeeds(folder, &args))).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn the_embedded_model_has_a_plateau_and_its_folder_shows_it() {
    let folder = tempdir().unwrap();
    let quick = ["--sample", "20", "--samples", "3", "--multiples", "0.5,1,2,3,5,10,15,20"];
    let found = calibrated(folder.path(), &[&quick[..], &["--out", "noise"]].concat());
    assert_eq!((&found["verdict"], &found["answers"]), (&"plateau".into(), &"known".into()));
    assert_eq!((&found["facts"], found["by_fact"].as_array().unwrap().len()), (&20.into(), 20));
    let points = found["points"].as_array().unwrap();
    let effects: Vec<f64> = points.iter().map(|point| point["total_effect"].as_f64().unwrap()).collect();
    assert!(effects[..5].is_sorted() && effects[0] < 0.1 && effects[4] > 0.7, "{effects:?}");
    let plateau = found["tail_total_effect"]["value"].as_f64().unwrap();
    let multiple = found["recommendation"]["multiple"].as_f64().unwrap();
    let chosen = points.iter().position(|point| point["multiple"] == multiple).unwrap();
    assert!(effects[chosen..].iter().all(|&effect| effect >= 0.9 * plateau), "{found}");
    assert!(effects[chosen - 1] < 0.9 * plateau, "{found}");
    let read = |name: &str| std::fs::read(folder.path().join("noise").join(name)).unwrap();
    let page = String::from_utf8(read("calibrate.html")).unwrap();
    assert!(page.contains("default-src 'none'") && page.contains("<svg") && !page.contains("<script"));
    assert!(page.contains(&format!("--noise s{multiple}")) && page.contains("calibrate --model demo"));
    assert_eq!(read("calibrate.csv").split(|&byte| byte == b'\n').count(), 1 + 8 + 1);
    assert_eq!(serde_json::from_slice::<Value>(&read("calibrate.json")).unwrap(), found);
    assert!(read("calibrate.pdf").starts_with(b"%PDF") && read("calibrate.png").starts_with(b"\x89PNG"));
    assert!(read("calibrate.svg").starts_with(b"<"));
    // The same again, on one thread.
    let again = calibrated(folder.path(), &[&quick[..], &["--threads", "1", "--memory", "200M"]].concat());
    assert_eq!(again, found);
}

#[test]
fn a_fact_s_effect_is_that_of_its_trace() {
    let folder = tempdir().unwrap();
    let found =
        calibrated(folder.path(), &["--sample", "3", "--samples", "4", "--multiples", "1", "--seed", "7"]);
    let facts = std::fs::read_to_string(golden("../../demo/facts.json")).unwrap();
    let facts: Vec<Value> = serde_json::from_str(&facts).unwrap();
    for by_fact in found["by_fact"].as_array().unwrap() {
        let fact = facts.iter().find(|fact| fact["known_id"] == by_fact["known_id"]).unwrap();
        let text = |key: &str| fact[key].as_str().unwrap();
        let args =
            ["trace", "--json", "--samples", "4", "--seed", "7", "--prompt", text("prompt"), "--subject"];
        let traced = stdout(&succeeds(folder.path(), &[&args[..], &[text("subject")]].concat()));
        let traced: Value = serde_json::from_str(&traced).unwrap();
        let expected = traced["total_effect"].as_f64().unwrap();
        // s3, the last of 1 and 3.
        let effect = by_fact["clean"].as_f64().unwrap() - numbers(&by_fact["corrupted"])[1];
        assert!((effect - expected).abs() < 1e-12 && expected != 0.0, "{by_fact}: {expected}");
    }
}

#[test]
fn every_family_gets_a_judgement_with_its_reason() {
    for family in ["gpt2", "gptj", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "gemma2", "phi", "opt"] {
        let folder = tempdir().unwrap();
        let model = golden(family).join("model");
        let args = [
            "--model",
            model.to_str().unwrap(),
            "--samples",
            "3",
            "--multiples",
            "1,3,10,15,20",
            "--out",
            "o",
        ];
        let found = calibrated(folder.path(), &args);
        let is_plateau = found["verdict"] == "plateau";
        assert_eq!(found["recommendation"].is_object(), is_plateau, "{family}: {found}");
        let first = found["findings"][0].as_str().unwrap();
        assert!(first.starts_with(if is_plateau { "Plateau" } else { "No " }), "{family}: {first}");
        let page = std::fs::read_to_string(folder.path().join("o/calibrate.html")).unwrap();
        assert!(page.contains("<svg") && page.matches("<tr>").count() == 6, "{family}");
    }
}

#[test]
fn a_curve_that_still_rises_recommends_nothing() {
    let folder = tempdir().unwrap();
    let found = calibrated(folder.path(), &["--sample", "10", "--samples", "2", "--multiples", "1.5,2"]);
    assert_eq!((&found["verdict"], &found["recommendation"]), (&"rising".into(), &Value::Null));
    let args = ["calibrate", "--sample", "10", "--samples", "2", "--multiples", "1.5,2"];
    let shown = stdout(&succeeds(folder.path(), &args));
    assert!(shown.contains("still grows") && !shown.contains("Recommended"), "{shown}");
}

#[test]
fn a_model_that_knows_nothing_answers_for_itself_and_says_so() {
    let folder = tempdir().unwrap();
    let fact = |id: usize, subject: &str| {
        format!(
            r#"{{"known_id":{id},"subject":"{subject}","attribute":"Tuesday","prompt":"{subject} is in"}}"#
        )
    };
    let subjects = ["Oslo", "Paris", "Rome", "Space Needle", "Vinson Massif", "Big Ben"];
    let facts: Vec<String> = subjects.iter().enumerate().map(|(id, subject)| fact(id, subject)).collect();
    std::fs::write(folder.path().join("facts.jsonl"), facts.join("\n")).unwrap();
    let output = succeeds(folder.path(), &["calibrate", "--json", "--facts", "facts.jsonl"]);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&found["answers"], &found["known"], &found["facts"]),
        (&"predicted".into(), &0.into(), &6.into())
    );
    let notes = stderr(&output);
    assert!(notes.contains("knows none of the 6 facts") && notes.contains("too narrow"), "{notes}");
    let known = ["calibrate", "--facts", "facts.jsonl", "--answers", "known"];
    fails(folder.path(), &known, 1, &["knows none of the 6 facts", "--facts", "--answers predicted"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_the_work() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::write(
        folder.path().join("odd.json"),
        r#"[{"known_id":1,"subject":"Mars","attribute":"a","prompt":"Oslo is in"}]"#,
    )
    .unwrap();
    for (args, code, words) in [
        (vec!["--multiples", "0,1"], 2, vec!["--multiples", "above 0"]),
        (vec!["--sample", "0"], 2, vec!["--sample"]),
        (vec!["--noise-stream", "rome", "--seed", "4294967296"], 2, vec!["--seed", "2^32"]),
        (vec!["--out", "file"], 1, vec!["--out file is a file"]),
        (vec!["--facts", "none.json"], 1, vec!["none.json"]),
        (vec!["--facts", "odd.json"], 1, vec!["none of the 1 facts", "'Mars' is not in the prompt"]),
    ] {
        fails(folder.path(), &[&["calibrate"], &args[..]].concat(), code, &words);
    }
}
