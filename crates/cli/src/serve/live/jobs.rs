//! The jobs: one that is done, some that wait, some that are done and may still be heard or
//! saved.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow};
use axum::http::StatusCode;

use super::Job;
use super::job::{End, locked};
use crate::question::Question;
use crate::serve::Problem;

/// Most jobs that wait. Each of them and the one that is done has a stream, and a browser opens six connections to a
/// server at most.
const MAX_WAITING: usize = 3;
/// Most jobs that are kept when they are done, and of those that failed or were cancelled.
const MAX_DONE: usize = 8;
const MAX_ENDED: usize = 8;

/// All jobs.
pub(crate) struct Jobs {
    state: Mutex<State>,
    /// There is work, or there will be none any more.
    news: Condvar,
    /// What the ids of this server begin with: a page that was there before it asks for none of its jobs.
    prefix: String,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Job>>,
    running: Option<Arc<Job>>,
    done: VecDeque<Arc<Job>>,
    /// Those that failed or were cancelled, which push out none that are done.
    ended: VecDeque<Arc<Job>>,
    n_jobs: usize,
    is_closed: bool,
}

impl Jobs {
    pub(crate) fn new() -> Result<Self> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("cannot draw a number: {error}"))?;
        let prefix = format!("{:08x}", u32::from_le_bytes(bytes));
        Ok(Jobs { state: Mutex::default(), news: Condvar::new(), prefix })
    }

    /// Whether one more may wait.
    pub(crate) fn check_place(&self) -> Result<(), Problem> {
        self.state().check_place()
    }

    /// Adds a job that waits for its turn.
    pub(crate) fn add(&self, question: Question) -> Result<Arc<Job>, Problem> {
        let mut state = self.state();
        state.check_place()?;
        state.n_jobs += 1;
        let job = Arc::new(Job::new(format!("{}j{}", self.prefix, state.n_jobs), question));
        state.waiting.push_back(Arc::clone(&job));
        state.tell_places();
        drop(state);
        self.news.notify_one();
        Ok(job)
    }

    /// The job of an id, if it is still known.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Job>, Problem> {
        let state = self.state();
        let State { waiting, running, done, ended, .. } = &*state;
        let mut known = waiting.iter().chain(running).chain(done).chain(ended);
        known
            .find(|job| job.id == id)
            .cloned()
            .ok_or_else(|| Problem::not_found("this trace is not known (any more): trace it again"))
    }

    /// Ends a job that waits or is being done; one that is over stays as it is. Whoever listens is told at once; the work
    /// ends with the layer in hand.
    pub(crate) fn cancel(&self, job: &Arc<Job>) {
        let mut state = self.state();
        job.cancel();
        if let Some(place) = state.waiting.iter().position(|waiting| Arc::ptr_eq(waiting, job)) {
            state.waiting.remove(place);
            keep(&mut state.ended, Arc::clone(job), MAX_ENDED);
            state.tell_places();
        }
    }

    /// The next job, which is being done from now on; waits for one. None when there will be no more.
    pub(super) fn next(&self) -> Option<Arc<Job>> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.running = Some(Arc::clone(&job));
                job.tell_place(0);
                state.tell_places();
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The job that was being done is over.
    pub(super) fn finish(&self, job: Arc<Job>, end: End) {
        let mut state = self.state();
        let is_done = matches!(end, End::Done { .. }) && !job.is_cancelled();
        job.end(end);
        state.running = None;
        if is_done {
            keep(&mut state.done, job, MAX_DONE);
        } else {
            *locked(&job.finished) = None;
            keep(&mut state.ended, job, MAX_ENDED);
        }
        state.tell_places();
    }

    /// Cancels everything, for good.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        std::mem::take(&mut state.waiting).iter().chain(&state.running).for_each(|job| job.cancel());
        drop(state);
        self.news.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell_places(&self) {
        let before = usize::from(self.running.is_some());
        self.waiting.iter().enumerate().for_each(|(place, job)| job.tell_place(before + place));
    }

    /// Whether one more may wait, once those that nobody listens to have gone.
    fn check_place(&mut self) -> Result<(), Problem> {
        if self.is_closed {
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is ending"));
        }
        self.drop_unwanted();
        if self.waiting.len() < MAX_WAITING {
            return Ok(());
        }
        let error = format!("{MAX_WAITING} traces wait already: try again when some are done");
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, error))
    }

    fn drop_unwanted(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let (unwanted, wanted) = waiting.into_iter().partition::<VecDeque<_>, _>(|job| job.is_unwanted());
        self.waiting = wanted;
        for job in unwanted {
            job.cancel();
            keep(&mut self.ended, job, MAX_ENDED);
        }
        self.tell_places();
    }
}

/// Keeps a job, and forgets the oldest that are too many.
fn keep(kept: &mut VecDeque<Arc<Job>>, job: Arc<Job>, most: usize) {
    kept.push_back(job);
    while kept.len() > most {
        kept.pop_front();
    }
}
