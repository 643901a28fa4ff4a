//! The numbers of some prompts in one piece: the other side of `explorer/src/chunk.ts`, where its form is explained.

use causal_trace_core::{Component, Direction, Metric, effect};
use causal_trace_results::{EffectGrid, PromptRecord, TracedPrompt};
use serde::Serialize;

use super::steps::Ladder;

/// How far the mean of the patched runs may be from IE and its base to be told by them, as a share of the larger.
const ROUNDING: f64 = 1e-9;
/// How far it may be from IE in single precision and its base, as a share of itself: digits that nobody reads.
const DIGITS: f64 = 1e-5;

/// What becomes of the single samples of every site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleEncoding {
    /// They are left out.
    Omitted,
    /// As they are.
    Float,
    /// In steps from the grid's smallest to its largest, each sample at the nearest, where that does.
    Steps,
}

#[derive(Serialize)]
struct Header<'a> {
    floats: usize,
    steps: usize,
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
    patched: Patched,
    indirect_effect: usize,
    percent_improvement: usize,
    noise_error: Option<usize>,
    samples: Option<Samples>,
}

/// The mean of the patched runs: an array, or a number that IE is added to.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Patched {
    Floats(usize),
    Base(f64),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Samples {
    Float {
        floats: usize,
    },
    Steps {
        steps: usize,
        #[serde(flatten)]
        ladder: Ladder,
    },
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
    let mut encoder = Encoder { direction, samples, floats: Vec::new(), steps: Vec::new() };
    let prompts =
        records.into_iter().filter_map(|record| Some(encoder.prompt(record, record.traced()?))).collect();
    let Encoder { floats, steps, .. } = encoder;
    let header = Header { floats: floats.len(), steps: steps.len(), prompts };
    // It has no maps with other keys than text, so this does not fail.
    let header = serde_json::to_vec(&header).unwrap_or_default();
    let mut chunk = (header.len() as u32).to_le_bytes().to_vec();
    chunk.extend(header);
    append_planes(&mut chunk, &floats.iter().map(|number| number.to_le_bytes()).collect::<Vec<_>>());
    append_planes(&mut chunk, &steps.iter().map(|number| number.to_le_bytes()).collect::<Vec<_>>());
    chunk
}

/// The first bytes of all numbers, then the second bytes, and so on.
fn append_planes<const WIDTH: usize>(chunk: &mut Vec<u8>, numbers: &[[u8; WIDTH]]) {
    for plane in 0..WIDTH {
        chunk.extend(numbers.iter().map(|number| number[plane]));
    }
}

struct Encoder {
    direction: Direction,
    samples: SampleEncoding,
    floats: Vec<f32>,
    steps: Vec<u16>,
}

impl Encoder {
    fn prompt<'a>(&mut self, record: &'a PromptRecord, traced: &'a TracedPrompt) -> Prompt<'a> {
        Prompt {
            id: record.fact.known_id,
            tokens: &record.tokens,
            token_ids: &record.ids,
            subject: record.subject.map(|span| [span.start, span.end]),
            counterpart_tokens: record.counterpart.as_ref().map_or(&[], |other| &other.tokens),
            answer: &traced.answer,
            foil: traced.foil.as_ref().map(|(text, _)| text.as_str()),
            noise_level: traced.noise_level,
            grids: traced.grids.iter().filter_map(|grid| self.grid(grid, traced)).collect(),
        }
    }

    /// None where the prompt's runs lack the grid's metric.
    fn grid<'a>(&mut self, grid: &EffectGrid, traced: &'a TracedPrompt) -> Option<Grid<'a>> {
        let (clean, corrupted) = traced.baseline_in(grid.metric)?;
        let corrupted_samples = traced.corrupted_samples_in(grid.metric)?;
        let base = match self.direction {
            Direction::Denoise => corrupted,
            Direction::Noise => clean,
        };
        Some(Grid {
            component: grid.component,
            metric: grid.metric,
            n_layers: grid.n_layers,
            n_samples: grid.n_samples(),
            clean,
            corrupted,
            corrupted_samples,
            patched: if follows_from(grid, base) {
                Patched::Base(base)
            } else {
                Patched::Floats(self.floats(&grid.patched))
            },
            indirect_effect: self.floats(&grid.indirect_effect),
            percent_improvement: self.floats(&grid.percent_improvement),
            noise_error: noise_errors(grid, self.direction, corrupted_samples)
                .map(|errors| self.floats(&errors)),
            samples: self.samples(&grid.samples),
        })
    }

    /// Appends an array; gives where it begins.
    fn floats(&mut self, values: &[f64]) -> usize {
        let first = self.floats.len();
        self.floats.extend(values.iter().map(|&value| value as f32));
        first
    }

    /// None where there are none, or none are wanted.
    fn samples(&mut self, samples: &[f32]) -> Option<Samples> {
        let ladder = match self.samples {
            SampleEncoding::Omitted => return None,
            SampleEncoding::Float => None,
            SampleEncoding::Steps => Ladder::of(samples),
        };
        if samples.is_empty() {
            return None;
        }
        Some(match ladder {
            None => {
                let floats = self.floats.len();
                self.floats.extend(samples);
                Samples::Float { floats }
            }
            Some(ladder) => {
                let steps = self.steps.len();
                self.steps.extend(samples.iter().map(|&sample| ladder.step(sample)));
                Samples::Steps { steps, ladder }
            }
        })
    }
}

/// Whether IE tells the mean of the patched runs too. It does, except in imported cases with numbers of their own, and
/// where the mean is so much smaller than what IE is counted from that its digits are lost in IE's.
fn follows_from(grid: &EffectGrid, base: f64) -> bool {
    // Numbers of both signs have no size of which a share would matter.
    let is_signed = grid.patched.iter().any(|&patched| patched < 0.0);
    grid.patched.iter().zip(&grid.indirect_effect).all(|(&patched, &effect)| {
        let as_written = base + f64::from(effect as f32);
        (base + effect - patched).abs() <= ROUNDING * base.abs().max(patched.abs())
            && (is_signed || (as_written - patched).abs() <= DIGITS * patched)
    })
}

/// The standard error of every site's IE; none where the samples are not known, or too few.
fn noise_errors(grid: &EffectGrid, direction: Direction, corrupted: &[f32]) -> Option<Vec<f64>> {
    let n_samples = grid.n_samples();
    if n_samples == 0 || n_samples != corrupted.len() {
        return None;
    }
    let error = |patched: &[f32]| effect::indirect_effect_error(direction, corrupted, patched);
    grid.samples.chunks(n_samples).map(error).collect()
}
