//! How far a sweep is, from its folder alone.

use std::cmp::Reverse;
use std::io;
use std::time::{Duration, SystemTime};

use super::claims::ClaimRecord;
use super::layout::{self, FAILURES, MARKERS, SHARDS};
use super::records::{self, Begun, Dated, Failure};
use super::{FolderError, Plan, ResultsFolder, clock};

/// A time without a new part is a pause, and what lies before it tells nothing about today, if it is longer than this
/// and than so many times the usual.
const PAUSE: Duration = Duration::from_secs(600);
const PAUSE_TO_USUAL: u32 = 10;
const SAME_DATE: Duration = Duration::from_secs(1);
/// So many of the latest parts tell how fast it goes.
const LATEST: usize = 256;

/// What is known of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    /// It is there since then.
    Complete(SystemTime),
    /// A worker has it, and gave a sign of life then.
    Claimed(Dated<ClaimRecord>),
    /// It could not be computed.
    Failed(Dated<Failure>),
    /// Nobody works on it.
    Left,
}

/// The state of every part.
#[derive(Debug, Clone)]
pub struct FolderStatus {
    /// In order; as many as there are parts.
    pub parts: Vec<PartState>,
    /// How many facts each part holds.
    pub facts: Vec<usize>,
    /// About how much work each part is.
    pub costs: Vec<f64>,
    /// The shards that were begun.
    pub shards: Vec<Dated<Begun>>,
    /// The time by the clock that dates the folder's files, or by this machine's where that cannot be asked.
    pub now: SystemTime,
}

impl ResultsFolder {
    /// How far the sweep is that writes this folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn status(&self) -> Result<FolderStatus, FolderError> {
        let unreadable = |source| FolderError::io("read", &self.path, source);
        let facts = self.manifest.parts.clone();
        let mut parts = vec![PartState::Left; facts.len()];
        // In this order: what was completed, or given up, while this is read counts as that.
        for failure in records::all::<Failure>(&self.path, FAILURES).map_err(unreadable)? {
            if let Some(state) = parts.get_mut(failure.content.part) {
                *state = PartState::Failed(failure);
            }
        }
        for claim in records::all::<ClaimRecord>(&self.path, layout::CLAIMS).map_err(unreadable)? {
            if let Some(state) = parts.get_mut(claim.content.part) {
                *state = PartState::Claimed(claim);
            }
        }
        for (part, written) in self.marked().map_err(unreadable)? {
            if let Some(state) = parts.get_mut(part) {
                *state = PartState::Complete(written);
            }
        }
        let plan = Plan::read(&self.path, facts.len()).unwrap_or(None);
        let costs = plan.map_or_else(|| facts.iter().map(|&facts| facts as f64).collect(), |plan| plan.costs);
        let shards = records::all(&self.path, SHARDS).map_err(unreadable)?;
        let now = clock::now(&self.path).unwrap_or_else(|_| SystemTime::now());
        Ok(FolderStatus { parts, facts, costs, shards, now })
    }

    /// The parts with a marker, and since when they have it.
    fn marked(&self) -> io::Result<Vec<(usize, SystemTime)>> {
        let names = records::names(&self.path.join(MARKERS))?;
        let dated = |name: String| {
            let part = layout::marked_part(&name)?;
            let written =
                std::fs::metadata(layout::marker(&self.path, part)).and_then(|file| file.modified());
            Some((part, written.ok()?))
        };
        Ok(names.into_iter().filter_map(dated).collect())
    }
}

impl FolderStatus {
    /// How long ago something was, by the folder's clock.
    #[must_use]
    pub fn age(&self, time: SystemTime) -> Duration {
        self.now.duration_since(time).unwrap_or_default()
    }

    /// The cost of all parts of a kind.
    pub fn cost(&self, is_meant: impl Fn(&PartState) -> bool) -> f64 {
        let parts = self.parts.iter().zip(&self.costs);
        parts.filter(|(state, _)| is_meant(state)).map(|(_, cost)| cost).sum()
    }

    /// How much is done in a second, by the dates of the latest parts; none where they do not tell.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let mut done: Vec<(SystemTime, f64)> = Vec::new();
        for (state, &cost) in self.parts.iter().zip(&self.costs) {
            if let PartState::Complete(written) = state {
                done.push((*written, cost));
            }
        }
        done.sort_by_key(|(date, _)| Reverse(*date));
        done.truncate(LATEST);
        let (latest, _) = *done.first()?;
        let is_running = self.parts.iter().any(|state| matches!(state, PartState::Claimed(_)));
        let end = if is_running { self.now.max(latest) } else { latest };
        let gaps = || done.windows(2).map(|pair| pair[0].0.duration_since(pair[1].0).unwrap_or_default());
        // Parts that were traced together have one date.
        let mut usual: Vec<Duration> = gaps().filter(|gap| *gap >= SAME_DATE).collect();
        usual.sort_unstable();
        let usual = usual.get(usual.len() / 2).copied().unwrap_or_default();
        let is_pause = |gap: Duration| gap > PAUSE && gap > usual * PAUSE_TO_USUAL;
        // Work that has only just begun again tells nothing yet.
        if is_pause(end.duration_since(latest).unwrap_or_default()) {
            return None;
        }
        let n = gaps().take_while(|gap| !is_pause(*gap)).count();
        let (start, _) = done[n];
        // The first ones took a time of which nothing is known.
        let later = |date: SystemTime| date.duration_since(start).is_ok_and(|gap| gap >= SAME_DATE);
        let cost: f64 = done[..n].iter().filter(|(date, _)| later(*date)).map(|(_, cost)| cost).sum();
        let seconds = end.duration_since(start).ok()?.as_secs_f64();
        (cost > 0.0 && seconds > 0.0).then(|| cost / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Worker;

    fn status(ages: &[u64]) -> FolderStatus {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let parts = ages.iter().map(|&age| PartState::Complete(now - Duration::from_secs(age)));
        let n = ages.len();
        FolderStatus {
            parts: parts.collect(),
            facts: vec![1; n],
            costs: vec![6.0; n],
            shards: Vec::new(),
            now,
        }
    }

    #[test]
    fn the_rate_is_that_of_the_latest_parts() {
        assert_eq!(status(&[]).rate(), None);
        assert_eq!(status(&[5]).rate(), None, "one date is no time");
        assert_eq!(status(&[30, 0, 20, 10]).rate(), Some(18.0 / 30.0));
        // A night between them.
        assert_eq!(status(&[40_000, 39_990, 20, 10, 0]).rate(), Some(12.0 / 20.0));
        // A part that was begun again after a night.
        let mut again = status(&[43_220, 43_210, 43_200, 0]);
        let worker = Worker::here(None, None, "test");
        let claim = ClaimRecord { part: 3, since: 0, worker, locked: false };
        again.parts[3] = PartState::Claimed(Dated { content: claim, written: again.now });
        assert_eq!(again.rate(), None);
        // Parts that take hours are no pauses.
        assert_eq!(status(&[20_000, 10_000, 0]).rate(), Some(12.0 / 20_000.0));
    }
}
