//! Parquet tables as records. A file may be damaged or made by someone else: whatever it holds, the answer is
//! records in which every number is where it should be, or what is wrong.

mod prompts;
mod sites;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::check::grids_fault;
use crate::manifest::Manifest;
use crate::prompt_record::PromptRecord;

/// Rows decoded at a time.
const BATCH: usize = 8192;

/// The records of a prompts table with `rows` rows, their grids left empty.
pub(super) fn prompts(table: Vec<u8>, rows: usize) -> Result<Vec<PromptRecord>, String> {
    let mut records = Vec::new();
    read(table, rows, None, |batch| prompts::append(batch, &mut records))?;
    Ok(records)
}

/// The ids alone of a prompts table.
pub(super) fn ids(table: Vec<u8>, rows: usize) -> Result<Vec<i64>, String> {
    let mut ids = Vec::new();
    read(table, rows, Some("id"), |batch| prompts::append_ids(batch, &mut ids))?;
    Ok(ids)
}

/// Fills in the grids of some records from their sites table with `rows` rows.
pub(super) fn fill_grids(
    records: &mut [PromptRecord],
    table: Vec<u8>,
    rows: usize,
    manifest: &Manifest,
) -> Result<(), String> {
    let mut sites = sites::Sites::default();
    read(table, rows, None, |batch| sites.append(batch))?;
    sites.distribute(records, manifest.model.n_layers)?;
    let faults = |record: &PromptRecord| Some((record.fact.known_id, grids_fault(record, manifest)?));
    records.iter().find_map(faults).map_or(Ok(()), |(id, fault)| Err(format!("fact {id}: {fault}")))
}

/// Gives every batch of a table to `take`: all columns, or the one that is named.
fn read(
    table: Vec<u8>,
    rows: usize,
    column: Option<&str>,
    take: impl FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    // The decoder asserts what a file may break on purpose; the checksums keep all other damage away from it.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(table, rows, column, take)));
    decoded.unwrap_or_else(|_| Err("it is not a Parquet file that can be read".to_owned()))
}

fn decode(
    table: Vec<u8>,
    rows: usize,
    column: Option<&str>,
    mut take: impl FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    let len = table.len();
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let mut reader = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(table), options)
        .map_err(|error| error.to_string())?;
    check_layout(reader.metadata(), rows, len)?;
    if let Some(column) = column {
        let mask = ProjectionMask::columns(reader.parquet_schema(), [column]);
        reader = reader.with_projection(mask);
    }
    let mut decoded = 0;
    for batch in reader.with_batch_size(BATCH).build().map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        decoded += batch.num_rows();
        take(&batch)?;
    }
    if decoded == rows { Ok(()) } else { Err(format!("it holds {decoded} rows in place of {rows}")) }
}

/// That a table has so many rows, and its columns lie within the file's `len` bytes.
fn check_layout(metadata: &ParquetMetaData, rows: usize, len: usize) -> Result<(), String> {
    let found = metadata.file_metadata().num_rows();
    if usize::try_from(found) != Ok(rows) {
        return Err(format!("it has {found} rows in place of {rows}"));
    }
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let end = start.checked_add(column.compressed_size());
        let is_inside = start >= 0 && end.is_some_and(|end| end >= start && end as u64 <= len as u64);
        if !is_inside {
            return Err(format!("column {} lies outside the file", column.column_path()));
        }
    }
    Ok(())
}
