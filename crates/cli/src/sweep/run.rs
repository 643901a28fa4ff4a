//! The work on the parts that are left, beside others who may be at work on the same folder.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use causal_trace_results::{Begun, Claim, Claims, FolderWriter, Outcome, Plan, PromptRecord, Worker};

use super::heart::Heart;
use super::queue::{Failed, News, Next, Queue};
use super::request::{Part, Sweep};
use super::shares::{MOST_FACTS, MOST_OPERATIONS, from_anywhere, share};
use super::{Interrupt, Prepared, SweepProgress};
use crate::args::Share;
use crate::printer::Printer;
use crate::slurm::{environment, slurm_task};

/// Operations that a streamed model is to do for each of its weights whenever it is read: a processor does about a
/// thousand in the time in which a byte is read and packed.
const OPERATIONS_PER_WEIGHT: f64 = 2000.0;
/// A worker that waits for others looks so often before their claims expire, and within these bounds.
const LOOKS_BEFORE_EXPIRY: u32 = 60;
const BETWEEN_LOOKS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];
/// How soon a worker that waits sees that it is asked to end.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// Who works, on what.
#[derive(Debug, Clone)]
pub(crate) struct AtWork {
    share: Share,
    worker: Worker,
    /// A worker that was not heard of for so long is taken for dead.
    expiry: Duration,
}

impl AtWork {
    /// This process.
    pub(crate) fn on(share: Share, expiry: Duration) -> Self {
        let slurm = slurm_task(&environment);
        let shard = (share != Share::ALL).then(|| share.to_string());
        let worker = Worker::here(shard, slurm, concat!("causal-trace ", env!("CARGO_PKG_VERSION")));
        AtWork { share, worker, expiry }
    }
}

/// What became of the parts of a share.
#[derive(Debug, Default)]
pub(crate) struct Traced {
    /// How many are left because somebody asked for an end.
    pub(crate) left: usize,
    /// Those that cannot be computed.
    pub(crate) failed: Vec<Failed>,
}

impl Traced {
    /// Fails where a part could not be computed.
    pub(crate) fn refuse_failed(&self) -> Result<()> {
        let Some(Failed { part, message }) = self.failed.first() else { return Ok(()) };
        let n = self.failed.len();
        let which = if n == 1 { String::new() } else { format!("{n} parts failed, the first of them: ") };
        bail!(
            "{which}part {part} cannot be computed: {message}; the others are saved, and the same command tries again"
        )
    }
}

impl Sweep<'_> {
    /// Sees that the parts of a share are done, by this worker or by others.
    ///
    /// # Errors
    /// When the folder cannot be read or written. A part that cannot be computed does not stop the others.
    pub(crate) fn run(&self, at_work: &AtWork, interrupt: &Interrupt, printer: &Printer) -> Result<Traced> {
        let mut writer = FolderWriter::begin(&self.out, &self.manifest)?;
        let mut costs: Vec<f64> = self.parts.iter().map(|part| part.cost).collect();
        if !writer.missing_parts().is_empty() {
            costs = writer.settle_plan(Plan { unit: "operations".to_owned(), costs })?.costs;
        }
        let mine = match at_work.share {
            Share::Ith(shard) => share(&costs, shard),
            Share::Any => from_anywhere(costs.len()),
        };
        let (there, left): (Vec<usize>, Vec<usize>) =
            mine.iter().copied().partition(|&part| writer.is_complete(part));
        if !there.is_empty() {
            printer.note(&format!("{} of {} parts are there already", there.len(), mine.len()));
        }
        // Whoever takes any part leaves this to those who know which are theirs, and to `check`.
        if let Share::Ith(shard) = at_work.share {
            writer.verify(&there)?;
            if shard.count > 1 && !left.is_empty() {
                let worker = at_work.worker.clone();
                writer.record_begun(&Begun { index: shard.index, count: shard.count, worker })?;
            }
        }
        if left.is_empty() {
            return Ok(Traced::default());
        }
        tracing::info!(share = %at_work.share, parts = self.parts.len(), left = left.len(), "sweep begun");
        let n_prompts = left.iter().map(|&part| self.parts[part].facts.len()).sum();
        let cost = left.iter().map(|&part| self.parts[part].cost).sum();
        let progress = SweepProgress::new(printer, n_prompts, cost);
        let claims = Claims::open(&self.out, at_work.worker.clone(), at_work.expiry)?;
        let heart = Heart::start(claims.between_beats())?;
        let queue = Queue::new(claims, left, &writer);
        Run { sweep: self, writer, queue, heart, progress, printer, interrupt }.all(at_work.expiry)
    }

    /// Whether one more part is traced together with others, which are ours already. Of a streamed model there are as
    /// many as it takes for its reading to be hidden behind the work.
    pub(super) fn fits(&self, parts: &[usize], next: usize) -> bool {
        let facts = |part: usize| self.parts[part].facts.len();
        let cost: f64 = parts.iter().map(|&part| self.parts[part].cost).sum();
        let model = &self.model.lm.model;
        if model.is_streamed() {
            return cost < OPERATIONS_PER_WEIGHT * model.architecture().n_parameters() as f64;
        }
        let n_facts: usize = parts.iter().map(|&part| facts(part)).sum();
        n_facts + facts(next) <= MOST_FACTS && cost + self.parts[next].cost <= MOST_OPERATIONS
    }
}

/// A worker at work.
struct Run<'a> {
    sweep: &'a Sweep<'a>,
    writer: FolderWriter,
    queue: Queue,
    heart: Heart,
    progress: SweepProgress<'a>,
    printer: &'a Printer,
    interrupt: &'a Interrupt,
}

impl Run<'_> {
    fn all(mut self, expiry: Duration) -> Result<Traced> {
        let [least, most] = BETWEEN_LOOKS;
        let between_looks = (expiry / LOOKS_BEFORE_EXPIRY).clamp(least, most);
        let mut has_waited = false;
        loop {
            if self.interrupt.asked() {
                return Ok(Traced { left: self.queue.n_left(), failed: self.queue.failed });
            }
            match self.next()? {
                Next::Parts(claims) => {
                    let parts: Vec<usize> = claims.iter().map(Claim::part).collect();
                    tracing::debug!(?parts, "parts claimed");
                    self.heart.hold(claims);
                    self.trace(&parts)?;
                }
                Next::Wait => {
                    if !has_waited {
                        let n = self.queue.n_left();
                        self.printer.note(&format!("waiting for {n} parts that other workers have"));
                        has_waited = true;
                    }
                    self.wait(between_looks);
                }
                Next::Done => return Ok(Traced { left: 0, failed: self.queue.failed }),
            }
        }
    }

    fn next(&mut self) -> Result<Next> {
        let mut news = News::default();
        let sweep = self.sweep;
        let next = self.queue.next(&mut self.writer, |parts, next| sweep.fits(parts, next), &mut news)?;
        for part in news.completed {
            let Part { facts, cost } = &sweep.parts[part];
            self.progress.done_by_others(facts.len(), *cost);
        }
        for (part, worker) in news.abandoned {
            let who = worker.map_or_else(
                || "its worker".to_owned(),
                |worker| format!("process {} of {}", worker.pid, worker.host),
            );
            self.printer.note(&format!("part {part} is free again: {who} is gone"));
        }
        Ok(next)
    }

    fn wait(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.interrupt.asked() {
            let slice = left.min(BETWEEN_QUESTIONS);
            std::thread::sleep(slice);
            left -= slice;
        }
    }

    /// Traces parts that are ours, and saves them.
    fn trace(&mut self, parts: &[usize]) -> Result<()> {
        let Run { sweep, progress, .. } = self;
        let facts: Vec<&Prepared> = parts.iter().flat_map(|&part| &sweep.parts[part].facts).collect();
        let cost: f64 = parts.iter().map(|&part| sweep.parts[part].cost).sum();
        let sites = facts.iter().map(|fact| sweep.n_sites(fact)).sum();
        let begun = Instant::now();
        let traced = sweep.work().trace(&facts, &mut |done, total| {
            progress.in_part(done as f64 / total.max(1) as f64, facts.len(), cost, sites);
            ControlFlow::Continue(())
        });
        match traced {
            Ok(records) => {
                let seconds = begun.elapsed().as_secs_f64();
                tracing::info!(?parts, facts = facts.len(), sites, seconds, "parts traced");
                self.save(parts, &records)
            }
            Err(error) => match parts {
                [part] => self.give_up(*part, &error),
                // One of them is at fault, and the others are not to go without.
                _ => parts.iter().try_for_each(|part| self.trace(std::slice::from_ref(part))),
            },
        }
    }

    fn save(&mut self, parts: &[usize], mut records: &[PromptRecord]) -> Result<()> {
        for &part in parts {
            let Part { facts, cost } = &self.sweep.parts[part];
            let (of_part, rest) = records.split_at(facts.len());
            self.writer.write_part(part, of_part)?;
            tracing::debug!(part, facts = of_part.len(), "part saved");
            self.heart.release(part);
            self.progress.finish_part(of_part.len(), *cost, measured_sites(of_part));
            records = rest;
        }
        Ok(())
    }

    /// A part that cannot be computed: the others are, and whoever runs the sweep again tries it again.
    fn give_up(&mut self, part: usize, error: &anyhow::Error) -> Result<()> {
        let message = format!("{error:#}");
        tracing::warn!(part, message, "part failed");
        self.writer.record_failure(part, &message, self.queue.claims().worker())?;
        self.heart.release(part);
        self.queue.failed.push(Failed { part, message });
        Ok(())
    }
}

fn measured_sites(records: &[PromptRecord]) -> usize {
    let sites = |record: &PromptRecord| match &record.outcome {
        Outcome::Traced(traced) => traced.grids.iter().map(|grid| grid.patched.len()).sum(),
        Outcome::Skipped(_) => 0,
    };
    records.iter().map(sites).sum()
}
