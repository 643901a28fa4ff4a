//! Which parts a worker takes next, where others may be at work on the same folder.

use std::collections::HashMap;

use anyhow::Result;
use causal_trace_results::{Claim, Claims, Failure, FolderWriter, Holder, Worker};

/// A part that could not be computed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) part: usize,
    pub(crate) message: String,
}

/// The parts that this worker is to see done, by itself or by others.
pub(super) struct Queue {
    claims: Claims,
    left: Vec<usize>,
    /// What was known to have failed before this worker began: it is tried again.
    failed_before: HashMap<usize, Failure>,
    pub(super) failed: Vec<Failed>,
}

/// What there is to do.
pub(super) enum Next {
    /// These parts are ours.
    Parts(Vec<Claim>),
    /// Others work on all that is left.
    Wait,
    Done,
}

/// What has changed without this worker's doing.
#[derive(Default)]
pub(super) struct News {
    /// Parts that others have completed.
    pub(super) completed: Vec<usize>,
    /// Parts whose worker is gone, and who that was, where it can be known.
    pub(super) abandoned: Vec<(usize, Option<Box<Worker>>)>,
}

impl Queue {
    pub(super) fn new(claims: Claims, left: Vec<usize>, writer: &FolderWriter) -> Self {
        let failed_before = left.iter().filter_map(|&part| Some((part, writer.failure(part)?))).collect();
        Queue { claims, left, failed_before, failed: Vec::new() }
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// How many parts are neither done nor taken by this worker.
    pub(super) fn n_left(&self) -> usize {
        self.left.len()
    }

    /// Claims the first parts that are free, as many as `fits` lets come to those that are taken already.
    pub(super) fn next(
        &mut self,
        writer: &mut FolderWriter,
        fits: impl Fn(&[usize], usize) -> bool,
        news: &mut News,
    ) -> Result<Next> {
        let mut taken: Vec<Claim> = Vec::new();
        let mut parts = Vec::new();
        let mut left = std::mem::take(&mut self.left).into_iter();
        for part in left.by_ref() {
            if writer.is_complete(part) {
                news.completed.push(part);
                continue;
            }
            if self.has_failed_elsewhere(part, writer) {
                continue;
            }
            if !parts.is_empty() && !fits(&parts, part) {
                self.left.push(part);
                break;
            }
            match self.claims.take(part)? {
                // It was completed between the two questions.
                Some(_) if writer.is_complete(part) => news.completed.push(part),
                Some(claim) => {
                    taken.push(claim);
                    parts.push(part);
                }
                None => self.left.push(part),
            }
        }
        self.left.extend(left);
        if !taken.is_empty() {
            return Ok(Next::Parts(taken));
        }
        let mut is_free = false;
        for &part in &self.left {
            match self.claims.ask(part)? {
                Holder::Living => {}
                Holder::Nobody => is_free = true,
                Holder::Cleared(worker) => {
                    news.abandoned.push((part, worker));
                    is_free = true;
                }
            }
        }
        match self.left.is_empty() {
            true => Ok(Next::Done),
            false if is_free => self.next(writer, fits, news),
            false => Ok(Next::Wait),
        }
    }

    /// Whether another worker has tried a part since this one began, and failed.
    fn has_failed_elsewhere(&mut self, part: usize, writer: &FolderWriter) -> bool {
        let Some(failure) = writer.failure(part) else { return false };
        if self.failed_before.get(&part) == Some(&failure) {
            return false;
        }
        self.failed.push(Failed { part, message: failure.message });
        true
    }
}
