//! Tokens and subjects of ROME's own runs. Skipped, with a printed reason, where `../shared` is absent.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

use std::fs;
use std::path::{Path, PathBuf};

use causal_trace_lm::tokenizer::{Tokenizer, subject_span};
use causal_trace_results::CaseFile;
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if shared.is_dir() {
        return Some(shared);
    }
    println!("skipped: no ../shared beside the repository; tokens and subjects are not compared with ROME's");
    None
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// A fact's recorded files; runs with a window have none for the residual stream.
fn cases(run: &Path, known_id: &Value) -> Vec<PathBuf> {
    let paths = ["", "_mlp", "_attn"].map(|suffix| run.join(format!("knowledge_{known_id}{suffix}.npz")));
    paths.into_iter().filter(|path| path.is_file()).collect()
}

/// Compares all facts of one recorded run; gives the number of files.
fn check_run(model: &Path, run: &Path) -> usize {
    let tokenizer = Tokenizer::open(model).unwrap();
    let meta: Value = serde_json::from_slice(&fs::read(run.join("meta.json")).unwrap()).unwrap();
    let facts = meta["facts"].as_array().unwrap();
    let mut n_cases = 0;
    for fact in facts {
        let (prompt, subject) = (fact["prompt"].as_str().unwrap(), fact["subject"].as_str().unwrap());
        let encoded = tokenizer.encode(prompt).unwrap();
        let ids: Vec<i64> = encoded.ids.iter().map(|&id| id.into()).collect();
        let span = subject_span(prompt, &encoded, subject).unwrap().tokens;
        for case in cases(run, &fact["known_id"]) {
            let recorded = CaseFile::read(&case).unwrap();
            assert_eq!(ids, recorded.input_ids, "{}", case.display());
            assert_eq!(span, recorded.subject.unwrap().range(), "{}", case.display());
            n_cases += 1;
        }
    }
    n_cases
}

#[test]
fn tokens_and_subjects_are_those_that_rome_recorded() {
    let Some(shared) = shared() else { return };
    let mut n_cases = 0;
    for family in folders(&shared.join("golden")) {
        for run in folders(&family).into_iter().filter(|run| run.join("meta.json").is_file()) {
            let model = match family.ends_with("real") {
                true => shared.join("models").join(run.file_name().unwrap()),
                false => family.join("model"),
            };
            n_cases += check_run(&model, &run);
        }
    }
    println!("{n_cases} files agree");
    assert!(n_cases > 200);
}
