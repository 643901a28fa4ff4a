//! A trace that was asked for, what has been told of it, and who listens.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use causal_trace_core::TraceRecord;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::watch;

use super::Jobs;
use super::events::{Cancelled, Done, Failed, Queued};
use crate::question::Question;

/// A job that nobody has listened to for so long is not wanted.
const UNHEARD: Duration = Duration::from_secs(15);
/// How often a stream says something, so that a reader that is gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// A finished trace.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(super) record: TraceRecord,
    pub(super) correct_prediction: bool,
    /// Where it was saved.
    pub(super) saved: Option<PathBuf>,
    /// Its place among the explorer's folders, where it is shown.
    pub(super) shown: Option<usize>,
}

/// A trace that was asked for.
pub(crate) struct Job {
    pub(super) id: String,
    pub(super) question: Question,
    asked_at: Instant,
    is_cancelled: AtomicBool,
    /// How many jobs were last said to come before it.
    told_before: AtomicUsize,
    story: Mutex<Story>,
    /// Sent whenever there is more of the story.
    more: watch::Sender<()>,
    readers: Mutex<Readers>,
    pub(super) finished: Mutex<Option<Finished>>,
}

/// All that has been told, as it goes over the wire: who comes late hears it from the beginning.
#[derive(Default)]
struct Story {
    events: Vec<Bytes>,
    is_over: bool,
}

impl Story {
    /// The next that there is at a place or behind it, and its place: what is handed out is shared, not copied, since
    /// readers may be many and slow.
    fn told_from(&self, place: usize) -> Option<(Bytes, usize)> {
        let next = self.events.iter().enumerate().skip(place).find(|(_, event)| !event.is_empty());
        next.map(|(place, event)| (event.clone(), place))
    }

    /// Forgets what was told; the places of what is told from now on stay the same.
    fn forget(&mut self) {
        self.events.fill(Bytes::new());
    }
}

#[derive(Default)]
struct Readers {
    now: usize,
    were_there: bool,
}

impl Job {
    pub(super) fn new(id: String, question: Question) -> Self {
        Job {
            id,
            question,
            asked_at: Instant::now(),
            is_cancelled: AtomicBool::new(false),
            told_before: AtomicUsize::new(usize::MAX),
            story: Mutex::default(),
            more: watch::Sender::new(()),
            readers: Mutex::default(),
            finished: Mutex::new(None),
        }
    }

    /// Tells something.
    pub(super) fn tell(&self, name: &str, data: &impl Serialize) {
        self.add(name, data, false);
    }

    /// Tells how it ended, the first time it is called.
    pub(super) fn end(&self, end: End) {
        match end {
            End::Done { seconds } => self.add("done", &Done { seconds }, true),
            End::Failed { error } => self.add("failed", &Failed { error }, true),
            End::Cancelled => {
                let mut story = locked(&self.story);
                if !story.is_over {
                    story.forget();
                }
                drop(story);
                self.add("cancelled", &Cancelled {}, true);
            }
        }
    }

    fn add(&self, name: &str, data: &impl Serialize, is_over: bool) {
        // What is told are numbers and texts, which do not fail.
        let data = serde_json::to_string(data).unwrap_or_default();
        let mut story = locked(&self.story);
        if !story.is_over {
            story.events.push(format!("event: {name}\ndata: {data}\n\n").into());
            story.is_over = is_over;
        }
        drop(story);
        self.more.send_replace(());
    }

    /// Tells how many jobs come before it, if that is news.
    pub(super) fn tell_place(&self, before: usize) {
        if self.told_before.swap(before, Ordering::SeqCst) != before {
            self.tell("queued", &Queued { before });
        }
    }

    /// Asks for its end, and tells of it.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        self.end(End::Cancelled);
    }

    /// Whether it was cancelled, or nobody has come to listen.
    pub(super) fn is_unwanted(&self) -> bool {
        let readers = locked(&self.readers);
        self.is_cancelled() || (!readers.were_there && self.asked_at.elapsed() > UNHEARD)
    }

    /// Whether its end was asked for.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    /// The next that was told from a place on, with its place, and whether there will be no more.
    fn told_from(&self, place: usize) -> (Option<(Bytes, usize)>, bool) {
        let story = locked(&self.story);
        (story.told_from(place), story.is_over)
    }
}

/// How a job ends.
pub(super) enum End {
    Done { seconds: f64 },
    Failed { error: String },
    Cancelled,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody who listens; a job that its last reader leaves is cancelled.
struct Reader {
    job: Arc<Job>,
    jobs: Arc<Jobs>,
    more: watch::Receiver<()>,
    place: usize,
}

impl Reader {
    fn new(job: Arc<Job>, jobs: Arc<Jobs>) -> Self {
        let mut readers = locked(&job.readers);
        readers.now += 1;
        readers.were_there = true;
        drop(readers);
        let more = job.more.subscribe();
        Reader { job, jobs, more, place: 0 }
    }

    /// The next of the story; a comment, which readers pass over, where nothing was told for a while.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.more.mark_unchanged();
            let (told, is_over) = self.job.told_from(self.place);
            if let Some((told, place)) = told {
                self.place = place + 1;
                return Some(told);
            }
            if is_over {
                return None;
            }
            match tokio::time::timeout(SIGN_OF_LIFE, self.more.changed()).await {
                Ok(changed) => changed.ok()?,
                Err(_) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut readers = locked(&self.job.readers);
        readers.now -= 1;
        let was_last = readers.now == 0;
        drop(readers);
        if was_last {
            self.jobs.cancel(&self.job);
        }
    }
}

/// A job's story as server-sent events.
pub(crate) fn follow(job: Arc<Job>, jobs: Arc<Jobs>) -> Response {
    let events = stream::unfold(Reader::new(job, jobs), |mut reader| async {
        let told = reader.next().await?;
        Some((Ok::<_, Infallible>(told), reader))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_shared_and_keeps_its_places() {
        let mut story = Story { events: vec!["a".into(), "b".into()], is_over: false };
        for place in 0..2 {
            let (told, at) = story.told_from(place).unwrap();
            assert_eq!((told.as_ptr(), at), (story.events[place].as_ptr(), place), "no copy is made");
        }
        assert_eq!(story.told_from(2), None);
        story.forget();
        assert_eq!(story.told_from(0), None);
        story.events.push("c".into());
        // Who has heard two, and who has heard nothing.
        assert_eq!(story.told_from(2), Some(("c".into(), 2)));
        assert_eq!(story.told_from(0), Some(("c".into(), 2)));
    }
}
