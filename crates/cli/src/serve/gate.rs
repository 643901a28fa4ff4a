//! Work that takes a while: done beside the server, little of it at a time.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::Problem;

/// Lets so many through at a time, and so many wait.
pub(super) struct Gate {
    working: Arc<Semaphore>,
    /// Places for those that work and those that wait.
    places: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(at_a_time: usize, waiting: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Gate { working: semaphore(at_a_time), places: semaphore(at_a_time + waiting) }
    }

    /// Does some work on another thread, when it is its turn. Work that was begun is finished even if nobody waits for
    /// it any more, and keeps its place until then.
    pub(super) async fn pass<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too much is asked at once: try again in a moment")
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let turn = Arc::clone(&self.working).acquire_owned().await.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        done.await.unwrap_or_else(|_| Err(Problem::internal("internal fault: please report it")))
    }
}
