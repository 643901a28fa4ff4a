//! The columns of both tables, for the writer, the reader and `docs/results-folder.md`.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::layout::Table;

/// A column: its name, what it holds, and whether it may be null.
type Column = (&'static str, Kind, bool);

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Int64,
    Int32,
    Float64,
    Bool,
    Text,
    Int32s,
    Float32s,
    Float64s,
    Float32Lists,
    Texts,
    /// A list of texts, some of which may be null.
    OptionalTexts,
    TextLists,
}

const PROMPTS: &[Column] = &[
    ("id", Kind::Int64, false),
    ("prompt", Kind::Text, false),
    ("subject", Kind::Text, false),
    ("attribute", Kind::Text, false),
    ("template", Kind::Text, true),
    ("prediction", Kind::Text, true),
    ("relation_id", Kind::Text, true),
    ("relation", Kind::Text, true),
    ("fact_counterpart", Kind::Text, true),
    ("fact_foil", Kind::Text, true),
    ("token_ids", Kind::Int32s, false),
    ("tokens", Kind::Texts, false),
    ("subject_start", Kind::Int32, true),
    ("subject_end", Kind::Int32, true),
    ("subject_occurrences", Kind::Int32, false),
    ("counterpart", Kind::Text, true),
    ("counterpart_ids", Kind::Int32s, false),
    ("counterpart_tokens", Kind::Texts, false),
    ("roles_rome", Kind::TextLists, false),
    ("roles_dannyallover", Kind::OptionalTexts, false),
    ("answer", Kind::Text, true),
    ("answer_id", Kind::Int32, true),
    ("correct_prediction", Kind::Bool, true),
    ("clean", Kind::Float64, true),
    ("corrupted", Kind::Float64, true),
    ("corrupted_samples", Kind::Float32s, true),
    ("total_effect", Kind::Float64, true),
    ("noise_level", Kind::Float64, true),
    ("foil", Kind::Text, true),
    ("foil_id", Kind::Int32, true),
    ("metrics", Kind::Texts, false),
    ("metrics_clean", Kind::Float64s, false),
    ("metrics_corrupted", Kind::Float64s, false),
    ("metrics_corrupted_samples", Kind::Float32Lists, false),
    ("skipped", Kind::Text, true),
    ("skipped_detail", Kind::Text, true),
];

const SITES: &[Column] = &[
    ("id", Kind::Int64, false),
    ("component", Kind::Text, false),
    ("metric", Kind::Text, false),
    ("token", Kind::Int32, false),
    ("layer", Kind::Int32, false),
    ("patched", Kind::Float64, false),
    ("indirect_effect", Kind::Float64, false),
    ("percent_improvement", Kind::Float64, false),
    ("patched_samples", Kind::Float32s, true),
];

/// The columns of a table, in their order.
pub(super) fn schema(table: Table) -> SchemaRef {
    let columns =
        columns(table).iter().map(|&(name, kind, nullable)| Field::new(name, data_type(kind), nullable));
    Arc::new(Schema::new(columns.collect::<Vec<_>>()))
}

/// The names of the columns of measured numbers, no two of which are alike.
pub(super) fn number_columns(table: Table) -> impl Iterator<Item = &'static str> {
    let is_number =
        |kind| matches!(kind, Kind::Float64 | Kind::Float32s | Kind::Float64s | Kind::Float32Lists);
    columns(table).iter().filter(move |(_, kind, _)| is_number(*kind)).map(|&(name, ..)| name)
}

fn columns(table: Table) -> &'static [Column] {
    match table {
        Table::Prompts => PROMPTS,
        Table::Sites => SITES,
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Int64 => DataType::Int64,
        Kind::Int32 => DataType::Int32,
        Kind::Float64 => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Text => DataType::Utf8,
        Kind::Int32s => DataType::List(element(DataType::Int32, false)),
        Kind::Float32s => DataType::List(element(DataType::Float32, false)),
        Kind::Float64s => DataType::List(element(DataType::Float64, false)),
        Kind::Float32Lists => DataType::List(element(data_type(Kind::Float32s), false)),
        Kind::Texts => DataType::List(element(DataType::Utf8, false)),
        Kind::OptionalTexts => DataType::List(element(DataType::Utf8, true)),
        Kind::TextLists => DataType::List(element(data_type(Kind::Texts), false)),
    }
}

/// An element of a list, under the name that Parquet gives it.
pub(super) fn element(data_type: DataType, nullable: bool) -> Arc<Field> {
    Arc::new(Field::new("element", data_type, nullable))
}
