//! The thread that does the jobs, one after the other.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causal_trace_core::{Baseline, Metric, Sink, Site, TraceRecord};
use causal_trace_engine::{TraceError, trace_case};

use super::events::{BaselineEvent, Progress, SiteEvent, Sites, Started};
use super::job::{End, Finished, locked};
use super::{Job, Jobs, Tracer};
use crate::printer::in_one_line;

/// How often the sites that have come in are told, at most.
const BETWEEN_EVENTS: Duration = Duration::from_millis(80);
/// How long the end of a job is waited for when the program ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread.
pub(crate) struct Worker(JoinHandle<()>);

impl Worker {
    pub(crate) fn start(jobs: Arc<Jobs>, tracer: Arc<Tracer>) -> Result<Self> {
        let work = move || {
            while let Some(job) = jobs.next() {
                // Whatever goes wrong with one trace, the next is done.
                let end = catch_unwind(AssertUnwindSafe(|| trace(&job, &tracer)));
                let end = end.unwrap_or_else(|_| Err(anyhow::anyhow!("internal fault: please report it")));
                let end = end.unwrap_or_else(|error| match error.downcast_ref() {
                    Some(TraceError::Cancelled) => End::Cancelled,
                    _ => End::Failed { error: in_one_line(&error) },
                });
                jobs.finish(job, end);
            }
        };
        let thread = std::thread::Builder::new().name("tracer".to_owned()).spawn(work);
        Ok(Worker(thread.context("cannot start the thread that traces")?))
    }

    /// Waits a while for the end of the job in hand.
    pub(crate) fn wait(self) {
        let start = Instant::now();
        while !self.0.is_finished() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn trace(job: &Job, tracer: &Tracer) -> Result<End> {
    if job.is_unwanted() {
        return Ok(End::Cancelled);
    }
    let start = Instant::now();
    let (question, lm) = (&job.question, &tracer.model.lm);
    job.tell("started", &Started::new(question, lm));
    let n_layers = lm.model.architecture().n_layers;
    let record = TraceRecord::unmeasured(question.prompt.clone(), question.config.clone(), n_layers);
    let mut sink = Telling { job, tracer, record, new: Vec::new(), last_told: start };
    let correct_prediction = tracer.pool.install(|| {
        trace_case(&lm.model, question.case(), &question.config, &mut sink)?;
        question.is_predicted(&tracer.model)
    })?;
    sink.tell();
    *locked(&job.finished) =
        Some(Finished { record: sink.record, correct_prediction, saved: None, shown: None });
    Ok(End::Done { seconds: start.elapsed().as_secs_f64() })
}

/// Tells what it receives, and keeps it.
struct Telling<'a> {
    job: &'a Job,
    tracer: &'a Tracer,
    record: TraceRecord,
    /// Sites that have not been told yet.
    new: Vec<Sites>,
    last_told: Instant,
}

impl Telling<'_> {
    fn tell(&mut self) {
        self.new.drain(..).for_each(|sites| self.job.tell("sites", &sites));
        self.last_told = Instant::now();
    }
}

impl Sink for Telling<'_> {
    fn baseline(&mut self, baseline: &Baseline) {
        self.record.baseline(baseline);
        let metrics = self.record.config.all_metrics();
        self.job.tell("baseline", &BaselineEvent::new(baseline, metrics, &self.tracer.model.lm));
    }

    fn patched(&mut self, site: Site, metric: Metric, samples: &[f32]) {
        self.record.patched(site, metric, samples);
        let direction = self.record.config.direction;
        let Some(event) = SiteEvent::new(site, metric, samples, direction, &self.record.baseline) else {
            return;
        };
        let is_its = |sites: &&mut Sites| sites.component == site.component && sites.metric == metric;
        match self.new.iter_mut().find(is_its) {
            Some(sites) => sites.sites.push(event),
            None => self.new.push(Sites { component: site.component, metric, sites: vec![event] }),
        }
    }

    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        if self.job.is_unwanted() {
            return ControlFlow::Break(());
        }
        if self.last_told.elapsed() >= BETWEEN_EVENTS || done == total {
            self.job.tell("progress", &Progress { done, total });
            self.tell();
        }
        ControlFlow::Continue(())
    }
}
