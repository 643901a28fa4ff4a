//! The sign of life of a worker: its claims are written to from time to time, beside the work.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use causal_trace_results::Claim;

/// The claims that this process holds; they are given up when it is dropped.
pub(super) struct Heart {
    claims: Arc<Mutex<Vec<Claim>>>,
    /// Dropped to end the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    pub(super) fn start(between_beats: Duration) -> Result<Self> {
        let claims = Arc::new(Mutex::new(Vec::new()));
        let (alive, end) = channel();
        let held = Arc::clone(&claims);
        let beat = move || {
            while end.recv_timeout(between_beats) == Err(RecvTimeoutError::Timeout) {
                lock(&held).iter_mut().for_each(Claim::beat);
            }
        };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(beat);
        let thread = thread.context("cannot start the thread that keeps the claims")?;
        Ok(Heart { claims, alive: Some(alive), thread: Some(thread) })
    }

    /// Keeps some claims alive.
    pub(super) fn hold(&self, claims: Vec<Claim>) {
        lock(&self.claims).extend(claims);
    }

    /// Gives up the claim on a part, which is done or cannot be done.
    pub(super) fn release(&self, part: usize) {
        lock(&self.claims).retain(|claim| claim.part() != part);
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        lock(&self.claims).clear();
    }
}

fn lock(claims: &Mutex<Vec<Claim>>) -> MutexGuard<'_, Vec<Claim>> {
    claims.lock().unwrap_or_else(PoisonError::into_inner)
}
