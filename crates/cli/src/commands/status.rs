//! `causal-trace status`: how far the sweep of a results folder is, from the folder alone.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use causal_trace_report::page::quoted;
use causal_trace_results::{
    Begun, ClaimRecord, Dated, FolderError, FolderStatus, PartState, ResultsFolder, SLURM,
};
use serde::Serialize;

use crate::args::{MOST_SHARDS, StatusArgs};
use crate::printer::{Printer, shown};
use crate::sweep::{duration, shares};

pub(crate) fn run(args: &StatusArgs, printer: &Printer) -> Result<()> {
    let mut is_told = false;
    while waits_for_slurm(&args.results) {
        let results = args.results.display();
        let what = format!(
            "no task has begun to work on {results} yet: see `squeue --me`, and what tasks said in {results}/{SLURM}/logs"
        );
        let Some(time) = args.watch else { bail!(what) };
        if !is_told {
            printer.note(&what);
            is_told = true;
        }
        std::thread::sleep(time);
    }
    let folder = ResultsFolder::open(&args.results)?;
    loop {
        let status = Status::of(&folder.status()?, args.claims.expiry);
        if args.json {
            printer.result(&serde_json::to_string_pretty(&status)?);
        } else {
            printer.result(&status.table());
            if let Some(command) = status.tasks_again(&args.results) {
                printer.result(&command);
            }
        }
        let Some(time) = args.watch.filter(|_| status.parts.done < status.parts.all) else { return Ok(()) };
        if !printer.has_reader() {
            return Ok(());
        }
        std::thread::sleep(time);
        if !args.json {
            printer.result("");
        }
    }
}

/// Whether jobs for a folder were written, and none of them has begun.
fn waits_for_slurm(results: &Path) -> bool {
    results.join(SLURM).is_dir()
        && matches!(ResultsFolder::open(results), Err(FolderError::NotAFolder { .. }))
}

/// How far a sweep is, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Status {
    parts: Counts,
    facts: Counts,
    /// The share of the work that is done, by cost.
    done: f64,
    /// How much of the whole work is done in an hour, at the present rate; null where that is not known.
    done_per_hour: Option<f64>,
    facts_per_hour: Option<f64>,
    seconds_left: Option<f64>,
    shards: Vec<ShardStatus>,
    running: Vec<Running>,
    failed: Vec<FailedPart>,
}

/// How many are in which state.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Counts {
    all: usize,
    done: usize,
    running: usize,
    /// Claimed by a worker that was not heard of.
    stale: usize,
    failed: usize,
    left: usize,
}

#[derive(Debug, Serialize)]
struct ShardStatus {
    shard: String,
    parts: Counts,
    /// The share of its work that is done, by cost.
    done: f64,
    /// Where it was begun last; null where it was not.
    host: Option<String>,
    /// The job's id under Slurm.
    job: Option<String>,
}

/// The parts that a worker has.
#[derive(Debug, Serialize)]
struct Running {
    worker: String,
    host: String,
    pid: u32,
    shard: Option<String>,
    job: Option<String>,
    parts: Vec<usize>,
    seconds: f64,
    seconds_since_last_beat: f64,
    /// Whether that is so long that others may take its parts.
    stale: bool,
}

#[derive(Debug, Serialize)]
struct FailedPart {
    part: usize,
    host: String,
    message: String,
}

impl Counts {
    fn add(&mut self, state: &PartState, n: usize, is_stale: impl Fn(&Dated<ClaimRecord>) -> bool) {
        self.all += n;
        *match state {
            PartState::Complete(_) => &mut self.done,
            PartState::Claimed(claim) if is_stale(claim) => &mut self.stale,
            PartState::Claimed(_) => &mut self.running,
            PartState::Failed(_) => &mut self.failed,
            PartState::Left => &mut self.left,
        } += n;
    }
}

impl Status {
    fn of(status: &FolderStatus, expiry: Duration) -> Self {
        let is_stale = |claim: &Dated<ClaimRecord>| status.age(claim.written) >= expiry;
        let (mut parts, mut facts) = (Counts::default(), Counts::default());
        for (state, &n) in status.parts.iter().zip(&status.facts) {
            parts.add(state, 1, is_stale);
            facts.add(state, n, is_stale);
        }
        let all = status.cost(|_| true);
        let done = status.cost(is_done);
        let is_running = parts.running > 0;
        let rate = status.rate().filter(|_| is_running);
        let n_facts = facts.all as f64;
        let seconds_left = rate.map(|rate| (all - done) / rate).or((parts.done == parts.all).then_some(0.0));
        Status {
            parts,
            facts,
            done: portion(done, all),
            done_per_hour: rate.map(|rate| 3600.0 * rate / all),
            facts_per_hour: rate.map(|rate| 3600.0 * rate / all * n_facts),
            seconds_left,
            shards: shards(status, is_stale),
            running: running(status, is_stale),
            failed: failed(status),
        }
    }

    /// How tasks of an array are run again that are not done, where nobody works.
    fn tasks_again(&self, results: &Path) -> Option<String> {
        let script = results.join(SLURM).join("job.sh");
        let left = self.shards.iter().filter(|shard| shard.parts.done < shard.parts.all);
        let left: Vec<&str> = left.filter_map(|shard| shard.shard.split('/').next()).collect();
        if self.parts.running > 0 || left.is_empty() || !script.is_file() {
            return None;
        }
        // The shards that are listed may be those of another script, or of somebody's own.
        let text = std::fs::read_to_string(&script).unwrap_or_default();
        let is_of_script = text.contains(&format!("$SLURM_ARRAY_TASK_ID/{}\"", self.shards.len()));
        let tasks = if is_of_script { format!("--array={} ", left.join(",")) } else { String::new() };
        let script = script.display().to_string();
        Some(format!("tasks that are not done, if none waits: sbatch {tasks}{}", quoted(&script)))
    }

    /// The same for a person.
    fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Counts { all, done, running, stale, failed, left } = self.parts;
        let percent = 100.0 * self.done;
        writeln!(text, "{} of {} prompts, {percent:.1} % of the work", self.facts.done, self.facts.all)?;
        write!(text, "parts: {done} of {all} done, {running} running")?;
        if stale > 0 {
            write!(text, ", {stale} of workers that were not heard of")?;
        }
        writeln!(text, ", {failed} failed, {left} left")?;
        match (self.facts_per_hour, self.seconds_left) {
            (Some(rate), Some(left)) => writeln!(text, "{rate:.0} prompts an hour, {} left", duration(left))?,
            _ if done == all => writeln!(text, "everything is done")?,
            _ if running == 0 => writeln!(text, "nobody works on it; the same sweep command goes on")?,
            _ => writeln!(text, "too little is done to say how long the rest takes")?,
        }
        if !self.shards.is_empty() {
            writeln!(text, "\nshard      done  running  stale  failed  left     work  begun on")?;
        }
        for ShardStatus { shard, parts, done, host, job } in &self.shards {
            let Counts { done: n, running, stale, failed, left, .. } = parts;
            let host = host.as_deref().map_or_else(|| "-".to_owned(), shown);
            let job = job.as_ref().map(|job| format!(", job {}", shown(job))).unwrap_or_default();
            let percent = 100.0 * done;
            writeln!(
                text,
                "{shard:<9} {n:>5} {running:>8} {stale:>6} {failed:>7} {left:>5} {percent:>6.1} %  {host}{job}"
            )?;
        }
        if !self.running.is_empty() {
            writeln!(text, "\nworkers")?;
        }
        for worker in &self.running {
            let parts: Vec<String> = worker.parts.iter().map(ToString::to_string).collect();
            let (host, since) = (shown(&worker.host), duration(worker.seconds));
            let shard =
                worker.shard.as_ref().map(|shard| format!(", shard {}", shown(shard))).unwrap_or_default();
            let beat = duration(worker.seconds_since_last_beat);
            let dead = if worker.stale { "; its parts are free for others" } else { "" };
            writeln!(
                text,
                "  process {} of {host}{shard}: part {} for {since}, last heard of {beat} ago{dead}",
                worker.pid,
                parts.join(", ")
            )?;
        }
        if !self.failed.is_empty() {
            writeln!(text, "\nfailed (the same sweep command tries them again)")?;
        }
        for FailedPart { part, host, message } in &self.failed {
            writeln!(text, "  part {part} on {}: {}", shown(host), shown(message))?;
        }
        Ok(())
    }
}

fn is_done(state: &PartState) -> bool {
    matches!(state, PartState::Complete(_))
}

/// A portion of all; all of nothing.
fn portion(some: f64, all: f64) -> f64 {
    // The sum of nothing is -0.
    if all > 0.0 { some / all + 0.0 } else { 1.0 }
}

/// Every shard, where the work was shared out: into as many as the shard that was begun last says.
fn shards(status: &FolderStatus, is_stale: impl Fn(&Dated<ClaimRecord>) -> bool) -> Vec<ShardStatus> {
    let possible = |begun: &&Dated<Begun>| begun.content.count <= MOST_SHARDS;
    let Some(latest) = status.shards.iter().filter(possible).max_by_key(|begun| begun.written) else {
        return Vec::new();
    };
    let count = latest.content.count;
    let of_shard = |(index, parts): (usize, Vec<usize>)| {
        let mut counts = Counts::default();
        let (mut done, mut all) = (0.0, 0.0);
        for part in parts {
            let (state, cost) = (&status.parts[part], status.costs[part]);
            counts.add(state, 1, &is_stale);
            all += cost;
            done += if is_done(state) { cost } else { 0.0 };
        }
        let begun =
            status.shards.iter().find(|begun| (begun.content.index, begun.content.count) == (index, count));
        let worker = begun.map(|begun| &begun.content.worker);
        ShardStatus {
            shard: format!("{index}/{count}"),
            parts: counts,
            done: portion(done, all),
            host: worker.map(|worker| worker.host.clone()),
            job: worker.and_then(|worker| Some(worker.slurm.as_ref()?.name())),
        }
    };
    shares(&status.costs, count).into_iter().enumerate().map(of_shard).collect()
}

fn running(status: &FolderStatus, is_stale: impl Fn(&Dated<ClaimRecord>) -> bool) -> Vec<Running> {
    let mut workers: BTreeMap<&str, Running> = BTreeMap::new();
    for state in &status.parts {
        let PartState::Claimed(claim) = state else { continue };
        let ClaimRecord { part, worker, since, .. } = &claim.content;
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(*since);
        let (seconds, beat) = (status.age(began).as_secs_f64(), status.age(claim.written).as_secs_f64());
        let of_worker = workers.entry(&worker.id).or_insert_with(|| Running {
            worker: worker.id.clone(),
            host: worker.host.clone(),
            pid: worker.pid,
            shard: worker.shard.clone(),
            job: worker.slurm.as_ref().map(|task| task.name()),
            parts: Vec::new(),
            seconds,
            seconds_since_last_beat: beat,
            stale: is_stale(claim),
        });
        of_worker.parts.push(*part);
        of_worker.seconds = of_worker.seconds.max(seconds);
    }
    workers.into_values().collect()
}

fn failed(status: &FolderStatus) -> Vec<FailedPart> {
    let failed = |state: &PartState| match state {
        PartState::Failed(failure) => Some(FailedPart {
            part: failure.content.part,
            host: failure.content.worker.host.clone(),
            message: failure.content.message.clone(),
        }),
        _ => None,
    };
    status.parts.iter().filter_map(failed).collect()
}
