//! A results folder in the programs that its users have: pandas, polars and DuckDB.

use std::ffi::OsString;
use std::process::Command;

use causal_trace_results::{FolderWriter, SkipReason};
use tempfile::tempdir;

use crate::common::{imported, manifest, skipped, traced};

/// The Python that the tests were given, if it imports all of these.
fn python(modules: &str) -> Result<OsString, String> {
    let python = std::env::var_os("CAUSAL_TRACE_PYTHON")
        .ok_or("no Python with pandas, polars and DuckDB (set CAUSAL_TRACE_PYTHON)")?;
    let import = format!("import {modules}");
    match Command::new(&python).args(["-c", &import]).output() {
        Ok(output) if output.status.success() => Ok(python),
        _ => Err(format!("{} cannot import {modules}", python.display())),
    }
}

/// Columns and types as `docs/results-folder.md` has them, and some values of what is written below.
const SCRIPT: &str = r#"
import sys
import duckdb, pandas, polars

PROMPTS = {
    "id": "BIGINT", "prompt": "VARCHAR", "subject": "VARCHAR", "attribute": "VARCHAR", "template": "VARCHAR",
    "prediction": "VARCHAR", "relation_id": "VARCHAR", "relation": "VARCHAR", "fact_counterpart": "VARCHAR",
    "fact_foil": "VARCHAR", "token_ids": "INTEGER[]",
    "tokens": "VARCHAR[]", "subject_start": "INTEGER", "subject_end": "INTEGER", "subject_occurrences": "INTEGER",
    "counterpart": "VARCHAR", "counterpart_ids": "INTEGER[]", "counterpart_tokens": "VARCHAR[]",
    "roles_rome": "VARCHAR[][]", "roles_dannyallover": "VARCHAR[]", "answer": "VARCHAR", "answer_id": "INTEGER",
    "correct_prediction": "BOOLEAN", "clean": "DOUBLE", "corrupted": "DOUBLE", "corrupted_samples": "FLOAT[]",
    "total_effect": "DOUBLE", "noise_level": "DOUBLE", "foil": "VARCHAR", "foil_id": "INTEGER", "metrics": "VARCHAR[]",
    "metrics_clean": "DOUBLE[]", "metrics_corrupted": "DOUBLE[]", "metrics_corrupted_samples": "FLOAT[][]",
    "skipped": "VARCHAR", "skipped_detail": "VARCHAR",
}
SITES = {
    "id": "BIGINT", "component": "VARCHAR", "metric": "VARCHAR", "token": "INTEGER", "layer": "INTEGER", "patched": "DOUBLE",
    "indirect_effect": "DOUBLE", "percent_improvement": "DOUBLE", "patched_samples": "FLOAT[]",
}
ROME = [[], ["first_subject"], ["last_subject"], ["first_subsequent", "last"]]
DANNYALLOVER = [None, "first_subject", "last_subject", "first_subsequent"]

def plain(value):
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(item) for item in value] if isinstance(value, list) else value

def compare(prompts, sites):
    """Rows as dictionaries, from whichever library."""
    assert [row["id"] for row in prompts] == [5, 6, 7], prompts
    first, skipped, imported = prompts
    assert list(first) == list(PROMPTS) and list(sites[0]) == list(SITES)
    assert first["prompt"] == "In 5, Łódź is in" and first["subject"] == "Łódź"
    assert plain(first["token_ids"]) == [40000, 40001, 40002, 40003]
    assert plain(first["tokens"]) == [" t0", " t1", " t2", " t3"]
    assert (first["subject_start"], first["subject_end"]) == (1, 3)
    assert plain(first["roles_rome"]) == ROME, first["roles_rome"]
    assert plain(first["roles_dannyallover"]) == DANNYALLOVER, first["roles_dannyallover"]
    assert first["answer_id"] == 50256 and first["correct_prediction"] is not None
    assert first["total_effect"] == first["clean"] - first["corrupted"]
    assert sum(plain(first["corrupted_samples"])) / 2 == first["corrupted"]
    assert skipped["skipped"] == "wrong_prediction" and not skipped["answer"] == skipped["answer"] or skipped["answer"] is None
    assert not first["skipped"] == "wrong_prediction"
    assert plain(imported["token_ids"]) == []
    assert len(sites) == 2 * 3 * 4 * 3
    keys = [(row["id"], row["component"], row["token"], row["layer"]) for row in sites]
    expected = [(i, c, t, l) for i in (5, 7) for c in ("residual", "mlp", "attn") for t in range(4) for l in range(3)]
    assert keys == expected
    assert len(plain(sites[0]["patched_samples"])) == 2
    total = sum(row["patched"] for row in sites)
    assert abs(total - float(sys.argv[1])) < 1e-9, total

def null(value):
    return None if isinstance(value, float) and value != value else value

for read in (
    lambda table: pandas.read_parquet(f"out/{table}"),
):
    frames = [read(table) for table in ("prompts", "sites")]
    compare(*([{key: null(value) for key, value in row.items()} for row in frame.to_dict("records")] for frame in frames))

frames = [polars.read_parquet(f"out/{table}/*.parquet") for table in ("prompts", "sites")]
compare(*(frame.to_dicts() for frame in frames))
assert frames[1].schema["patched_samples"] == polars.List(polars.Float32)

rows = []
for table, columns in (("prompts", PROMPTS), ("sites", SITES)):
    relation = duckdb.sql(f"SELECT * FROM 'out/{table}/*.parquet'")
    assert dict(zip(relation.columns, map(str, relation.types))) == columns, (relation.columns, relation.types)
    rows.append([dict(zip(relation.columns, row)) for row in relation.fetchall()])
compare(*rows)

import pyarrow.parquet
about = pyarrow.parquet.read_metadata("out/sites/part-00000.parquet").metadata
assert about[b"format"] == b"causal-trace results" and about[b"format_version"] == b"2" and about[b"model"] == b"demo"
print("ok")
"#;

#[test]
fn pandas_polars_and_duckdb_read_the_documented_columns() {
    let python = match python("duckdb, pandas, polars, pyarrow") {
        Ok(python) => python,
        Err(why) => return println!("skipped: {why}; the results folder is not opened in Python"),
    };
    let folder = tempdir().unwrap();
    let mut records = vec![traced(5, 4), skipped(6, SkipReason::WrongPrediction), imported(7)];
    let mut writer = FolderWriter::create(&folder.path().join("out"), &manifest(&[2, 1])).unwrap();
    writer.write_part(0, &records[..2]).unwrap();
    writer.write_part(1, &records[2..]).unwrap();
    // A file that was being written when the process died is in nobody's way.
    std::fs::write(folder.path().join("out/sites/.part-00002.parquet.tmp"), "PAR1").unwrap();
    records.remove(1);
    let mut patched = records.iter_mut().flat_map(|it| crate::common::numbers(it).grids.clone());
    let total: f64 = patched.by_ref().flat_map(|grid| grid.patched).sum();
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, &total.to_string()]).current_dir(folder.path());
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ok", "{complaint}");
}
