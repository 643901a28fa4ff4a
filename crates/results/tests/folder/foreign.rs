//! Tables that carry the right checksum and are not ours: whatever they hold, reading ends in records or in an error.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use causal_trace_core::Metric;
use causal_trace_results::{FolderError, FolderWriter, PromptRecord, ResultsFolder};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

use crate::common::{manifest, manifest_of_pairs, numbers, says, traced, traced_pair};

/// A folder with one part of two facts of five tokens.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    let mut writer = FolderWriter::create(folder.path(), &manifest(&[2])).unwrap();
    writer.write_part(0, &[traced(5, 5), traced(6, 5)]).unwrap();
    folder
}

/// Puts a table in the place of one, and its checksum into the marker.
fn replace(folder: &Path, table: &str, bytes: &[u8], rows: usize) {
    fs::write(folder.join(table).join("part-00000.parquet"), bytes).unwrap();
    let path = folder.join("parts/part-00000.json");
    let mut marker: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    marker[table] = json!({ "rows": rows, "bytes": bytes.len(), "sha256": sha256 });
    fs::write(path, marker.to_string()).unwrap();
}

fn read(folder: &Path) -> Result<Vec<PromptRecord>, FolderError> {
    ResultsFolder::open(folder).unwrap().read_part(0)
}

fn table(folder: &Path, table: &str) -> RecordBatch {
    let bytes = fs::read(folder.join(table).join("part-00000.parquet")).unwrap();
    ParquetRecordBatchReader::try_new(Bytes::from(bytes), 10_000).unwrap().next().unwrap().unwrap()
}

fn encode(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// A table with one column changed; `None` leaves it out.
fn with_column(batch: &RecordBatch, name: &str, column: Option<ArrayRef>) -> RecordBatch {
    let index = batch.schema().index_of(name).unwrap();
    let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
    let mut columns = batch.columns().to_vec();
    match column {
        Some(column) => {
            fields[index] = Arc::new(Field::new(name, column.data_type().clone(), true));
            columns[index] = column;
        }
        None => {
            fields.remove(index);
            columns.remove(index);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn with_changed(name_of_table: &str, column: &str, values: Option<ArrayRef>, told: &[&str]) {
    let folder = folder();
    let changed = with_column(&table(folder.path(), name_of_table), column, values);
    replace(folder.path(), name_of_table, &encode(&changed), changed.num_rows());
    says(read(folder.path()), &[&["part 0 is damaged", name_of_table], told].concat());
}

const N_SITES: usize = 2 * 3 * 5 * 3;

/// A folder with one part of two prompt pairs of five tokens, in three metrics.
fn folder_of_pairs() -> TempDir {
    let folder = tempdir().unwrap();
    let mut writer = FolderWriter::create(folder.path(), &manifest_of_pairs(&[2])).unwrap();
    writer.write_part(0, &[traced_pair(5, 5), traced_pair(6, 5)]).unwrap();
    folder
}

/// The same with a column of the prompts taken from the second row, and what is told of it.
fn shifted(column: &str, told: &[&str]) {
    let folder = folder_of_pairs();
    let mut other = traced_pair(6, 5);
    numbers(&mut other).others.pop();
    let short = folder_with_one_metric(&other);
    let prompts = table(folder.path(), "prompts");
    let two = concatenated(&[prompts.slice(0, 1), table(short.path(), "prompts")]);
    let changed = with_column(&prompts, column, Some(two.column_by_name(column).unwrap().clone()));
    replace(folder.path(), "prompts", &encode(&changed), 2);
    says(read(folder.path()), told);
}

/// A folder of one prompt pair with one metric beside the probability.
fn folder_with_one_metric(record: &PromptRecord) -> TempDir {
    let folder = tempdir().unwrap();
    let mut manifest = manifest_of_pairs(&[1]);
    manifest.settings.metrics.pop();
    let mut record = record.clone();
    numbers(&mut record).grids.retain(|grid| grid.metric != Metric::KlDivergence);
    let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
    writer.write_part(0, &[record]).unwrap();
    folder
}

#[test]
fn lists_of_metrics_have_one_length() {
    shifted("metrics", &["fact 6: it has 1 metrics, but numbers for [2, 2, 2]"]);
    shifted("metrics_clean", &["fact 6: it has 2 metrics, but numbers for [1, 2, 2]"]);
    shifted("metrics_corrupted_samples", &["fact 6: it has 2 metrics, but numbers for [2, 2, 1]"]);
}

#[test]
fn a_metric_that_is_not_known_is_told() {
    let folder = folder_of_pairs();
    let sites = table(folder.path(), "sites");
    let wrong: ArrayRef = Arc::new(StringArray::from(vec!["mood"; sites.num_rows()]));
    let changed = with_column(&sites, "metric", Some(wrong));
    replace(folder.path(), "sites", &encode(&changed), changed.num_rows());
    says(read(folder.path()), &["part 0 is damaged", "'mood' is not a metric"]);
    let one: ArrayRef = Arc::new(StringArray::from(vec!["rank"; sites.num_rows()]));
    let changed = with_column(&sites, "metric", Some(one));
    replace(folder.path(), "sites", &encode(&changed), changed.num_rows());
    says(read(folder.path()), &["fact 5: its components are "]);
}

#[test]
fn a_foil_has_a_text_and_an_id() {
    let folder = folder_of_pairs();
    let prompts = table(folder.path(), "prompts");
    let wrong: ArrayRef = Arc::new(StringArray::from(vec![Some(" Finland"), None]));
    let changed = with_column(&prompts, "foil", Some(wrong));
    replace(folder.path(), "prompts", &encode(&changed), 2);
    says(read(folder.path()), &["fact 6: one of foil and foil_id is null"]);
}

#[test]
fn columns_must_be_there_with_their_types() {
    with_changed("sites", "layer", None, &["column layer is missing"]);
    with_changed("prompts", "corrupted_samples", None, &["column corrupted_samples is missing"]);
    let wrong: ArrayRef = Arc::new(Int64Array::from(vec![0; N_SITES]));
    with_changed("sites", "layer", Some(wrong.clone()), &["column layer has the wrong type, Int64"]);
    with_changed("sites", "patched_samples", Some(wrong), &["column patched_samples has the wrong type"]);
    let wrong: ArrayRef = Arc::new(StringArray::from(vec!["5", "6"]));
    with_changed("prompts", "id", Some(wrong), &["column id has the wrong type, Utf8"]);
}

#[test]
fn values_must_be_there_and_finite() {
    let some = |value: Option<f64>| -> ArrayRef {
        Arc::new(
            (0..N_SITES).map(|site| if site == 16 { value } else { Some(0.5) }).collect::<Float64Array>(),
        )
    };
    with_changed("sites", "patched", Some(some(None)), &["column patched has nulls"]);
    with_changed(
        "sites",
        "patched",
        Some(some(Some(f64::NAN))),
        &["fact 5: mlp: patched is NaN at token 0, layer 1"],
    );
    let wrong: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.5), None]));
    with_changed("prompts", "clean", Some(wrong), &["fact 6: it was not skipped, and its clean is null"]);
    let wrong: ArrayRef = Arc::new(StringArray::from(vec![None, Some("bad luck")]));
    with_changed("prompts", "skipped", Some(wrong), &["fact 6: 'bad luck' is not a reason"]);
}

#[test]
fn every_traced_fact_has_its_sites_once_and_in_order() {
    let folder = folder();
    let sites = table(folder.path(), "sites");
    let told = |rows: RecordBatch, told: &[&str]| {
        replace(folder.path(), "sites", &encode(&rows), rows.num_rows());
        says(read(folder.path()), told);
    };
    told(sites.slice(0, 45), &["fact 6: its components are , in place of residual, mlp, attn"]);
    told(sites.slice(0, 75), &["fact 6: its components are residual, mlp, in place of"]);
    told(sites.slice(0, 80), &["fact 6: sites of 5 tokens and 3 layers are missing"]);
    told(sites.slice(45, 45), &["fact 5: its components are ,"]);
    told(sites.slice(1, 15), &["row 0", "residual (probability) at token 0, layer 1 of fact 5"]);
    let twice = concatenated(&[sites.slice(0, 15), sites.clone()]);
    told(twice, &["fact 5: its components are residual, residual, mlp, attn, in place of"]);
    let extra = concatenated(&[sites.clone(), sites.slice(0, 15)]);
    told(extra, &["row 90", "fact 5, which is not next"]);
    replace(folder.path(), "sites", &encode(&sites), 89);
    says(read(folder.path()), &["90 rows in place of 89"]);
    replace(folder.path(), "sites", &encode(&sites), 90);
    assert_eq!(read(folder.path()).unwrap(), [traced(5, 5), traced(6, 5)]);
}

/// Batches one after the other, through a file.
fn concatenated(batches: &[RecordBatch]) -> RecordBatch {
    let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    let bytes = Bytes::from(writer.into_inner().unwrap());
    ParquetRecordBatchReader::try_new(bytes, 10_000).unwrap().next().unwrap().unwrap()
}

#[test]
fn columns_that_are_not_known_are_passed_over() {
    let folder = folder();
    let prompts = table(folder.path(), "prompts");
    let mut fields: Vec<_> = prompts.schema().fields().iter().cloned().collect();
    let mut columns = prompts.columns().to_vec();
    fields.insert(0, Arc::new(Field::new("mood", arrow_schema::DataType::Utf8, true)));
    columns.insert(0, Arc::new(StringArray::from(vec!["good", "better"])));
    let more = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    replace(folder.path(), "prompts", &encode(&more), 2);
    assert_eq!(read(folder.path()).unwrap(), [traced(5, 5), traced(6, 5)]);
}

/// Without the protection of the checksums: no panic comes out, and what is read is whole.
#[test]
fn no_change_of_bytes_gets_past_the_reader() {
    let folder = folder_of_pairs();
    for (name, rows) in [("prompts", 2), ("sites", 2 * 2 * 3 * 5 * 3)] {
        let whole = fs::read(folder.path().join(name).join("part-00000.parquet")).unwrap();
        for place in (0..whole.len()).step_by(7) {
            for flip in [0x01, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] ^= flip;
                replace(folder.path(), name, &bytes, rows);
                check_whole(read(folder.path()));
            }
        }
        for length in (0..whole.len()).step_by(37) {
            replace(folder.path(), name, &whole[..length], rows);
            says(read(folder.path()), &["part 0 is damaged"]);
        }
        replace(folder.path(), name, &whole, rows);
    }
    assert_eq!(read(folder.path()).unwrap(), [traced_pair(5, 5), traced_pair(6, 5)]);
}

fn check_whole(read: Result<Vec<PromptRecord>, FolderError>) {
    for mut record in read.unwrap_or_default() {
        let n_tokens = record.tokens.len();
        if matches!(record.outcome, causal_trace_results::Outcome::Skipped(_)) {
            continue;
        }
        let grids = &numbers(&mut record).grids;
        assert_eq!(grids.len(), 2 * 3);
        assert!(grids.iter().all(|grid| grid.patched.len() == 3 * n_tokens));
        assert!(grids.iter().all(|grid| grid.patched.iter().all(|value| value.is_finite())));
    }
}
