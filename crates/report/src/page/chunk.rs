//! The numbers of some prompts in one piece: the other side of `explorer/src/chunk.ts`, where its form is explained.

use causal_trace_core::{Component, Direction, Metric, effect};
use causal_trace_results::{EffectGrid, PromptRecord, TracedPrompt};
use serde::Serialize;

/// What becomes of the single samples of every site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleEncoding {
    /// They are left out.
    Omitted,
    /// As they are.
    Float,
    /// In 65,535 steps from the smallest of the grid to its largest, each to the nearest step.
    Steps,
}

#[derive(Serialize)]
struct Header<'a> {
    prompts: Vec<Prompt<'a>>,
}

#[derive(Serialize)]
struct Prompt<'a> {
    id: i64,
    tokens: &'a [String],
    token_ids: &'a [u32],
    subject: Option<[usize; 2]>,
    counterpart_tokens: &'a [String],
    answer: &'a str,
    foil: Option<&'a str>,
    noise_level: Option<f64>,
    grids: Vec<Grid<'a>>,
}

#[derive(Serialize)]
struct Grid<'a> {
    component: Component,
    metric: Metric,
    n_layers: usize,
    n_samples: usize,
    clean: f64,
    corrupted: f64,
    corrupted_samples: &'a [f32],
    patched: usize,
    indirect_effect: usize,
    percent_improvement: usize,
    noise_error: usize,
    samples: Option<Samples>,
}

#[derive(Serialize)]
#[serde(tag = "as")]
enum Samples {
    #[serde(rename = "f32")]
    Float { offset: usize },
    #[serde(rename = "u16")]
    Steps { offset: usize, low: f64, high: f64 },
}

/// The numbers of some records of a folder with that direction; skipped facts are passed over.
///
/// # Shapes
/// Every grid has a number for each of the prompt's tokens and layers, and as many samples for each, as
/// [`ResultsFolder`](causal_trace_results::ResultsFolder) sees to.
#[must_use]
pub fn encode_chunk<'a>(
    direction: Direction,
    records: impl IntoIterator<Item = &'a PromptRecord>,
    samples: SampleEncoding,
) -> Vec<u8> {
    let mut arrays = Arrays(Vec::new());
    let prompts = records
        .into_iter()
        .filter_map(|record| Some(prompt(record, record.traced()?, direction, samples, &mut arrays)))
        .collect();
    // A header has no maps with other keys than text, so this does not fail.
    let header = serde_json::to_vec(&Header { prompts }).unwrap_or_default();
    let mut chunk = (header.len() as u32).to_le_bytes().to_vec();
    chunk.extend(header);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk.extend(arrays.0);
    chunk
}

fn prompt<'a>(
    record: &'a PromptRecord,
    traced: &'a TracedPrompt,
    direction: Direction,
    samples: SampleEncoding,
    arrays: &mut Arrays,
) -> Prompt<'a> {
    let grid = |grid: &'a EffectGrid| {
        let (clean, corrupted) = traced.baseline_in(grid.metric)?;
        let corrupted_samples = traced.corrupted_samples_in(grid.metric)?;
        Some(Grid {
            component: grid.component,
            metric: grid.metric,
            n_layers: grid.n_layers,
            n_samples: grid.n_samples(),
            clean,
            corrupted,
            corrupted_samples,
            patched: arrays.floats(grid.patched.iter().map(|&value| value as f32)),
            indirect_effect: arrays.floats(grid.indirect_effect.iter().map(|&value| value as f32)),
            percent_improvement: arrays.floats(grid.percent_improvement.iter().map(|&value| value as f32)),
            noise_error: arrays.floats(noise_errors(grid, direction, corrupted_samples)),
            samples: arrays.samples(&grid.samples, samples),
        })
    };
    Prompt {
        id: record.fact.known_id,
        tokens: &record.tokens,
        token_ids: &record.ids,
        subject: record.subject.map(|span| [span.start, span.end]),
        counterpart_tokens: record.counterpart.as_ref().map_or(&[], |other| &other.tokens),
        answer: &traced.answer,
        foil: traced.foil.as_ref().map(|(text, _)| text.as_str()),
        noise_level: traced.noise_level,
        grids: traced.grids.iter().filter_map(grid).collect(),
    }
}

/// The standard error of every site's IE; `NaN` where it is not known.
fn noise_errors(grid: &EffectGrid, direction: Direction, corrupted: &[f32]) -> impl Iterator<Item = f32> {
    let n_samples = grid.n_samples();
    let is_paired = n_samples == corrupted.len();
    (0..grid.patched.len()).map(move |site| {
        let patched = &grid.samples[site * n_samples..][..n_samples];
        let error = effect::indirect_effect_error(direction, corrupted, patched).filter(|_| is_paired);
        error.map_or(f32::NAN, |error| error as f32)
    })
}

/// The bytes after the header.
struct Arrays(Vec<u8>);

impl Arrays {
    /// Appends an array; gives where it begins.
    fn floats(&mut self, values: impl Iterator<Item = f32>) -> usize {
        let offset = self.0.len();
        values.for_each(|value| self.0.extend(value.to_le_bytes()));
        offset
    }

    /// None where there are none, or none are wanted.
    fn samples(&mut self, samples: &[f32], encoding: SampleEncoding) -> Option<Samples> {
        let low = samples.iter().copied().reduce(f32::min)?;
        let high = samples.iter().copied().reduce(f32::max)?;
        match encoding {
            SampleEncoding::Omitted => None,
            SampleEncoding::Float => Some(Samples::Float { offset: self.floats(samples.iter().copied()) }),
            SampleEncoding::Steps => {
                let offset = self.0.len();
                let (low, high) = (f64::from(low), f64::from(high));
                let scale = if high > low { f64::from(u16::MAX) / (high - low) } else { 0.0 };
                for &sample in samples {
                    let step = ((f64::from(sample) - low) * scale).round() as u16;
                    self.0.extend(step.to_le_bytes());
                }
                self.0.resize(self.0.len().next_multiple_of(4), 0);
                Some(Samples::Steps { offset, low, high })
            }
        }
    }
}
