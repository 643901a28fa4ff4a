//! What a sweep will take, before it is begun.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use causal_trace_engine::{Answer, Case, estimated_memory};
use causal_trace_results::{PromptRecord, encoded_bytes};
use serde::Serialize;

use super::probe::Probe;
use super::request::Sweep;
use super::{duration, shares};
use crate::memory::{PROGRAM, described};

const PROBE: Duration = Duration::from_secs(2);
/// Shares that are shown where no number of them is asked for.
const USUAL_SHARDS: [usize; 3] = [2, 8, 32];
/// Of a part's marker.
const MARKER_BYTES: usize = 300;

/// The plan of a sweep.
#[derive(Debug, Serialize)]
pub(crate) struct Forecast {
    model: String,
    prompts: usize,
    /// How many prompts are known to be left out, by reason; those that the model gets wrong come on top.
    left_out: BTreeMap<&'static str, usize>,
    parts: usize,
    /// Cells of all grids, if the model gets every prompt right.
    cells: usize,
    /// Floating-point operations, about.
    operations: f64,
    weights_bytes: usize,
    /// Weights, states and the program together.
    memory_bytes: usize,
    disk_bytes: usize,
    probe: Tried,
    /// Before the first prompt: to read the model and to prepare the prompts.
    seconds_to_begin: f64,
    /// Between one saving and the next, at most: what an end takes that is asked for.
    seconds_in_hand: f64,
    /// One machine first.
    shards: Vec<Shards>,
}

#[derive(Debug, Serialize)]
struct Tried {
    prompts: usize,
    seconds: f64,
    /// Null where there is no prompt to try.
    operations_per_second: Option<f64>,
    /// Of the prompts tried, those that the model gets wrong or that are left out for another reason.
    left_out: usize,
}

/// The work in so many shares, each on a machine like this one.
#[derive(Debug, Serialize)]
struct Shards {
    shards: usize,
    /// Of the share that takes longest.
    prompts: usize,
    seconds: f64,
}

impl Forecast {
    /// Tries the sweep for two seconds; `begun` is when its preparation was begun.
    ///
    /// # Errors
    /// When a setting is wrong, or the engine is at fault.
    pub(crate) fn new(sweep: &Sweep<'_>, n_shards: Option<usize>, begun: Instant) -> Result<Self> {
        let seconds_to_begin = begun.elapsed().as_secs_f64();
        let probe = sweep.probe(PROBE)?;
        let all: Vec<usize> = (0..sweep.parts.len()).collect();
        let prompts = sweep.facts_of(&all).count();
        let mut left_out = BTreeMap::new();
        for fact in sweep.facts_of(&all) {
            if let Err(skip) = &fact.ready {
                *left_out.entry(skip.reason.name()).or_default() += 1;
            }
        }
        let counts = n_shards.map_or(USUAL_SHARDS.to_vec(), |count| vec![count]);
        let counts = std::iter::once(1).chain(counts.into_iter().filter(|&count| count > 1));
        let model = &sweep.model.lm.model;
        let (architecture, precision) = (model.architecture(), model.precision());
        let weights_bytes = if model.is_streamed() {
            architecture.streamed_bytes(precision)
        } else {
            architecture.resident_bytes(precision)
        };
        let shards = counts.map(|count| slowest(sweep, &probe, count, seconds_to_begin)).collect();
        let memory_bytes = PROGRAM + weights_bytes + states(sweep, &all);
        Ok(Forecast {
            model: sweep.model.describe(),
            prompts,
            left_out,
            parts: all.len(),
            cells: sweep.facts_of(&all).map(|fact| sweep.n_sites(fact)).sum(),
            operations: sweep.cost(),
            weights_bytes,
            memory_bytes,
            disk_bytes: disk(sweep, &probe.records, prompts)? + MARKER_BYTES * all.len(),
            probe: Tried {
                prompts: probe.facts,
                seconds: probe.seconds,
                operations_per_second: Some(probe.operations_per_second()).filter(|rate| rate.is_finite()),
                left_out: probe.records.iter().filter(|record| record.traced().is_none()).count(),
            },
            seconds_to_begin,
            seconds_in_hand: longest(sweep, &all, &probe),
            shards,
        })
    }

    /// The same for a person.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Forecast { prompts, cells, operations, parts, probe, .. } = self;
        writeln!(text, "model       {}", self.model)?;
        write!(text, "prompts     {prompts} in {parts} parts")?;
        for (reason, n) in &self.left_out {
            write!(text, ", {n} left out ({reason})")?;
        }
        writeln!(text, "\ncells       {cells}")?;
        writeln!(text, "operations  {operations:.2e}")?;
        let (all, weights) = (described(self.memory_bytes), described(self.weights_bytes));
        writeln!(text, "memory      {all}, of which weights {weights}")?;
        writeln!(text, "disk        {}", described(self.disk_bytes))?;
        let rate = probe.operations_per_second.unwrap_or_default() / 1e9;
        writeln!(
            text,
            "probe       {} prompts in {:.1} s, {rate:.1} GFLOP/s; {} of them are left out (wrong predictions, or other reasons)",
            probe.prompts, probe.seconds, probe.left_out
        )?;
        writeln!(
            text,
            "\n{:>8}  {:>20}  time, on machines like this one",
            "machines", "prompts of the most"
        )?;
        for Shards { shards, prompts, seconds } in &self.shards {
            writeln!(text, "{shards:>8}  {prompts:>20}  {}", duration(*seconds))?;
        }
        Ok(())
    }
}

/// The share that takes longest of so many.
fn slowest(sweep: &Sweep<'_>, probe: &Probe, count: usize, seconds_to_begin: f64) -> Shards {
    let costs: Vec<f64> = sweep.parts.iter().map(|part| part.cost).collect();
    let of_share = |parts: Vec<usize>| {
        let cost = parts.iter().map(|&part| costs[part]).sum();
        let seconds = seconds_to_begin + probe.seconds_for(cost, sweep.batches(&parts).len());
        Shards { shards: count, prompts: sweep.facts_of(&parts).count(), seconds }
    };
    let slower = |a: Shards, b: Shards| if b.seconds > a.seconds { b } else { a };
    let nothing = Shards { shards: count, prompts: 0, seconds: 0.0 };
    shares(&costs, count).into_iter().map(of_share).fold(nothing, slower)
}

/// How long the batch takes that takes longest.
fn longest(sweep: &Sweep<'_>, parts: &[usize], probe: &Probe) -> f64 {
    let cost = |batch: &Vec<usize>| batch.iter().map(|&part| sweep.parts[part].cost).sum();
    let seconds = |batch| probe.seconds_for(cost(batch), 1);
    sweep.batches(parts).iter().map(seconds).fold(0.0, f64::max)
}

/// Memory of the states of the batch that has most.
fn states(sweep: &Sweep<'_>, parts: &[usize]) -> usize {
    let of_batch = |batch: &Vec<usize>| {
        let ready = sweep.facts_of(batch).filter_map(|fact| fact.ready.as_ref().ok());
        let cases: Vec<Case<'_>> = ready.map(|ready| ready.case(Answer::Predicted)).collect();
        estimated_memory(&sweep.model.lm.model, &cases, &sweep.config)
    };
    sweep.batches(parts).iter().map(of_batch).max().unwrap_or(0)
}

/// Bytes of all tables, from those of the facts that were tried, in parts as large as a sweep's.
fn disk(sweep: &Sweep<'_>, tried: &[PromptRecord], prompts: usize) -> Result<usize> {
    let facts_of_part = prompts.div_ceil(sweep.parts.len().max(1)).max(1);
    let mut bytes = 0;
    for records in tried.chunks(facts_of_part) {
        bytes += encoded_bytes(&sweep.manifest, records)?;
    }
    Ok((bytes as f64 * prompts as f64 / tried.len().max(1) as f64) as usize)
}
