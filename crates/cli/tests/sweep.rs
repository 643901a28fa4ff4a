//! `causal-trace sweep` and the commands on its results folder, as a user runs them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use causal_trace_results::{CaseFile, ResultsFolder};
use serde_json::{Value, json};
use support::{fails, golden, shared, stderr, stdout, succeeds, tables};
use tempfile::tempdir;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn summary(folder: &Path, args: &[&str]) -> Value {
    parsed(&stdout(&succeeds(folder, &[&["summary"], args, &["--json"]].concat())))
}

/// A fact file beside the program.
fn write_facts(folder: &Path, facts: &Value) {
    std::fs::write(folder.join("facts.json"), facts.to_string()).unwrap();
}

#[test]
fn a_sweep_prints_the_summary_that_the_contract_names() {
    let folder = tempdir().unwrap();
    let sweep = ["sweep", "--limit", "24", "--component", "all", "--out", "results", "--json"];
    let found = parsed(&stdout(&succeeds(folder.path(), &sweep)));
    assert_eq!(found, summary(folder.path(), &["results"]), "sweep ends with the folder's summary");
    assert_eq!(found["model"], "demo");
    let prompts = found["prompts"].as_u64().unwrap();
    let skipped: u64 = found["skipped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(prompts + skipped, 24);
    for key in ["average_total_effect", "mean_clean", "mean_corrupted"] {
        assert!((0.0..=1.0).contains(&found[key].as_f64().unwrap()), "{key}");
    }
    for component in ["residual", "mlp", "attn"] {
        let of = &found["components"][component];
        let layers = of["layers"].as_u64().unwrap() as usize;
        assert_eq!(of["roles"].as_array().unwrap().len(), 6);
        assert_eq!(of["counts"].as_array().unwrap().len(), 6);
        for key in [
            "average_indirect_effect",
            "sd_indirect_effect",
            "average_percent_improvement",
            "sd_percent_improvement",
            "wrong_direction_share",
            "ci95_low",
            "ci95_high",
        ] {
            let rows = of[key].as_array().unwrap();
            assert_eq!(rows.len(), 6, "{component} {key}");
            assert!(rows.iter().all(|row| row.as_array().unwrap().len() == layers), "{component} {key}");
        }
    }
    let table = stdout(&succeeds(folder.path(), &["summary", "results"]));
    for word in ["last subject token", "average total effect", "residual:", "mlp:", "attn:", "bootstrap"] {
        assert!(table.contains(word), "'{word}' is not in:\n{table}");
    }
}

#[test]
fn selections_choose_among_the_traced_prompts() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "40", "--out", "results"]);
    let all = summary(folder.path(), &["results"])["prompts"].as_u64().unwrap();
    assert!(all > 30);
    for (select, n) in [("most-tokens:5", 5), ("least-tokens:5", 5), ("random:7:3", 7), ("all", all)] {
        assert_eq!(summary(folder.path(), &["results", "--select", select])["prompts"], n, "{select}");
    }
    let refused = ["summary", "results", "--select", "ids:123456"];
    fails(folder.path(), &refused, 1, &["123456"]);
    fails(folder.path(), &["summary", "results", "--select", "first:3"], 2, &["most-tokens"]);
    fails(folder.path(), &["summary", "nothing"], 1, &["nothing"]);
}

#[test]
fn a_sweep_gives_the_numbers_of_single_traces() {
    let folder = tempdir().unwrap();
    let method = ["--component", "all", "--window", "3", "--samples", "4", "--seed", "9"];
    let facts: Value = parsed(include_str!("../../../demo/facts.json"));
    let facts = facts.as_array().unwrap();
    let ids: Vec<String> =
        [3, 7, 50, 51, 120].map(|place: usize| facts[place]["known_id"].to_string()).to_vec();
    let ids = ids.join(",");
    let sweep = [&["sweep", "--ids", &ids, "--out", "results"], &method[..]].concat();
    succeeds(folder.path(), &sweep);
    succeeds(folder.path(), &["export", "results", "--to", "rome", "--out", "cases"]);
    let mut compared = 0;
    for place in [3, 7, 50, 51, 120] {
        let fact = &facts[place];
        let (prompt, subject) = (fact["prompt"].as_str().unwrap(), fact["subject"].as_str().unwrap());
        let trace = ["trace", "--prompt", prompt, "--subject", subject, "--out", "single"];
        succeeds(folder.path(), &[&trace, &method[..]].concat());
        for suffix in ["", "_mlp", "_attn"] {
            let case = folder.path().join(format!("cases/knowledge_{}{suffix}.npz", fact["known_id"]));
            let case = CaseFile::read(&case).unwrap();
            let single = CaseFile::read(&folder.path().join(format!("single/trace{suffix}.npz"))).unwrap();
            assert_eq!(case.samples, single.samples, "{prompt}{suffix}");
            assert_eq!(case.scores, single.scores, "{prompt}{suffix}");
            assert_eq!((case.low_score, case.high_score), (single.low_score, single.high_score));
            assert_eq!(case.input_ids, single.input_ids);
            compared += 1;
        }
    }
    assert_eq!(compared, 15);
}

#[test]
fn exported_cases_equal_the_recorded_ones() {
    let Some(shared) = shared("ROME's facts; a sweep over them is not compared with the recorded cases")
    else {
        return;
    };
    let folder = tempdir().unwrap();
    let golden = shared.join("golden/gpt2");
    let facts = shared.join("data/known_1000.json");
    let model = golden.join("model");
    let sweep = ["sweep", "--model", model.to_str().unwrap(), "--facts", facts.to_str().unwrap()];
    let chosen = ["--ids", "0,1,4,7,25,67", "--component", "all", "--noise-stream", "rome", "--out", "r"];
    succeeds(folder.path(), &[&sweep[..], &chosen[..]].concat());
    succeeds(folder.path(), &["export", "r", "--to", "rome", "--out", "cases"]);
    let mut largest = 0.0f64;
    for id in [0, 1, 4, 7, 25, 67] {
        for suffix in ["", "_mlp", "_attn"] {
            let name = format!("knowledge_{id}{suffix}.npz");
            let ours = CaseFile::read(&folder.path().join("cases").join(&name)).unwrap();
            let theirs = CaseFile::read(&golden.join("rome-s3").join(&name)).unwrap();
            assert_eq!((&ours.answer, &ours.input_ids), (&theirs.answer, &theirs.input_ids), "{name}");
            assert_eq!((ours.window, ours.subject), (theirs.window, theirs.subject), "{name}");
            assert_eq!((ours.scores.len(), ours.n_layers), (theirs.scores.len(), theirs.n_layers), "{name}");
            let differences = ours.scores.iter().zip(&theirs.scores).map(|(a, b)| (a - b).abs());
            let of_baseline =
                [ours.low_score - theirs.low_score, ours.high_score - theirs.high_score].map(f64::abs);
            largest = differences.chain(of_baseline).fold(largest, f64::max);
        }
    }
    println!("18 cases, largest difference {largest:.1e}");
    assert!(largest <= 2e-5, "{largest:.1e}");
}

#[test]
fn every_skipped_fact_has_its_reason() {
    let folder = tempdir().unwrap();
    let fact = |id: i64, prompt: &str, subject: &str, attribute: &str| json!({"known_id": id, "prompt": prompt, "subject": subject, "attribute": attribute});
    let good = "Space Needle can be found in the city of";
    let long = format!("{good} {}", "and of ".repeat(200));
    write_facts(
        folder.path(),
        &json!([
            fact(1, good, "Space Needle", "Seattle"),
            fact(2, good, "Space Needle", "Paris"),
            fact(3, good, "Eiffel Tower", "Seattle"),
            fact(4, &long, "Space Needle", "Seattle"),
            fact(5, good, "Space Needle", "Seattle of Seattle"),
        ]),
    );
    let sweep = |target: &str| {
        let args = ["sweep", "--facts", "facts.json", "--noise", "0.3", "--target", target, "--out", target];
        succeeds(folder.path(), &args);
        summary(folder.path(), &[target])
    };
    let predicted = sweep("predicted");
    let expected = json!({"wrong_prediction": 1, "subject_not_found": 1, "too_long": 1});
    assert_eq!((&predicted["prompts"], &predicted["skipped"]), (&json!(2), &expected));
    let attribute = sweep("attribute");
    let expected = json!({"several_tokens": 1, "subject_not_found": 1, "too_long": 1});
    assert_eq!((&attribute["prompts"], &attribute["skipped"]), (&json!(2), &expected));
    let table = stdout(&succeeds(folder.path(), &["summary", "predicted"]));
    assert!(table.contains("1 wrong prediction") && table.contains("1 too long"), "{table}");
    succeeds(folder.path(), &["export", "predicted", "--to", "json", "--out", "p.json"]);
    let text = std::fs::read_to_string(folder.path().join("p.json")).unwrap();
    for detail in ["instead of", "Eiffel Tower"] {
        assert!(text.contains(detail), "'{detail}' is not in {text}");
    }
    fails(folder.path(), &["summary", "predicted", "--select", "ids:2"], 1, &["wrong_prediction"]);
    let listed = stdout(&succeeds(folder.path(), &["summary", "predicted", "--skipped"]));
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("subject_not_found") && listed.contains("Eiffel Tower"), "{listed}");
}

#[test]
fn a_sweep_that_skips_everything_says_so() {
    let folder = tempdir().unwrap();
    let prompt = "Space Needle can be found in the city of";
    write_facts(
        folder.path(),
        &json!([{"known_id": 1, "prompt": prompt, "subject": "Space Needle", "attribute": "Paris"}]),
    );
    let sweep = ["sweep", "--facts", "facts.json", "--noise", "0.3", "--out", "results"];
    let output = succeeds(folder.path(), &sweep);
    assert!(stderr(&output).contains("wrong_prediction 1"), "{}", stderr(&output));
    fails(folder.path(), &["summary", "results"], 1, &["wrong_prediction 1"]);
}

#[test]
fn other_settings_on_the_same_folder_are_refused_by_name() {
    let folder = tempdir().unwrap();
    fn sweep<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["sweep", "--limit", "3", "--out", "results"], more].concat()
    }
    succeeds(folder.path(), &sweep(&[]));
    let before = tables(&folder.path().join("results"));
    for (more, words) in [
        (&["--seed", "2"][..], &["seed", "1", "2"][..]),
        (&["--samples", "3"], &["samples", "10", "3"]),
        (&["--model", "demo-j"], &["weights_sha256"]),
        (&["--component", "mlp"], &["components", "residual", "mlp"]),
        (&["--target", "attribute"], &["target", "predicted", "attribute"]),
    ] {
        fails(folder.path(), &sweep(more), 1, words);
    }
    let other = ["sweep", "--limit", "4", "--out", "results"];
    fails(folder.path(), &other, 1, &["limit 3", "limit 4"]);
    assert_eq!(tables(&folder.path().join("results")), before);
    let again = succeeds(folder.path(), &sweep(&[]));
    assert!(stderr(&again).contains("1 of 1 parts are there already"), "{}", stderr(&again));
    std::fs::create_dir(folder.path().join("full")).unwrap();
    std::fs::write(folder.path().join("full/thesis.tex"), "").unwrap();
    fails(folder.path(), &["sweep", "--limit", "3", "--out", "full"], 1, &["full"]);
    assert_eq!(std::fs::read_dir(folder.path().join("full")).unwrap().count(), 1, "nothing is added");
}

#[test]
fn shares_of_the_work_merge_into_the_whole() {
    let folder = tempdir().unwrap();
    let sweep = |out: &str, more: &[&str]| {
        let args = ["sweep", "--limit", "70", "--samples", "3", "--out", out];
        succeeds(folder.path(), &[&args, more].concat());
    };
    sweep("whole", &[]);
    for shard in ["0/3", "1/3", "2/3"] {
        sweep(&format!("shard-{}", &shard[..1]), &["--shard", shard]);
    }
    let partial = succeeds(folder.path(), &["summary", "shard-0"]);
    let all = ResultsFolder::open(&folder.path().join("whole")).unwrap().manifest().parts.len();
    assert!(stderr(&partial).contains(&format!("of {all} parts")), "{}", stderr(&partial));
    let merge = ["merge", "shard-0", "shard-1", "shard-2", "--out", "merged"];
    succeeds(folder.path(), &merge);
    assert_eq!(tables(&folder.path().join("merged")), tables(&folder.path().join("whole")));
    assert_eq!(summary(folder.path(), &["merged"]), summary(folder.path(), &["whole"]));
    fails(folder.path(), &["sweep", "--out", "x", "--shard", "3/3"], 2, &["I/N"]);
}

#[test]
fn folders_of_other_facts_merge_and_other_settings_do_not() {
    let folder = tempdir().unwrap();
    let facts: Value = parsed(include_str!("../../../demo/facts.json"));
    let ids = |places: std::ops::Range<usize>| {
        let ids: Vec<String> = places.map(|place| facts[place]["known_id"].to_string()).collect();
        ids.join(",")
    };
    let sweep = |out: &str, ids: &str, seed: &str| {
        succeeds(folder.path(), &["sweep", "--ids", ids, "--samples", "2", "--seed", seed, "--out", out]);
    };
    sweep("a", &ids(0..5), "1");
    sweep("b", &ids(5..9), "1");
    sweep("c", &ids(9..12), "2");
    succeeds(folder.path(), &["merge", "a", "b", "--out", "ab"]);
    let prompts = |name: &str| summary(folder.path(), &[name])["prompts"].as_u64().unwrap();
    assert_eq!(prompts("ab"), prompts("a") + prompts("b"));
    fails(folder.path(), &["merge", "a", "c", "--out", "ac"], 1, &["seed"]);
    succeeds(folder.path(), &["merge", "a", "a", "--out", "aa"]);
    assert_eq!(prompts("aa"), prompts("a"), "the same parts count once");
}

#[test]
fn import_reads_what_export_wrote() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "20", "--component", "all", "--out", "results"]);
    succeeds(folder.path(), &["export", "results", "--to", "rome", "--out", "cases"]);
    // Once more into the same folder, but not with files of other results beside.
    succeeds(folder.path(), &["export", "results", "--to", "rome", "--out", "cases"]);
    std::fs::write(folder.path().join("cases/knowledge_99999_mlp.npz"), "").unwrap();
    fails(
        folder.path(),
        &["export", "results", "--to", "rome", "--out", "cases"],
        1,
        &["knowledge_99999_mlp"],
    );
    std::fs::remove_file(folder.path().join("cases/knowledge_99999_mlp.npz")).unwrap();
    succeeds(folder.path(), &["import", "cases", "--from", "rome", "--model-name", "demo", "--out", "again"]);
    let (mut first, mut again) = (summary(folder.path(), &["results"]), summary(folder.path(), &["again"]));
    for summary in [&mut first, &mut again] {
        summary.as_object_mut().unwrap().remove("skipped");
    }
    assert_eq!(first, again);
    succeeds(folder.path(), &["export", "again", "--to", "rome", "--out", "cases-again"]);
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for entry in std::fs::read_dir(folder.path().join("cases")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(bytes(&format!("cases/{name}")) == bytes(&format!("cases-again/{name}")), "{name}");
    }
}

#[test]
fn a_sweep_of_a_golden_model_needs_no_shared_folder() {
    let folder = tempdir().unwrap();
    let golden = golden("gpt2");
    let meta = parsed(&std::fs::read_to_string(golden.join("rome-s3/meta.json")).unwrap());
    write_facts(folder.path(), &meta["facts"]);
    let model = golden.join("model");
    let level = meta["noise_level"].to_string();
    let sweep = ["sweep", "--model", model.to_str().unwrap(), "--facts", "facts.json", "--ids", "0,25"];
    let method = ["--noise", &level, "--noise-stream", "rome", "--component", "all", "--out", "r"];
    succeeds(folder.path(), &[&sweep[..], &method[..]].concat());
    succeeds(folder.path(), &["export", "r", "--to", "rome", "--out", "cases"]);
    for name in ["knowledge_0.npz", "knowledge_25_mlp.npz", "knowledge_25_attn.npz"] {
        let ours = CaseFile::read(&folder.path().join("cases").join(name)).unwrap();
        let theirs = CaseFile::read(&golden.join("rome-s3").join(name)).unwrap();
        let differences = ours.scores.iter().zip(&theirs.scores).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f64::max) <= 2e-5, "{name}");
    }
}

#[test]
fn one_bad_fact_does_not_stop_the_others() {
    let folder = tempdir().unwrap();
    let prompt = "Space Needle can be found in the city of";
    let fact = |id: i64, subject: &str, attribute: &str| json!({"known_id": id, "prompt": prompt, "subject": subject, "attribute": attribute});
    // White space as the attribute's first token would be met by any white space.
    write_facts(
        folder.path(),
        &json!([
            fact(-5, "Space Needle", "Seattle"),
            fact(2, "", "Seattle"),
            fact(3, "Space Needle", "\u{6771}")
        ]),
    );
    let found = parsed(&stdout(&succeeds(
        folder.path(),
        &["sweep", "--facts", "facts.json", "--out", "results", "--json"],
    )));
    assert_eq!(found["prompts"], 1);
    assert_eq!(found["skipped"], json!({"not_tokenized": 1, "several_tokens": 1}));
    let one = ["sweep", "--facts", "facts.json", "--ids", "-5", "--noise", "0.3", "--out", "one"];
    succeeds(folder.path(), &one);
    fails(folder.path(), &["sweep", "--out", "x", "--shard", "0/99999999999"], 2, &["I/N"]);
}

#[test]
fn nothing_is_written_among_the_tables_of_a_results_folder() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "3", "--samples", "2", "--out", "r"]);
    let before = tables(&folder.path().join("r"));
    for out in ["r", "r/manifest.json", "r/sites/x"] {
        for to in ["json", "csv", "rome"] {
            fails(folder.path(), &["export", "r", "--to", to, "--out", out], 1, &["results folder"]);
        }
        fails(folder.path(), &["figures", "r", "--out", out], 1, &["results folder"]);
    }
    fails(folder.path(), &["sweep", "--limit", "3", "--out", "r/sites/inner"], 1, &["results folder"]);
    // A folder of one's own in it is nobody's business.
    succeeds(folder.path(), &["export", "r", "--to", "rome", "--out", "r/cases"]);
    succeeds(folder.path(), &["sweep", "--limit", "3", "--samples", "2", "--out", "r"]);
    assert_eq!(tables(&folder.path().join("r")), before);
    std::fs::create_dir(folder.path().join("d")).unwrap();
    fails(folder.path(), &["export", "r", "--to", "json", "--out", "d"], 1, &["not a file"]);
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(folder.path(), &["export", "r", "--to", "rome", "--out", "file"], 1, &["is a file"]);
}

#[test]
fn other_case_files_are_another_import() {
    let folder = tempdir().unwrap();
    for (out, seed) in [("a", "1"), ("b", "2")] {
        let sweep = ["sweep", "--limit", "4", "--samples", "2", "--seed", seed, "--out", out];
        succeeds(folder.path(), &sweep);
    }
    let export = |from: &str| succeeds(folder.path(), &["export", from, "--to", "rome", "--out", "cases"]);
    let import = ["import", "cases", "--from", "rome", "--model-name", "demo", "--out", "imported"];
    export("a");
    succeeds(folder.path(), &import);
    succeeds(folder.path(), &import);
    export("b");
    fails(folder.path(), &import, 1, &["sha256"]);
    assert_eq!(
        summary(folder.path(), &["imported"])["mean_corrupted"],
        summary(folder.path(), &["a"])["mean_corrupted"]
    );
    fails(
        folder.path(),
        &["import", "cases", "--from", "rome", "--model-name", " ", "--out", "x"],
        2,
        &["--model-name"],
    );
}
