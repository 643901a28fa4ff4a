//! One JSON document: `{"manifest": {…}, "prompts": [{…}, …]}`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use causal_trace_core::{Fact, Metric, Role, RoleConvention};
use serde::{Serialize, Serializer};

use crate::{Counterpart, EffectGrid, Manifest, OtherMetric, Outcome, PromptRecord, TracedPrompt};

/// Writes records as one JSON document, a line for each; tables are nested lists.
pub struct JsonExport<W: Write> {
    writer: W,
    is_first: bool,
}

impl<W: Write> JsonExport<W> {
    /// Writes the document's beginning.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn new(mut writer: W, manifest: &Manifest) -> io::Result<Self> {
        writer.write_all(b"{\"manifest\":")?;
        serde_json::to_writer(&mut writer, manifest)?;
        writer.write_all(b",\n\"prompts\":[")?;
        Ok(JsonExport { writer, is_first: true })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn add(&mut self, record: &PromptRecord) -> io::Result<()> {
        let separator: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.writer.write_all(separator)?;
        serde_json::to_writer(&mut self.writer, &JsonPrompt::of(record))?;
        Ok(())
    }

    /// Writes the document's end, and gives the writer back.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.write_all(b"\n]}\n")?;
        self.writer.flush()?;
        Ok(self.writer)
    }
}

#[derive(Serialize)]
struct JsonPrompt<'a> {
    fact: &'a Fact,
    token_ids: &'a [u32],
    tokens: &'a [String],
    subject_start: Option<usize>,
    subject_end: Option<usize>,
    subject_occurrences: usize,
    counterpart: Option<&'a Counterpart>,
    /// By convention: the names of each token's roles.
    roles: BTreeMap<String, Vec<Vec<&'static str>>>,
    skipped: Option<JsonSkip<'a>>,
    traced: Option<JsonTrace<'a>>,
}

#[derive(Serialize)]
struct JsonSkip<'a> {
    reason: &'static str,
    detail: &'a str,
}

#[derive(Serialize)]
struct JsonTrace<'a> {
    answer: &'a str,
    answer_id: Option<u32>,
    correct_prediction: bool,
    clean: f64,
    corrupted: f64,
    total_effect: f64,
    corrupted_samples: &'a [f32],
    noise_level: Option<f64>,
    foil: Option<&'a str>,
    foil_id: Option<u32>,
    /// By component: the probability's.
    components: BTreeMap<&'static str, JsonGrid<'a>>,
    /// By metric: what was measured beside the probability.
    metrics: BTreeMap<&'static str, JsonMetric<'a>>,
}

#[derive(Serialize)]
struct JsonMetric<'a> {
    clean: f64,
    corrupted: f64,
    total_effect: f64,
    corrupted_samples: &'a [f32],
    components: BTreeMap<&'static str, JsonGrid<'a>>,
}

/// `patched_samples` is `[tokens][layers][samples]`, the others are `[tokens][layers]`.
#[derive(Serialize)]
struct JsonGrid<'a> {
    patched: Table<'a>,
    indirect_effect: Table<'a>,
    percent_improvement: Table<'a>,
    patched_samples: Option<SampleTable<'a>>,
}

/// Row-major values and the length of a row.
struct Table<'a>(&'a [f64], usize);

impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.chunks(self.1.max(1)))
    }
}

/// The samples of a grid that has some.
struct SampleTable<'a>(&'a EffectGrid);

impl Serialize for SampleTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let grid = self.0;
        let row = |token| (0..grid.n_layers).map(|layer| grid.samples_at(token, layer)).collect::<Vec<_>>();
        serializer.collect_seq((0..grid.n_tokens()).map(row))
    }
}

impl<'a> JsonPrompt<'a> {
    fn of(record: &'a PromptRecord) -> Self {
        let (skipped, traced) = match &record.outcome {
            Outcome::Traced(traced) => (None, Some(JsonTrace::of(traced))),
            Outcome::Skipped(skip) => {
                (Some(JsonSkip { reason: skip.reason.name(), detail: &skip.detail }), None)
            }
        };
        let conventions = [RoleConvention::Rome, RoleConvention::Dannyallover];
        JsonPrompt {
            fact: &record.fact,
            token_ids: &record.ids,
            tokens: &record.tokens,
            subject_start: record.subject.map(|subject| subject.start),
            subject_end: record.subject.map(|subject| subject.end),
            subject_occurrences: record.subject_occurrences,
            counterpart: record.counterpart.as_ref(),
            roles: conventions.map(|convention| (convention.to_string(), roles(record, convention))).into(),
            skipped,
            traced,
        }
    }
}

fn roles(record: &PromptRecord, convention: RoleConvention) -> Vec<Vec<&'static str>> {
    let n_tokens = record.tokens.len();
    let of_token = |token| {
        let roles = |subject| convention.roles(subject, n_tokens, token).map(Role::name);
        record.subject.into_iter().flat_map(roles).collect()
    };
    (0..n_tokens).map(of_token).collect()
}

impl<'a> JsonTrace<'a> {
    fn of(traced: &'a TracedPrompt) -> Self {
        let metrics = traced.others.iter().map(|other| (other.metric.name(), JsonMetric::of(other, traced)));
        JsonTrace {
            answer: &traced.answer,
            answer_id: traced.answer_id,
            correct_prediction: traced.correct_prediction,
            clean: traced.clean,
            corrupted: traced.corrupted,
            total_effect: traced.total_effect(),
            corrupted_samples: &traced.corrupted_samples,
            noise_level: traced.noise_level,
            foil: traced.foil.as_ref().map(|(text, _)| text.as_str()),
            foil_id: traced.foil.as_ref().map(|(_, id)| *id),
            components: grids(traced, Metric::Probability),
            metrics: metrics.collect(),
        }
    }
}

impl<'a> JsonMetric<'a> {
    fn of(other: &'a OtherMetric, traced: &'a TracedPrompt) -> Self {
        JsonMetric {
            clean: other.clean,
            corrupted: other.corrupted,
            total_effect: other.clean - other.corrupted,
            corrupted_samples: &other.corrupted_samples,
            components: grids(traced, other.metric),
        }
    }
}

/// The grids of one metric, by component.
fn grids(traced: &TracedPrompt, metric: Metric) -> BTreeMap<&'static str, JsonGrid<'_>> {
    let of_metric = traced.grids.iter().filter(|grid| grid.metric == metric);
    of_metric.map(|grid| (grid.component.name(), JsonGrid::of(grid))).collect()
}

impl<'a> JsonGrid<'a> {
    fn of(grid: &'a EffectGrid) -> Self {
        JsonGrid {
            patched: Table(&grid.patched, grid.n_layers),
            indirect_effect: Table(&grid.indirect_effect, grid.n_layers),
            percent_improvement: Table(&grid.percent_improvement, grid.n_layers),
            patched_samples: (!grid.samples.is_empty()).then_some(SampleTable(grid)),
        }
    }
}
