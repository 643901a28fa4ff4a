//! Damaged files are told from whole ones, and the way out is said.

use std::fs;
use std::path::Path;

use causal_trace_results::{FolderWriter, ResultsFolder};
use tempfile::tempdir;

use crate::common::{complete, files, records, says, three_parts};

const TABLES: [&str; 2] = ["prompts/part-00001.parquet", "sites/part-00001.parquet"];

/// Damages a file of part 1; expects a clear error, the other parts intact, and that the advice helps.
fn is_told(file: &str, damage: impl Fn(&Path), what: &str) {
    let (whole, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let manifest = three_parts(whole.path());
    complete(folder.path(), &manifest);
    damage(&folder.path().join(file));
    let marker = folder.path().join("parts/part-00001.json");
    let told = [
        "part 1 is damaged",
        file,
        what,
        &format!("delete {}", marker.display()),
        "run the same sweep again",
    ];
    let results = ResultsFolder::open(folder.path()).unwrap();
    says(results.read_part(1), &told);
    says(FolderWriter::create(folder.path(), &manifest), &told);
    assert_eq!(results.read_part(0).unwrap().len() + results.read_part(2).unwrap().len(), 6);
    fs::remove_file(marker).unwrap();
    complete(folder.path(), &manifest);
    assert_eq!(files(folder.path()), files(whole.path()));
}

#[test]
fn a_table_that_is_not_what_was_written_is_told() {
    for table in TABLES {
        is_told(table, |path| fs::remove_file(path).unwrap(), "missing");
        is_told(
            table,
            |path| change(path, |bytes| bytes.truncate(bytes.len() / 2)),
            "bytes and was written with",
        );
        is_told(table, |path| change(path, |bytes| bytes.push(0)), "bytes and was written with");
        is_told(table, |path| change(path, |bytes| bytes[100] ^= 1), "altered");
    }
}

#[test]
fn a_marker_that_says_nothing_sensible_is_told() {
    let marker = "parts/part-00001.json";
    is_told(marker, |path| fs::write(path, "").unwrap(), "EOF");
    is_told(marker, |path| fs::write(path, "{}").unwrap(), "missing field");
    is_told(marker, |path| replace(path, "\"rows\": 3", "\"rows\": 4"), "4 facts, and the manifest of 3");
    is_told(marker, |path| replace(path, "\"rows\": 3", "\"rows\": -3"), "invalid value");
    is_told(
        TABLES[1],
        |path| replace(&marker_of(path), "\"rows\": 81", "\"rows\": 1000000000000"),
        "81 rows",
    );
}

fn marker_of(table: &Path) -> std::path::PathBuf {
    table.parent().unwrap().with_file_name("parts").join("part-00001.json")
}

#[test]
fn a_marker_of_no_part_is_told() {
    let folder = tempdir().unwrap();
    let manifest = three_parts(folder.path());
    fs::copy(folder.path().join("parts/part-00001.json"), folder.path().join("parts/part-00003.json"))
        .unwrap();
    says(records(folder.path()), &["part-00003.json", "it has 3", "delete the file"]);
    says(FolderWriter::create(folder.path(), &manifest), &["part-00003.json"]);
}

#[test]
fn every_changed_byte_is_noticed() {
    let folder = tempdir().unwrap();
    three_parts(folder.path());
    let results = ResultsFolder::open(folder.path()).unwrap();
    for table in TABLES {
        let path = folder.path().join(table);
        let whole = fs::read(&path).unwrap();
        for place in (0..whole.len()).step_by(37) {
            change(&path, |bytes| bytes[place] ^= 0x55);
            says(results.read_part(1), &["altered"]);
            fs::write(&path, &whole).unwrap();
        }
    }
    assert_eq!(records(folder.path()).unwrap().len(), 9);
}

#[test]
fn a_manifest_that_is_not_one_is_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    says(records(folder.path()), &["is not a results folder", "no manifest.json"]);
    says(records(&folder.path().join("nowhere")), &["nowhere is not a results folder"]);
    let manifest = three_parts(folder.path());
    let whole = fs::read_to_string(&path).unwrap();
    let with = |from: &str, to: &str, told: &[&str]| {
        fs::write(&path, whole.replace(from, to)).unwrap();
        says(records(folder.path()), told);
        says(FolderWriter::create(folder.path(), &manifest), told);
    };
    with("causal-trace results", "cake recipes", &["\"cake recipes\"", "it is not a results folder"]);
    with("\"format_version\": 2", "\"format_version\": 3", &["format version 3", "use a newer causal-trace"]);
    let older = ["format version 1 of an older causal-trace", "run the sweep again into a new folder"];
    with("\"format_version\": 2", "\"format_version\": 1", &older);
    with("\"format_version\": 2", "\"format_version\": 0", &["is damaged", "version 0"]);
    with(
        "\"metrics\": []",
        "\"metrics\": [\"probability\"]",
        &["is damaged", "settings.metrics names probability"],
    );
    with("\"metrics\": []", "\"metrics\": [\"rank\", \"rank\"]", &["settings.metrics names rank"]);
    with("\"metrics\": []", "\"metrics\": [\"mood\"]", &["is damaged", "mood"]);
    with("\"n_layers\": 3", "\"n_layers\": 0", &["is damaged", "n_layers"]);
    with("\"n_layers\": 3", "\"n_layers\": 99999999999", &["is damaged", "n_layers"]);
    with("\"n_layers\": 3", "\"n_layers\": \"3\"", &["is damaged", "invalid type"]);
    with("\"denoise\"", "\"sideways\"", &["is damaged", "sideways"]);
    with("\n}", "", &["is damaged"]);
    // Keys of later programs are passed over.
    fs::write(&path, whole.replace("\"target\"", "\"weather\": [\"fair\"],\n  \"target\"")).unwrap();
    assert_eq!(records(folder.path()).unwrap().len(), 9);
}

#[test]
fn any_prefix_of_a_manifest_is_an_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    three_parts(folder.path());
    let whole = fs::read(&path).unwrap();
    // The last byte is the end of the line.
    for length in (0..whole.len() - 1).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        says(records(folder.path()), &["is damaged"]);
    }
}

pub(crate) fn change(path: &Path, how: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    how(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    // The prompts stand first in a marker, and "rows" first in each table.
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}
