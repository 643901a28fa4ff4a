//! Records as Parquet tables in memory: the same records give the same bytes.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, Float64Builder, Int32Builder, ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow_schema::DataType;
use causal_trace_core::{Role, RoleConvention};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::layout::Table;
use super::schema::{element, number_columns, schema};
use crate::manifest::{FORMAT, FORMAT_VERSION, Manifest};
use crate::prompt_record::{Counterpart, EffectGrid, OtherMetric, Outcome, PromptRecord, TracedPrompt};

/// A table's number of rows and its file's bytes.
pub(super) struct Encoded {
    pub(super) rows: usize,
    pub(super) bytes: Vec<u8>,
}

/// Encodes a table of some records, which [`super::check`] has found in order.
pub(super) fn encode(
    table: Table,
    manifest: &Manifest,
    records: &[PromptRecord],
) -> Result<Encoded, ParquetError> {
    let columns = match table {
        Table::Prompts => prompt_columns(records)?,
        Table::Sites => site_columns(records)?,
    };
    let batch = RecordBatch::try_new(schema(table), columns)?;
    let options = ArrowWriterOptions::new()
        .with_properties(properties(table, manifest))
        // Arrow's own description of the types would say nothing that Parquet's does not.
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)?;
    writer.write(&batch)?;
    Ok(Encoded { rows: batch.num_rows(), bytes: writer.into_inner()? })
}

/// No dates and no program version: the same records give the same bytes.
fn properties(table: Table, manifest: &Manifest) -> WriterProperties {
    let about = [
        ("format", FORMAT.to_owned()),
        ("format_version", FORMAT_VERSION.to_string()),
        ("table", table.name().to_owned()),
        ("model", manifest.model.name.clone()),
    ];
    let about = about.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("causal-trace".to_owned())
        .set_key_value_metadata(Some(about));
    for name in number_columns(table) {
        // A dictionary pays only where values recur.
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    properties.build()
}

/// The columns of the prompts table, in the order of the schema.
fn prompt_columns(records: &[PromptRecord]) -> Result<Vec<ArrayRef>, ParquetError> {
    let text = |value: fn(&PromptRecord) -> Option<&str>| -> ArrayRef {
        Arc::new(records.iter().map(value).collect::<StringArray>())
    };
    let traced = |value: fn(&TracedPrompt) -> Option<f64>| -> ArrayRef {
        Arc::new(records.iter().map(|record| of(record).and_then(value)).collect::<Float64Array>())
    };
    let subject = |end: fn(causal_trace_core::TokenSpan) -> usize| {
        integers(records.iter().map(|record| record.subject.map(end)))
    };
    Ok(vec![
        Arc::new(records.iter().map(|record| Some(record.fact.known_id)).collect::<Int64Array>()),
        text(|record| Some(&record.fact.prompt)),
        text(|record| Some(&record.fact.subject)),
        text(|record| Some(&record.fact.attribute)),
        text(|record| record.fact.template.as_deref()),
        text(|record| record.fact.prediction.as_deref()),
        text(|record| record.fact.relation_id.as_deref()),
        text(|record| record.fact.relation.as_deref()),
        text(|record| record.fact.counterpart.as_deref()),
        text(|record| record.fact.foil.as_deref()),
        Arc::new(token_ids(records.iter().map(|record| &record.ids[..]))?),
        Arc::new(tokens(records.iter().map(|record| &record.tokens[..]))),
        subject(|span| span.start)?,
        subject(|span| span.end)?,
        integers(records.iter().map(|record| Some(record.subject_occurrences)))?,
        text(|record| record.counterpart.as_ref().map(|other| other.text.as_str())),
        Arc::new(token_ids(counterparts(records).map(|other| other.map_or(&[][..], |it| &it.ids)))?),
        Arc::new(tokens(counterparts(records).map(|other| other.map_or(&[][..], |it| &it.tokens)))),
        Arc::new(rome_roles(records)),
        Arc::new(dannyallover_roles(records)),
        text(|record| of(record).map(|traced| traced.answer.as_str())),
        integers(records.iter().map(|record| Some(of(record)?.answer_id? as usize)))?,
        Arc::new(
            records
                .iter()
                .map(|record| of(record).map(|traced| traced.correct_prediction))
                .collect::<BooleanArray>(),
        ),
        traced(|traced| Some(traced.clean)),
        traced(|traced| Some(traced.corrupted)),
        Arc::new(samples(
            records.iter().map(|record| of(record).map_or(&[][..], |it| &it.corrupted_samples)),
        )),
        traced(|traced| Some(traced.total_effect())),
        traced(|traced| traced.noise_level),
        text(|record| of(record)?.foil.as_ref().map(|(text, _)| text.as_str())),
        integers(records.iter().map(|record| Some(of(record)?.foil.as_ref()?.1 as usize)))?,
        Arc::new(tokens(
            records
                .iter()
                .map(|record| others(record).iter().map(|other| other.metric.name()).collect::<Vec<_>>()),
        )),
        Arc::new(number_lists(records, |other| other.clean)),
        Arc::new(number_lists(records, |other| other.corrupted)),
        Arc::new(other_samples(records)),
        text(|record| skip(record).map(|skip| skip.reason.name())),
        text(|record| skip(record).map(|skip| skip.detail.as_str())),
    ])
}

fn of(record: &PromptRecord) -> Option<&TracedPrompt> {
    record.traced()
}

fn others(record: &PromptRecord) -> &[OtherMetric] {
    of(record).map_or(&[], |traced| &traced.others)
}

fn counterparts(records: &[PromptRecord]) -> impl Iterator<Item = Option<&Counterpart>> {
    records.iter().map(|record| record.counterpart.as_ref())
}

fn skip(record: &PromptRecord) -> Option<&crate::Skip> {
    match &record.outcome {
        Outcome::Traced(_) => None,
        Outcome::Skipped(skip) => Some(skip),
    }
}

/// The columns of the sites table, in the order of the schema. The order of the rows is part of the format.
fn site_columns(records: &[PromptRecord]) -> Result<Vec<ArrayRef>, ParquetError> {
    let grids = || {
        records.iter().flat_map(|record| {
            let grids = of(record).map_or(&[][..], |traced| &traced.grids);
            grids.iter().map(move |grid| (record.fact.known_id, grid))
        })
    };
    let sites = || grids().flat_map(|(id, grid)| (0..grid.patched.len()).map(move |site| (id, grid, site)));
    let numbers = |values: fn(&EffectGrid) -> &[f64]| -> ArrayRef {
        let values = grids().flat_map(|(_, grid)| values(grid).iter().copied());
        Arc::new(values.map(Some).collect::<Float64Array>())
    };
    Ok(vec![
        Arc::new(sites().map(|(id, ..)| Some(id)).collect::<Int64Array>()),
        Arc::new(sites().map(|(_, grid, _)| Some(grid.component.name())).collect::<StringArray>()),
        Arc::new(sites().map(|(_, grid, _)| Some(grid.metric.name())).collect::<StringArray>()),
        integers(sites().map(|(_, grid, site)| Some(site / grid.n_layers)))?,
        integers(sites().map(|(_, grid, site)| Some(site % grid.n_layers)))?,
        numbers(|grid| &grid.patched),
        numbers(|grid| &grid.indirect_effect),
        numbers(|grid| &grid.percent_improvement),
        Arc::new(samples(
            sites().map(|(_, grid, site)| grid.samples_at(site / grid.n_layers, site % grid.n_layers)),
        )),
    ])
}

fn integers(values: impl Iterator<Item = Option<usize>>) -> Result<ArrayRef, ParquetError> {
    let values = values.map(|value| value.map(integer).transpose());
    Ok(Arc::new(values.collect::<Result<Int32Array, _>>()?))
}

fn integer(value: usize) -> Result<i32, ParquetError> {
    i32::try_from(value).map_err(|_| ParquetError::General(format!("{value} does not fit 32 bits")))
}

fn token_ids<'a>(rows: impl Iterator<Item = &'a [u32]>) -> Result<ListArray, ParquetError> {
    let mut lists = ListBuilder::new(Int32Builder::new()).with_field(element(DataType::Int32, false));
    for row in rows {
        for &id in row {
            lists.values().append_value(integer(id as usize)?);
        }
        lists.append(true);
    }
    Ok(lists.finish())
}

fn tokens<T: AsRef<str>>(rows: impl Iterator<Item = impl AsRef<[T]>>) -> ListArray {
    let mut lists = text_lists();
    for row in rows {
        lists.append_value(row.as_ref().iter().map(Some));
    }
    lists.finish()
}

/// A number of each other metric, one list a row.
fn number_lists(records: &[PromptRecord], number: fn(&OtherMetric) -> f64) -> ListArray {
    let mut lists = ListBuilder::new(Float64Builder::new()).with_field(element(DataType::Float64, false));
    for record in records {
        lists.append_value(others(record).iter().map(|other| Some(number(other))));
    }
    lists.finish()
}

/// The corrupted runs' samples of each other metric, one list of lists a row.
fn other_samples(records: &[PromptRecord]) -> ListArray {
    let inner = ListBuilder::new(Float32Builder::new()).with_field(element(DataType::Float32, false));
    let numbers = DataType::List(element(DataType::Float32, false));
    let mut lists = ListBuilder::new(inner).with_field(element(numbers, false));
    for record in records {
        for other in others(record) {
            lists.values().append_value(other.corrupted_samples.iter().copied().map(Some));
        }
        lists.append(true);
    }
    lists.finish()
}

fn text_lists() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new()).with_field(element(DataType::Utf8, false))
}

/// The roles of every token of a record: none before the subject, or where there is none.
fn roles(record: &PromptRecord, convention: RoleConvention) -> impl Iterator<Item = Vec<Role>> {
    let seq_len = record.tokens.len();
    (0..seq_len).map(move |token| {
        record.subject.map_or_else(Vec::new, |subject| convention.roles(subject, seq_len, token).collect())
    })
}

fn rome_roles(records: &[PromptRecord]) -> ListArray {
    let inner = text_lists();
    let texts = DataType::List(element(DataType::Utf8, false));
    let mut lists = ListBuilder::new(inner).with_field(element(texts, false));
    for record in records {
        for roles in roles(record, RoleConvention::Rome) {
            lists.values().append_value(roles.iter().map(|role| Some(role.name())));
        }
        lists.append(true);
    }
    lists.finish()
}

fn dannyallover_roles(records: &[PromptRecord]) -> ListArray {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element(DataType::Utf8, true));
    for record in records {
        let roles = roles(record, RoleConvention::Dannyallover);
        lists.append_value(roles.map(|roles| roles.first().map(|role| role.name())));
    }
    lists.finish()
}

/// One list of samples a row; null where there are none.
fn samples<'a>(rows: impl Iterator<Item = &'a [f32]>) -> ListArray {
    let mut lists = ListBuilder::new(Float32Builder::new()).with_field(element(DataType::Float32, false));
    for row in rows {
        lists.values().append_slice(row);
        lists.append(!row.is_empty());
    }
    lists.finish()
}
