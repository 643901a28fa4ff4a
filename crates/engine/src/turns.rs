//! How the work of a batch of prompts is cut into turns that fit the memory.

use std::cmp::Reverse;
use std::ops::Range;

use causal_trace_core::{Engine, TraceConfig};
use causal_trace_lm::Model;

use crate::corrupt::corrupted_span;
use crate::plan::{Opening, Plan, Sizes};
use crate::trace::Case;
use crate::wavefront::task_rows;

/// What one sweep through the layers does.
#[derive(Debug, Default)]
pub(crate) struct Turn<'a> {
    /// The prompts whose clean and corrupted runs it needs.
    pub members: Vec<Member>,
    pub openings: Vec<Opened<'a>>,
    /// The prompts that have a step's sites, all samples of them, after this turn.
    pub completes: Vec<usize>,
    /// Memory of its states, its trunk and the buffers of its tasks, about.
    pub bytes: usize,
}

/// A prompt of a turn, and the samples of it that occur there.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its place in the batch.
    pub prompt: usize,
    pub samples: Range<usize>,
}

/// One sample's patched run, to be begun.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// Its prompt's place among the turn's members.
    pub member: usize,
    pub sample: usize,
    pub opening: &'a Opening,
}

impl Turn<'_> {
    /// Memory of the trunk's runs that the turn does not have yet.
    fn missing_trunk(&self, prompt: usize, samples: Range<usize>, sizes: Sizes) -> usize {
        let corrupted = sizes.seq_len - sizes.first_corrupted;
        let rows = match self.members.last().filter(|last| last.prompt == prompt) {
            Some(last) => samples.end.saturating_sub(last.samples.end) * corrupted,
            None => sizes.seq_len + samples.len() * corrupted,
        };
        rows * sizes.trunk_row * size_of::<f32>()
    }
}

/// The prompts of a batch in the order of their work: the longest first, so that what is left over at the end of a turn
/// is small.
pub(crate) fn order(plans: &[(Sizes, Plan)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plans.len()).collect();
    order.sort_by_key(|&prompt| Reverse(plans[prompt].0.seq_len));
    order
}

/// Splits the openings of all prompts and samples into turns whose states fit the memory; the prompts, as `order`
/// lists them, and their samples stay in order.
///
/// With several steps, every prompt's openings are first dealt out among them, see [`dealt_to`].
pub(crate) fn turns<'a>(
    plans: &'a [(Sizes, Plan)],
    order: &[usize],
    n_samples: usize,
    n_steps: usize,
    memory: usize,
) -> Vec<Turn<'a>> {
    let mut turns = Turns { done: Vec::new(), turn: Turn::default(), bytes: 0, rows: 0, memory };
    for &prompt in order {
        let (sizes, plan) = &plans[prompt];
        if plan.openings.is_empty() {
            turns.needs_trunk(prompt, 0..n_samples, *sizes);
        }
        let n_steps_of_it = n_steps.min(plan.most_steps(*sizes, n_samples));
        let mut steps = vec![Vec::new(); n_steps_of_it];
        for (index, opening) in plan.openings.iter().enumerate() {
            steps[dealt_to(index, n_steps_of_it)].push(opening);
        }
        for openings in steps.iter().filter(|openings| !openings.is_empty() || plan.openings.is_empty()) {
            for sample in 0..n_samples {
                for opening in openings {
                    turns.add(prompt, sample, opening, *sizes);
                }
            }
            turns.turn.completes.push(prompt);
            if n_steps > 1 {
                turns.end_turn();
            }
        }
    }
    if !turns.turn.members.is_empty() {
        turns.end_turn();
    }
    turns.done
}

/// The step of an opening: multiples of the golden ratio lie evenly whatever period the openings have, so that every
/// step has some at all tokens and layers. Steps are about equally long then, and each shows something of the whole map.
fn dealt_to(index: usize, n_steps: usize) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let place = (index as u64).wrapping_mul(GOLDEN) >> 32;
    ((place * n_steps as u64) >> 32) as usize
}

/// The turns as they are being filled.
struct Turns<'a> {
    done: Vec<Turn<'a>>,
    turn: Turn<'a>,
    /// Of the states and the trunk.
    bytes: usize,
    /// Of the patched runs.
    rows: usize,
    memory: usize,
}

impl<'a> Turns<'a> {
    fn add(&mut self, prompt: usize, sample: usize, opening: &'a Opening, sizes: Sizes) {
        let (states, rows) = (opening.bytes(sizes), opening.rows(sizes));
        let trunk = self.turn.missing_trunk(prompt, sample..sample + 1, sizes);
        let bytes = self.bytes + states + trunk + buffers(self.rows + rows, sizes);
        if !self.turn.openings.is_empty() && bytes > self.memory {
            self.end_turn();
        }
        self.needs_trunk(prompt, sample..sample + 1, sizes);
        self.bytes += states;
        self.rows += rows;
        self.turn.bytes = self.bytes + buffers(self.rows, sizes);
        self.turn.openings.push(Opened { member: self.turn.members.len() - 1, sample, opening });
    }

    fn end_turn(&mut self) {
        self.done.push(std::mem::take(&mut self.turn));
        (self.bytes, self.rows) = (0, 0);
    }

    /// Sees to it that the turn's trunk has the prompt's clean run and its samples' corrupted ones.
    fn needs_trunk(&mut self, prompt: usize, samples: Range<usize>, sizes: Sizes) {
        self.bytes += self.turn.missing_trunk(prompt, samples.clone(), sizes);
        match self.turn.members.last_mut() {
            Some(last) if last.prompt == prompt => last.samples.end = samples.end.max(last.samples.end),
            _ => self.turn.members.push(Member { prompt, samples }),
        }
    }
}

/// Memory of the buffers of all tasks, about, when a turn has so many rows at the end of the sweep.
fn buffers(rows: usize, sizes: Sizes) -> usize {
    let n_threads = rayon::current_num_threads();
    n_threads * task_rows(rows).min(rows) * sizes.buffer_row * size_of::<f32>()
}

/// The memory that a trace takes at least beside the model's weights, in bytes: with less, it takes this nevertheless.
///
/// Nothing for the naive engine, whose memory is not bounded, and for a case that cannot be traced.
#[must_use]
pub fn least_memory(model: &Model, case: &Case<'_>, config: &TraceConfig) -> usize {
    let Some((sizes, Plan { openings, .. })) = planned(model, case, config) else { return 0 };
    let trunk = Turn::default().missing_trunk(0, 0..1, sizes);
    let of = |opening: &Opening| opening.bytes(sizes) + buffers(opening.rows(sizes), sizes);
    trunk + openings.iter().map(of).max().unwrap_or(0)
}

/// About how much memory cases take that are traced together, beside the model's weights, in bytes. Nothing where
/// [`least_memory`] is nothing.
#[must_use]
pub fn estimated_memory(model: &Model, cases: &[Case<'_>], config: &TraceConfig) -> usize {
    let plans: Vec<(Sizes, Plan)> = cases.iter().filter_map(|case| planned(model, case, config)).collect();
    let turns = turns(&plans, &order(&plans), config.corruption.samples, 1, config.memory);
    turns.iter().map(|turn| turn.bytes).max().unwrap_or(0)
}

/// `None` for a case that cannot be traced, and for the naive engine, which has no plan.
fn planned(model: &Model, case: &Case<'_>, config: &TraceConfig) -> Option<(Sizes, Plan)> {
    let span = corrupted_span(case.prompt, case.counterpart, &config.corruption).ok()?;
    let sizes = Sizes::new(model, case.prompt.seq_len(), span.start);
    (config.engine != Engine::Naive).then(|| (sizes, Plan::new(config, sizes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_alike() {
        let n_tokens = 12;
        for n_layers in [8, 12, 48] {
            for n_steps in 2..=10 {
                let mut layers = vec![Vec::new(); n_steps];
                for index in 0..n_tokens * n_layers {
                    layers[dealt_to(index, n_steps)].push(index % n_layers);
                }
                let (fair, middle) = (n_tokens * n_layers / n_steps, (n_layers - 1) as f64 / 2.0);
                for layers in layers {
                    assert!(layers.len().abs_diff(fair) <= 3, "{} openings of {fair}", layers.len());
                    let mean = layers.iter().sum::<usize>() as f64 / layers.len() as f64;
                    let off = (mean - middle).abs() / n_layers as f64;
                    assert!(off < 0.15, "{n_layers} layers, {n_steps} steps: mean layer {mean}");
                }
            }
        }
    }
}
