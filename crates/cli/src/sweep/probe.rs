//! How fast a sweep will be: some of its facts traced, and nothing written.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Result;
use causal_trace_core::TraceConfig;
use causal_trace_results::PromptRecord;

use super::request::Sweep;
use super::{Prepared, Work};

/// A fraction of the golden ratio: its multiples lie evenly among the batches whatever period these have.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// What a probe found.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The facts that were traced, and how long that took.
    pub(crate) facts: usize,
    pub(crate) seconds: f64,
    /// About how many operations they took.
    pub(crate) operations: f64,
    /// Seconds that a batch takes whatever is in it: of a streamed model, to read its weights.
    pub(crate) seconds_per_batch: f64,
    pub(crate) records: Vec<PromptRecord>,
}

impl Probe {
    /// Of a sweep without a fact that could be traced, infinite.
    pub(crate) fn operations_per_second(&self) -> f64 {
        if self.operations > 0.0 { self.operations / self.seconds.max(1e-6) } else { f64::INFINITY }
    }

    /// About how long so much work takes.
    pub(crate) fn seconds_for(&self, operations: f64, batches: usize) -> f64 {
        batches as f64 * self.seconds_per_batch + operations / self.operations_per_second()
    }
}

impl Sweep<'_> {
    /// Traces batches of the sweep at even distances for about so long. Facts that the model gets wrong take less than
    /// they are taken to, here as in the sweep.
    ///
    /// A large model is tried with one draw of one fact, whatever time that takes; a streamed one with another two.
    pub(crate) fn probe(&self, time: Duration) -> Result<Probe> {
        let parts: Vec<usize> = (0..self.parts.len()).collect();
        let batches = self.batches(&parts);
        let Some(first) = self.facts_of(&parts).find(|fact| fact.ready.is_ok()) else { return Ok(NOTHING) };
        let small = self.draws(first, 1)?;
        if self.model.lm.model.is_streamed() {
            return Ok(apart(small, self.draws(first, 2)?));
        }
        let samples = self.config.corruption.samples as f64;
        if samples * small.seconds > time.as_secs_f64() {
            return Ok(small);
        }
        let mut probe = NOTHING;
        let start = Instant::now();
        for place in 0..batches.len() {
            let left = time.as_secs_f64() - start.elapsed().as_secs_f64();
            if left <= 0.0 {
                break;
            }
            let known = if probe.facts > 0 { &probe } else { &small };
            let batch = &batches[place_of(place, batches.len())];
            let facts = self.that_fit(batch, left * known.operations_per_second());
            probe.add(self.timed(&facts, &self.config)?);
        }
        Ok(probe)
    }

    /// The parts as one worker takes them together.
    pub(super) fn batches(&self, parts: &[usize]) -> Vec<Vec<usize>> {
        let mut batches: Vec<Vec<usize>> = Vec::new();
        for &part in parts {
            match batches.last_mut() {
                Some(last) if self.fits(last, part) => last.push(part),
                _ => batches.push(vec![part]),
            }
        }
        batches
    }

    pub(super) fn facts_of(&self, parts: &[usize]) -> impl Iterator<Item = &Prepared> {
        parts.iter().flat_map(|&part| &self.parts[part].facts)
    }

    /// Of a batch as many facts as so many operations allow, and one at least.
    fn that_fit(&self, batch: &[usize], operations: f64) -> Vec<&Prepared> {
        let work = self.work();
        let mut left = operations;
        let mut facts: Vec<&Prepared> = Vec::new();
        for fact in self.facts_of(batch) {
            if left <= 0.0 && !facts.is_empty() {
                break;
            }
            left -= work.cost(fact);
            facts.push(fact);
        }
        facts
    }

    /// One fact with fewer draws of the noise.
    fn draws(&self, fact: &Prepared, samples: usize) -> Result<Probe> {
        let mut config = self.config.clone();
        config.corruption.samples = samples.min(config.corruption.samples);
        self.timed(&[fact], &config)
    }

    fn timed(&self, facts: &[&Prepared], config: &TraceConfig) -> Result<Probe> {
        let work = Work { config, ..self.work() };
        let start = Instant::now();
        let records = work.trace(facts, &mut |_, _| ControlFlow::Continue(()))?;
        let seconds = start.elapsed().as_secs_f64();
        let operations = facts.iter().map(|fact| work.cost(fact)).sum();
        Ok(Probe { facts: facts.len(), seconds, operations, seconds_per_batch: 0.0, records })
    }
}

const NOTHING: Probe =
    Probe { facts: 0, seconds: 0.0, operations: 0.0, seconds_per_batch: 0.0, records: Vec::new() };

impl Probe {
    fn add(&mut self, other: Probe) {
        self.facts += other.facts;
        self.seconds += other.seconds;
        self.operations += other.operations;
        self.records.extend(other.records);
    }
}

/// Reading and work, told apart by two probes, the second of which has more work.
fn apart(one: Probe, two: Probe) -> Probe {
    let (seconds, operations) = (two.seconds - one.seconds, two.operations - one.operations);
    if seconds <= 0.0 || operations <= 0.0 {
        return two;
    }
    let reading = (one.seconds - one.operations * seconds / operations).max(0.0);
    Probe { seconds, operations, seconds_per_batch: reading, ..two }
}

/// The batch that is tried next.
fn place_of(turn: usize, n_batches: usize) -> usize {
    let place = (turn as f64 * GOLDEN).fract() * n_batches as f64;
    (place as usize).min(n_batches - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(seconds: f64, operations: f64) -> Probe {
        Probe { seconds, operations, facts: 1, ..NOTHING }
    }

    #[test]
    fn reading_and_work_are_told_apart() {
        let apart_ = apart(probe(12.0, 100.0), probe(14.0, 200.0));
        assert!((apart_.seconds_per_batch - 10.0).abs() < 1e-9);
        assert!((apart_.operations_per_second() - 50.0).abs() < 1e-9);
        assert!((apart_.seconds_for(500.0, 3) - 40.0).abs() < 1e-9);
        let noise = apart(probe(12.0, 100.0), probe(11.0, 200.0));
        assert!((noise.seconds_for(200.0, 1) - 11.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_tried_lies_evenly() {
        let mut places: Vec<usize> = (0..8).map(|turn| place_of(turn, 64)).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| (4..=13).contains(&(pair[1] - pair[0]))), "{places:?}");
        assert_eq!(place_of(7, 1), 0);
    }
}
