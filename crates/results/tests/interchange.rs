//! Export and import lose nothing; damaged case files are errors.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod records;

use std::path::Path;
use std::process::Command;

use causal_trace_core::{Component, Direction, Metric};
use causal_trace_results::interchange::{CsvExport, ImportError, JsonExport, import_rome, rome_cases};
use causal_trace_results::{
    Case, CaseFile, Counterpart, Manifest, OtherMetric, Outcome, PromptRecord, SkipReason, SkippedCase,
    Target,
};
use records::{RandomRecords, export, manifest, python, shared, skipped};
use serde_json::Value;

fn round_trip(records: &[PromptRecord], manifest: &Manifest) -> (Manifest, Vec<PromptRecord>) {
    let folder = tempfile::tempdir().unwrap();
    export(records, manifest, folder.path());
    import_rome(folder.path(), "again").unwrap()
}

#[test]
fn what_is_exported_is_imported_again() {
    for seed in 0..12 {
        let direction = [Direction::Denoise, Direction::Noise][seed as usize % 2];
        let components = &Component::ALL[..1 + seed as usize % 7];
        let mut folder = manifest(components, 1 + seed as usize % 4, direction);
        folder.settings.residual_window.width = 1 + seed as usize % 2;
        let mut random = RandomRecords::new(seed);
        let n_samples = [0, 1, 3][seed as usize % 3];
        let mut records: Vec<PromptRecord> =
            (-2..8).map(|id| random.record(id, &folder, n_samples)).collect();
        records.push(skipped(11, SkipReason::WrongPrediction, "predicted ' b\0'"));
        let (found, imported) = round_trip(&records, &folder);
        for (imported, record) in imported.iter().zip(&records) {
            assert_eq!(imported, record, "seed {seed}, fact {}", record.fact.known_id);
        }
        assert_eq!(imported.len(), records.len());
        assert_eq!(found.settings, folder.settings);
        assert_eq!((found.model.n_layers, found.target), (folder.model.n_layers, Target::Predicted));
    }
}

#[test]
fn parts_and_names_of_an_imported_folder() {
    let folder = manifest(&[Component::Residual], 1, Direction::Denoise);
    let mut random = RandomRecords::new(1);
    let records: Vec<PromptRecord> = (0..130).map(|id| random.record(id, &folder, 2)).collect();
    let (found, imported) = round_trip(&records, &folder);
    assert_eq!(found.parts, [64, 64, 2]);
    assert_eq!((found.facts[0].n_facts, found.facts[0].selection.as_str()), (130, "imported"));
    assert_eq!(found.model.name, "again");
    assert!(imported.is_sorted_by_key(|record| record.fact.known_id), "by number, not by name");
}

#[test]
fn other_reasons_for_skipping_have_no_case_file() {
    let folder = manifest(&Component::ROME, 1, Direction::Denoise);
    assert_eq!(rome_cases(&skipped(1, SkipReason::TooLong, "long"), &folder).unwrap(), []);
    let wrong = rome_cases(&skipped(1, SkipReason::WrongPrediction, "no"), &folder).unwrap();
    let names: Vec<&str> = wrong.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["knowledge_1.npz", "knowledge_1_mlp.npz", "knowledge_1_attn.npz"]);
}

/// A case without any of this program's own keys.
fn plain_case(component: Component) -> CaseFile {
    CaseFile {
        component,
        scores: vec![0.25, 0.5, 0.125, 0.75],
        n_layers: 2,
        low_score: 0.25,
        high_score: 0.75,
        input_ids: vec![5, 6],
        input_tokens: vec![" Space".to_owned(), " is".to_owned()],
        subject: Some((0..1).into()),
        answer: " high".to_owned(),
        window: 10,
        residual_window: 1,
        correct_prediction: true,
        samples: Vec::new(),
        corrupted_samples: Vec::new(),
        noise_level: None,
        indirect_effect: None,
        percent_improvement: None,
        details: None,
    }
}

fn write(folder: &Path, name: &str, case: &CaseFile) {
    std::fs::write(folder.join(name), case.to_bytes().unwrap()).unwrap();
}

#[test]
fn rome_s_own_keys_suffice() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "knowledge_3.npz", &plain_case(Component::Residual));
    std::fs::write(folder.path().join("knowledge_4.npz"), SkippedCase { details: None }.to_bytes().unwrap())
        .unwrap();
    std::fs::write(folder.path().join("notes.txt"), "passed over").unwrap();
    let (found, records) = import_rome(folder.path(), "gpt2").unwrap();
    assert_eq!((found.model.n_layers, found.settings.window.width), (2, 10));
    let record = &records[0];
    assert_eq!((record.fact.prompt.as_str(), record.fact.subject.as_str()), (" Space is", "Space"));
    assert_eq!((record.fact.attribute.as_str(), &record.ids[..]), ("high", &[5, 6][..]));
    let Outcome::Traced(traced) = &record.outcome else { unreachable!() };
    assert_eq!(traced.grids[0].indirect_effect, [0.0, 0.25, -0.125, 0.5]);
    assert_eq!(traced.grids[0].percent_improvement, [0.0, 0.5, -0.25, 1.0]);
    assert!(
        matches!(&records[1].outcome, Outcome::Skipped(skip) if skip.reason == SkipReason::WrongPrediction)
    );
}

fn import_error(folder: &Path) -> String {
    import_rome(folder, "gpt2").unwrap_err().to_string()
}

#[test]
fn folders_that_do_not_agree_are_errors_that_name_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(import_error(path).contains("no case file"));
    assert!(matches!(import_rome(&path.join("none"), "gpt2"), Err(ImportError::Folder { .. })));

    std::fs::write(path.join("knowledge_4.npz"), SkippedCase { details: None }.to_bytes().unwrap()).unwrap();
    assert!(import_error(path).contains("all 1 facts are skipped"));

    write(path, "knowledge_3.npz", &plain_case(Component::Residual));
    write(path, "knowledge_3_mlp.npz", &plain_case(Component::Mlp));
    assert!(import_error(path).contains("knowledge_4_mlp.npz is missing"));
    std::fs::remove_file(path.join("knowledge_4.npz")).unwrap();
    import_rome(path, "gpt2").unwrap();

    for (change, what) in [
        (CaseFile { window: 3, ..plain_case(Component::Mlp) }, "the window (10 and 3 layers)"),
        (
            CaseFile { residual_window: 2, ..plain_case(Component::Mlp) },
            "the window of the residual stream (1 and 2 layers)",
        ),
        (CaseFile { answer: " low".to_owned(), ..plain_case(Component::Mlp) }, "the answer"),
        (CaseFile { low_score: 0.3, ..plain_case(Component::Mlp) }, "low_score"),
        (CaseFile { n_layers: 1, scores: vec![0.5; 2], ..plain_case(Component::Mlp) }, "number of layers"),
        (plain_case(Component::Attention), "its kind is 'attn'"),
    ] {
        write(path, "knowledge_3_mlp.npz", &change);
        let error = import_error(path);
        assert!(error.contains(what) && error.contains("knowledge_3_mlp.npz"), "{error}");
    }
    std::fs::write(path.join("knowledge_3_mlp.npz"), SkippedCase { details: None }.to_bytes().unwrap())
        .unwrap();
    assert!(import_error(path).contains("whether the prediction is correct"));
}

/// Every cut and many changed bytes of a case file: an error or, in the archive's padding, the same case.
#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("knowledge_0.npz");
    let manifest = manifest(&[Component::Residual], 2, Direction::Denoise);
    let record = RandomRecords::new(7).record(0, &manifest, 2);
    let bytes = rome_cases(&record, &manifest).unwrap().remove(0).bytes;
    std::fs::write(&path, &bytes).unwrap();
    let whole = Case::read(&path).unwrap();
    for len in (0..bytes.len()).step_by(31) {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(Case::read(&path).is_err(), "cut to {len} of {} bytes", bytes.len());
    }
    for place in (0..bytes.len()).step_by(13) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x55;
        std::fs::write(&path, &changed).unwrap();
        if let Ok(case) = Case::read(&path) {
            let lost_keys = format!("{case:?}").len() < format!("{whole:?}").len();
            assert!(case == whole || lost_keys, "byte {place}: other numbers without an error");
        }
    }
}

/// Types and shapes as other programs may write them.
#[test]
fn numpy_s_other_types_are_read_or_refused() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
import numpy as np
case = dict(scores=np.array([[0.25, 0.5], [0.1, 0.75]]), low_score=np.float32(0.25), high_score=0.75,
    input_ids=np.array([5, 6], np.int32), input_tokens=["a", "b"], subject_range=np.array([0, 1], np.int32),
    answer="x", window=np.int32(10), correct_prediction=True, kind="")
def save(name, **changes):
    np.savez(name, **{key: value for key, value in {**case, **changes}.items() if value is not None})
save("good.npz")
save("no_ids.npz", input_ids=None, subject_range=(-1, -1))
save("half.npz", scores=case["scores"].astype(np.float16))
save("columns.npz", scores=np.asfortranarray(case["scores"]))
save("pickled.npz", answer=np.array({"a": 1}, object))
save("flat.npz", scores=case["scores"].ravel())
save("long.npz", scores=np.zeros((3, 2)))
save("nan.npz", low_score=np.nan)
save("two.npz", low_score=np.zeros(2))
save("missing.npz", answer=None)
np.savez_compressed("compressed.npz", **case)
np.savez("skipped.npz", correct_prediction=False)
"#;
    let output = Command::new(python).args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| CaseFile::read(&folder.path().join(name));
    let good = read("good.npz").unwrap();
    assert_eq!((&good.scores[..], good.low_score), (&[0.25, 0.5, 0.1, 0.75][..], 0.25));
    assert_eq!((good.window, &good.input_ids[..]), (10, &[5, 6][..]));
    assert_eq!(read("compressed.npz").unwrap(), good);
    let without = read("no_ids.npz").unwrap();
    assert_eq!((without.subject, without.input_ids), (None, Vec::new()));
    for (name, words) in [
        ("half.npz", "\"scores\": it holds <f2, expected float32 or float64"),
        ("columns.npz", "numpy.ascontiguousarray"),
        ("pickled.npz", "\"answer\""),
        ("flat.npz", "expected [tokens, layers]"),
        ("long.npz", "there are 2 tokens"),
        ("nan.npz", "\"low_score\": it holds NaN"),
        ("two.npz", "expected a single value"),
        ("missing.npz", "\"answer\": it is missing"),
        ("skipped.npz", "is missing"),
    ] {
        let error = read(name).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
    assert!(matches!(Case::read(&folder.path().join("skipped.npz")), Ok(Case::Skipped(_))));
}

#[test]
fn golden_cases_survive_a_round_trip() {
    let Some(golden) = shared("golden/gpt2/rome-s3") else { return };
    let (folder, records) = import_rome(&golden, "gpt2").unwrap();
    assert_eq!(folder.settings.components, Component::ROME);
    let (again, imported) = round_trip(&records, &folder);
    assert_eq!((again.settings, imported), (folder.settings, records));
}

/// Fields of a CSV text.
fn rows(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn csv_has_a_row_for_each_site_and_loses_no_digit() {
    let folder = manifest(&[Component::Residual, Component::Mlp], 2, Direction::Denoise);
    let mut random = RandomRecords::new(5);
    let mut record = random.record(3, &folder, 2);
    record.tokens[0] = "say \"no\",\n\0 ".to_owned();
    let mut export = CsvExport::new(Vec::new(), Vec::new()).unwrap();
    export.add(&record).unwrap();
    export.add(&skipped(4, SkipReason::TooLong, "1, 2")).unwrap();
    let (prompts, sites) = export.finish().unwrap();
    let (prompts, sites) = (rows(&prompts), rows(&sites));
    let column = |table: &[Vec<String>], row: usize, name: &str| {
        let place = table[0].iter().position(|column| column == name).unwrap();
        table[row][place].clone()
    };
    assert_eq!(prompts.len(), 3);
    let tokens: Vec<String> = serde_json::from_str(&column(&prompts, 1, "tokens")).unwrap();
    assert_eq!(tokens, record.tokens);
    assert_eq!(column(&prompts, 2, "skipped"), "too_long");
    assert_eq!(column(&prompts, 2, "skipped_detail"), "1, 2");
    assert_eq!(column(&prompts, 2, "clean"), "");
    let Outcome::Traced(traced) = &record.outcome else { unreachable!() };
    assert_eq!(sites.len(), 1 + 2 * record.tokens.len() * 2);
    assert_eq!(column(&sites, 1, "token_text"), record.tokens[0]);
    for grid in &traced.grids {
        for (site, &effect) in grid.indirect_effect.iter().enumerate() {
            let first = sites.iter().position(|row| row[1] == grid.component.name()).unwrap();
            assert_eq!(column(&sites, first + site, "indirect_effect").parse(), Ok(effect));
            let samples: Vec<f32> = column(&sites, first + site, "patched_samples")
                .split(' ')
                .map(|sample| sample.parse().unwrap())
                .collect();
            assert_eq!(samples, grid.samples_at(site / 2, site % 2));
        }
    }
}

/// A record with a foil, a counterpart and a logit difference of its one component.
fn with_logit_difference(folder: &Manifest) -> PromptRecord {
    let metric = Metric::LogitDifference;
    let mut record = RandomRecords::new(8).record(3, folder, 2);
    let n_tokens = record.tokens.len();
    let tokens: Vec<String> = (0..n_tokens).map(|token| format!(" {token}")).collect();
    let (text, ids) = (tokens.concat(), (0..n_tokens as u32).collect());
    record.counterpart = Some(Counterpart { text, ids, tokens });
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.foil = Some((" foil".to_owned(), 21));
    let mut grid = traced.grids[0].clone();
    grid.metric = metric;
    grid.indirect_effect.iter_mut().for_each(|effect| *effect *= 10.0);
    traced.grids.push(grid);
    let corrupted_samples = vec![1.5, 2.5];
    traced.others = vec![OtherMetric { metric, clean: 7.5, corrupted: 2.0, corrupted_samples }];
    record
}

#[test]
fn every_metric_is_in_csv_and_json() {
    let mut folder = manifest(&[Component::Mlp], 2, Direction::Denoise);
    folder.settings.metrics = vec![Metric::LogitDifference];
    let record = with_logit_difference(&folder);
    let traced = record.traced().unwrap();
    let mut export = CsvExport::new(Vec::new(), Vec::new()).unwrap();
    export.add(&record).unwrap();
    let (prompts, sites) = export.finish().unwrap();
    let (prompts, sites) = (rows(&prompts), rows(&sites));
    let column = |table: &[Vec<String>], name: &str| table[0].iter().position(|it| it == name).unwrap();
    let metrics: Vec<&str> = sites[1..].iter().map(|row| row[column(&sites, "metric")].as_str()).collect();
    let n_sites = 2 * record.tokens.len();
    assert_eq!(metrics, [vec!["probability"; n_sites], vec!["logit_difference"; n_sites]].concat());
    let effect = sites[1 + n_sites][column(&sites, "indirect_effect")].parse();
    assert_eq!(effect, Ok(traced.grids[1].indirect_effect[0]));
    let of_prompt = |name: &str| prompts[1][column(&prompts, name)].as_str();
    assert_eq!((of_prompt("metrics"), of_prompt("metrics_clean")), ("logit_difference", "7.5"));
    assert_eq!((of_prompt("metrics_corrupted"), of_prompt("metrics_corrupted_samples")), ("2.0", "1.5 2.5"));
    assert_eq!((of_prompt("foil"), of_prompt("foil_id")), (" foil", "21"));
    assert!(of_prompt("counterpart").starts_with(" 0 1"));

    let mut export = JsonExport::new(Vec::new(), &folder).unwrap();
    export.add(&record).unwrap();
    let document: Value = serde_json::from_slice(&export.finish().unwrap()).unwrap();
    let found = &document["prompts"][0];
    assert_eq!(found["counterpart"]["tokens"].as_array().unwrap().len(), record.tokens.len());
    let found = &found["traced"];
    assert_eq!((&found["foil"], &found["foil_id"]), (&Value::from(" foil"), &Value::from(21)));
    let probability = &found["components"]["mlp"]["indirect_effect"][0][0];
    assert_eq!(probability.as_f64(), Some(traced.grids[0].indirect_effect[0]));
    let difference = &found["metrics"]["logit_difference"];
    assert_eq!((&difference["clean"], &difference["total_effect"]), (&Value::from(7.5), &Value::from(5.5)));
    let effects = &difference["components"]["mlp"]["indirect_effect"];
    assert_eq!(effects[0][0].as_f64(), Some(traced.grids[1].indirect_effect[0]));
}

#[test]
fn case_files_hold_the_probability_only() {
    let mut folder = manifest(&[Component::Mlp], 2, Direction::Denoise);
    let mut record = with_logit_difference(&folder);
    folder.settings.metrics = vec![Metric::LogitDifference];
    let (found, imported) = round_trip(std::slice::from_ref(&record), &folder);
    assert!(found.settings.metrics.is_empty());
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.others.clear();
    traced.grids.truncate(1);
    assert_eq!(imported, [record]);
}

#[test]
fn json_is_one_document() {
    let folder = manifest(&[Component::Mlp], 2, Direction::Denoise);
    let mut random = RandomRecords::new(6);
    let records =
        [random.record(3, &folder, 2), skipped(4, SkipReason::TooLong, "x"), random.record(5, &folder, 0)];
    let mut export = JsonExport::new(Vec::new(), &folder).unwrap();
    records.iter().for_each(|record| export.add(record).unwrap());
    let document: Value = serde_json::from_slice(&export.finish().unwrap()).unwrap();
    assert_eq!(serde_json::from_value::<Manifest>(document["manifest"].clone()).unwrap(), folder);
    let prompts = document["prompts"].as_array().unwrap();
    assert_eq!(prompts.len(), 3);
    let Outcome::Traced(traced) = &records[0].outcome else { unreachable!() };
    let grid = &prompts[0]["traced"]["components"]["mlp"];
    assert_eq!(grid["indirect_effect"][1][0].as_f64(), Some(traced.grids[0].indirect_effect[2]));
    assert_eq!(grid["patched_samples"][1][0].as_array().unwrap().len(), 2);
    assert_eq!(prompts[0]["tokens"].as_array().unwrap().len(), records[0].tokens.len());
    assert_eq!(prompts[1]["skipped"]["reason"], "too_long");
    assert!(prompts[1]["traced"].is_null() && prompts[0]["skipped"].is_null());
    assert!(prompts[2]["traced"]["components"]["mlp"]["patched_samples"].is_null());
    let empty = JsonExport::new(Vec::new(), &folder).unwrap().finish().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&empty).unwrap()["prompts"], Value::Array(Vec::new()));
}
