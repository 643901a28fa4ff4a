//! Two tables as CSV: one row for each prompt, and one for each site.

use std::io::{self, Write};

use causal_trace_core::{Role, RoleConvention};

use crate::{Counterpart, EffectGrid, OtherMetric, Outcome, PromptRecord, TracedPrompt};

const N_PROMPT_COLUMNS: usize = 35;

/// The columns of the prompts' table, named as in the results folder.
const PROMPT_COLUMNS: [&str; N_PROMPT_COLUMNS] = [
    "id",
    "subject",
    "attribute",
    "prompt",
    "template",
    "prediction",
    "relation_id",
    "relation",
    "n_tokens",
    "tokens",
    "token_ids",
    "subject_start",
    "subject_end",
    "subject_occurrences",
    "skipped",
    "skipped_detail",
    "answer",
    "answer_id",
    "correct_prediction",
    "clean",
    "corrupted",
    "total_effect",
    "corrupted_samples",
    "noise_level",
    "fact_counterpart",
    "fact_foil",
    "counterpart",
    "counterpart_ids",
    "counterpart_tokens",
    "foil",
    "foil_id",
    "metrics",
    "metrics_clean",
    "metrics_corrupted",
    "metrics_corrupted_samples",
];

/// The columns of the sites' table, named as in the results folder.
const SITE_COLUMNS: [&str; 12] = [
    "id",
    "component",
    "metric",
    "token",
    "token_text",
    "roles_rome",
    "roles_dannyallover",
    "layer",
    "patched",
    "indirect_effect",
    "percent_improvement",
    "patched_samples",
];

/// Writes records as CSV, one after the other.
///
/// Lists of numbers are joined by spaces, lists of such lists by semicolons; tokens are a JSON list, since a token may be a space. What is not
/// known is an empty field.
pub struct CsvExport<W: Write> {
    prompts: csv::Writer<W>,
    sites: csv::Writer<W>,
}

impl<W: Write> CsvExport<W> {
    /// Writes the two headers.
    ///
    /// # Errors
    /// When a writer fails.
    pub fn new(prompts: W, sites: W) -> io::Result<Self> {
        let mut export =
            CsvExport { prompts: csv::Writer::from_writer(prompts), sites: csv::Writer::from_writer(sites) };
        export.prompts.write_record(PROMPT_COLUMNS)?;
        export.sites.write_record(SITE_COLUMNS)?;
        Ok(export)
    }

    /// Writes the rows of a record.
    ///
    /// # Errors
    /// When a writer fails.
    pub fn add(&mut self, record: &PromptRecord) -> io::Result<()> {
        self.prompts.write_record(prompt_row(record)?)?;
        if let Outcome::Traced(traced) = &record.outcome {
            for grid in &traced.grids {
                self.add_sites(record, grid)?;
            }
        }
        Ok(())
    }

    fn add_sites(&mut self, record: &PromptRecord, grid: &EffectGrid) -> io::Result<()> {
        let known_id = record.fact.known_id.to_string();
        for (token, text) in record.tokens.iter().enumerate() {
            let token_number = token.to_string();
            let rome = role_names(record, RoleConvention::Rome, token);
            let dannyallover = role_names(record, RoleConvention::Dannyallover, token);
            for layer in 0..grid.n_layers {
                let site = token * grid.n_layers + layer;
                self.sites.write_record([
                    known_id.as_str(),
                    grid.component.name(),
                    grid.metric.name(),
                    &token_number,
                    text,
                    &rome,
                    &dannyallover,
                    &layer.to_string(),
                    &number(grid.patched[site]),
                    &number(grid.indirect_effect[site]),
                    &number(grid.percent_improvement[site]),
                    &joined(grid.samples_at(token, layer)),
                ])?;
            }
        }
        Ok(())
    }

    /// Writes what is still held back, and gives the two writers back.
    ///
    /// # Errors
    /// When a writer fails.
    pub fn finish(self) -> io::Result<(W, W)> {
        let inner = |writer: csv::Writer<W>| writer.into_inner().map_err(|error| error.into_error());
        Ok((inner(self.prompts)?, inner(self.sites)?))
    }
}

fn prompt_row(record: &PromptRecord) -> io::Result<[String; N_PROMPT_COLUMNS]> {
    let PromptRecord { fact, ids, tokens, subject, .. } = record;
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let (skipped, skip_detail, traced) = match &record.outcome {
        Outcome::Traced(traced) => ("", "", Some(traced)),
        Outcome::Skipped(skip) => (skip.reason.name(), skip.detail.as_str(), None),
    };
    let of_counterpart =
        |value: &dyn Fn(&Counterpart) -> String| record.counterpart.as_ref().map(value).unwrap_or_default();
    let of_foil = |value: &dyn Fn(&(String, u32)) -> String| {
        traced.and_then(|traced| traced.foil.as_ref()).map(value).unwrap_or_default()
    };
    let of_others = |value: &dyn Fn(&OtherMetric) -> String, between| {
        let others = traced.map_or(&[][..], |traced| &traced.others);
        others.iter().map(value).collect::<Vec<_>>().join(between)
    };
    let of_traced = |value: &dyn Fn(&TracedPrompt) -> String| traced.map(value).unwrap_or_default();
    Ok([
        fact.known_id.to_string(),
        fact.subject.clone(),
        fact.attribute.clone(),
        fact.prompt.clone(),
        optional(&fact.template),
        optional(&fact.prediction),
        optional(&fact.relation_id),
        optional(&fact.relation),
        tokens.len().to_string(),
        serde_json::to_string(tokens)?,
        joined(ids),
        subject.map(|subject| subject.start.to_string()).unwrap_or_default(),
        subject.map(|subject| subject.end.to_string()).unwrap_or_default(),
        record.subject_occurrences.to_string(),
        skipped.to_owned(),
        skip_detail.to_owned(),
        of_traced(&|traced| traced.answer.clone()),
        of_traced(&|traced| traced.answer_id.map(|id| id.to_string()).unwrap_or_default()),
        of_traced(&|traced| traced.correct_prediction.to_string()),
        of_traced(&|traced| number(traced.clean)),
        of_traced(&|traced| number(traced.corrupted)),
        of_traced(&|traced| number(traced.total_effect())),
        of_traced(&|traced| joined(&traced.corrupted_samples)),
        of_traced(&|traced| traced.noise_level.map(number).unwrap_or_default()),
        optional(&fact.counterpart),
        optional(&fact.foil),
        of_counterpart(&|other| other.text.clone()),
        of_counterpart(&|other| joined(&other.ids)),
        match &record.counterpart {
            Some(other) => serde_json::to_string(&other.tokens)?,
            None => String::new(),
        },
        of_foil(&|(text, _)| text.clone()),
        of_foil(&|(_, id)| id.to_string()),
        of_others(&|other| other.metric.name().to_owned(), " "),
        of_others(&|other| number(other.clean), " "),
        of_others(&|other| number(other.corrupted), " "),
        of_others(&|other| joined(&other.corrupted_samples), ";"),
    ])
}

/// The shortest decimal that reads back as the same number.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn joined<T: std::fmt::Debug>(values: &[T]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
}

fn role_names(record: &PromptRecord, convention: RoleConvention, token: usize) -> String {
    let Some(subject) = record.subject else { return String::new() };
    let roles = convention.roles(subject, record.tokens.len(), token);
    roles.map(Role::name).collect::<Vec<_>>().join(" ")
}
