//! What the page is given of a folder.

use std::collections::BTreeSet;
use std::path::Path;

use causal_trace_core::{Component, Metric};
use causal_trace_report::page::{Folder, Report, SampleEncoding, encode_chunk, folder_names};
use causal_trace_results::statistics::{PeakClass, Summariser, SummaryOptions};
use causal_trace_results::{Outcome, PromptRecord, ResultsFolder, SkipReason};
use serde_json::Value;
use tempfile::tempdir;

use crate::chunks::decoded;
use crate::made_up::{LAYERS, manifest, noisy, skipped, written};

fn records() -> Vec<PromptRecord> {
    let manifest = manifest(&[Component::Residual, Component::Mlp], &[Metric::Logit]);
    let mut records: Vec<_> = (0..9).map(|id| noisy(&manifest, id)).collect();
    records.insert(2, skipped(100, SkipReason::WrongPrediction));
    records.push(skipped(101, SkipReason::TooLong));
    records.push(skipped(102, SkipReason::TooLong));
    records
}

fn written_in(path: &Path, records: &[PromptRecord]) -> ResultsFolder {
    written(path, manifest(&[Component::Residual, Component::Mlp], &[Metric::Logit]), records, 4)
}

#[test]
fn rows_averages_and_reasons_are_the_folders() {
    let folder = tempdir().unwrap();
    let records = records();
    let results = written_in(folder.path(), &records);
    let shown = Folder::read(&results, "a name").unwrap();
    let ids: Vec<i64> = shown.prompts.iter().map(|row| row.id).collect();
    assert_eq!(ids, (0..9).collect::<Vec<_>>());
    let parts: Vec<_> = shown.prompts.iter().map(|row| row.chunk.unwrap()).collect();
    assert_eq!(parts, [0, 0, 0, 1, 1, 1, 1, 2, 2], "a chunk is a part");
    assert_eq!(
        shown.skipped,
        [("the prompt is too long for the model", 2), ("the model predicts something else", 1)]
    );
    assert!(shown.has_samples && shown.left_out.is_none());
    for (summary, metric) in shown.summaries.iter().zip([Metric::Probability, Metric::Logit]) {
        let options = SummaryOptions { metric, ..SummaryOptions::default() };
        let mut summariser = Summariser::new(results.manifest(), options);
        records.iter().for_each(|record| summariser.add(record).unwrap());
        let json = |summary| serde_json::to_string(summary).unwrap();
        assert_eq!(json(summary), json(&summariser.finish().unwrap()));
    }
    assert_eq!(shown.summaries.len(), 2);
    let units: Vec<_> = shown.metrics.iter().map(|metric| (metric.label, metric.unit)).collect();
    assert_eq!(units, [("probability", ""), ("logit", "logits")]);
    let labels: Vec<_> = shown.components.iter().map(|component| component.label.as_str()).collect();
    assert_eq!(labels, ["residual", "MLP, window of 10 layers"]);
}

/// One prompt of five tokens, the subject the second and third, with these effects of the residual stream besides 0.
fn with_effects(effects: &[(usize, usize, f64)]) -> PromptRecord {
    let mut record = noisy(&manifest(&[Component::Residual], &[]), 1);
    record.tokens = [" a", " b", " c", " d", " e"].map(str::to_owned).to_vec();
    record.ids = vec![1, 2, 3, 4, 5];
    record.subject = Some((1..3).into());
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    (traced.clean, traced.corrupted, traced.corrupted_samples) = (0.9, 0.1, Vec::new());
    let grid = &mut traced.grids[0];
    grid.samples.clear();
    grid.indirect_effect = vec![0.0; 5 * LAYERS];
    for &(token, layer, effect) in effects {
        grid.indirect_effect[token * LAYERS + layer] = effect;
    }
    grid.patched = grid.indirect_effect.iter().map(|effect| 0.1 + effect).collect();
    grid.percent_improvement = grid.indirect_effect.clone();
    record
}

#[test]
fn the_deciding_site_is_the_one_that_names_the_class() {
    let last = (4, LAYERS - 1, 0.8);
    let early = with_effects(&[(2, 3, 0.5), (3, 4, 0.6), (4, 9, 0.7), last]);
    let late = with_effects(&[(2, 3, 0.1), (4, 9, 0.7), last]);
    let neither = with_effects(&[(1, 2, -0.1), (2, 3, 0.2), (0, 1, 0.3), last]);
    let mut unknown = with_effects(&[(3, 4, 0.3), last]);
    unknown.subject = None;
    let mut records = [early, late, neither, unknown];
    (1..).zip(&mut records).for_each(|(id, record)| record.fact.known_id = id);
    let folder = tempdir().unwrap();
    let results = written(folder.path(), manifest(&[Component::Residual], &[]), &records, 4);
    let shown = Folder::read(&results, "one").unwrap();
    let deciding = |row: usize| shown.prompts[row].deciding[0].clone().unwrap();
    let expected = [
        (2, 3, " c", 0.5, PeakClass::LastSubject),
        (4, 9, " e", 0.7, PeakClass::LateSite),
        (2, 3, " c", 0.2, PeakClass::None),
        (3, 4, " d", 0.3, PeakClass::None),
    ];
    for (row, expected) in expected.into_iter().enumerate() {
        let found = deciding(row);
        let found = (found.token, found.layer, found.text.as_str(), found.indirect_effect, found.class);
        assert_eq!(found, expected, "row {row}");
    }
    let counts: Vec<_> = shown.census[&Component::Residual].iter().map(|count| count.prompts).collect();
    assert_eq!(counts, [1, 0, 0, 1, 1], "the prompt without a subject has no class");
}

#[test]
fn a_folder_without_a_traced_prompt_has_no_averages() {
    let folder = tempdir().unwrap();
    let results = written_in(folder.path(), &[skipped(1, SkipReason::NotAligned)]);
    let shown = Folder::read(&results, "one").unwrap();
    assert!(shown.summaries.is_empty() && shown.prompts.is_empty() && !shown.has_samples);
    assert_eq!(shown.skipped.len(), 1);
}

#[test]
fn a_sweep_that_is_not_complete_says_so() {
    let folder = tempdir().unwrap();
    let results = written_in(folder.path(), &records());
    let so_far = |shown: &Folder| shown.made.iter().find(|row| row.0 == "so far").map(|row| row.1.clone());
    assert_eq!(so_far(&Folder::read(&results, "one").unwrap()), None);
    std::fs::remove_file(folder.path().join("parts/part-00001.json")).unwrap();
    let shown = Folder::read(&results, "one").unwrap();
    assert_eq!(so_far(&shown).as_deref(), Some("8 of 12 facts; the others are not traced yet"));
    assert_eq!(shown.prompts.iter().filter_map(|row| row.chunk).collect::<Vec<_>>(), [0, 0, 0, 2, 2]);
}

#[test]
fn a_damaged_folder_is_an_error() {
    let folder = tempdir().unwrap();
    let results = written_in(folder.path(), &records());
    std::fs::write(folder.path().join("sites/part-00001.parquet"), "x").unwrap();
    let error = Folder::read(&results, "one").unwrap_err().to_string();
    assert!(error.contains("part-00001.parquet"), "{error}");
}

/// The keys of an interface in TypeScript's text.
fn keys(source: &str, interface: &str) -> BTreeSet<String> {
    let body =
        source.split_once(&format!("interface {interface} {{\n")).unwrap().1.split_once("\n}").unwrap().0;
    let key = |line: &str| {
        let (key, _) = line.strip_prefix("  ")?.split_once(':')?;
        key.chars().all(|it| it.is_ascii_lowercase() || it == '_').then(|| key.to_owned())
    };
    body.lines().filter_map(key).collect()
}

#[test]
fn the_page_is_given_what_it_declares() {
    let source = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../explorer/src").join(file);
        std::fs::read_to_string(path).unwrap()
    };
    let (data, chunk) = (source("data.ts"), source("chunk.ts"));
    let folder = tempdir().unwrap();
    let results = written_in(folder.path(), &records());
    let report = Report::new(vec![Folder::read(&results, "one").unwrap()]);
    let report = serde_json::to_value(&report).unwrap();
    let shown = &report["folders"][0];
    let given = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    for (interface, value) in [
        ("Report", &report),
        ("Folder", shown),
        ("ComponentInfo", &shown["components"][0]),
        ("MetricInfo", &shown["metrics"][0]),
        ("PromptRow", &shown["prompts"][0]),
        ("DecidingSite", &shown["prompts"][0]["deciding"][0]),
    ] {
        assert_eq!(given(value), keys(&data, interface), "{interface}");
    }
    let summary = &shown["summaries"][0];
    for (interface, value) in [("Summary", summary), ("ComponentSummary", &summary["components"]["mlp"])] {
        assert!(given(value).is_superset(&keys(&data, interface)), "{interface}");
    }
    let records = results.read_part(0).unwrap();
    let encoded = encode_chunk(results.manifest().settings.direction, &records, SampleEncoding::Steps);
    let prompt = decoded(&encoded).prompts[0].clone();
    assert_eq!(given(&prompt), keys(&data, "PromptDetail"));
    assert_eq!(given(&prompt["grids"][0]), keys(&chunk, "GridHeader"));
}

#[test]
fn folders_are_named_by_their_paths() {
    let folder = tempdir().unwrap();
    let paths: Vec<_> =
        ["a/results", "b/results", "b/x"].iter().map(|path| folder.path().join(path)).collect();
    paths.iter().for_each(|path| std::fs::create_dir_all(path).unwrap());
    assert_eq!(folder_names(&paths), ["a/results", "b/results", "b/x"]);
}
