//! Who works on which part: `claims/part-00005.json`.
//!
//! Claims save work and nothing else. Whoever computes a part writes the same bytes, and a marker is given once, so that
//! two workers on one part are a waste and no danger. A claim is a file that only one worker can create; the worker
//! writes to it now and then, and a claim that was not written to for some time is anybody's.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::layout::{self, temporary};
use super::{FolderError, Worker, clock};

/// A claim that was not written to for so long is anybody's.
pub const CLAIM_EXPIRY: Duration = Duration::from_secs(120);
/// How often a claim is written to, within the time after which it expires: several may get lost.
const BEATS_BEFORE_EXPIRY: u32 = 6;

/// A claim's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRecord {
    /// The part.
    pub part: usize,
    /// Who works on it.
    pub worker: Worker,
    /// Since when, in seconds since 1970 by the clock that dates the folder's files.
    pub since: u64,
    /// Whether the worker holds a lock on the file as long as it lives, which its own machine can ask for.
    pub locked: bool,
}

/// The claims of a folder, as one worker sees them.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    worker: Worker,
    expiry: Duration,
    /// When this process saw others' claims change for the last time. It needs no clock that anybody else agrees with.
    seen: HashMap<usize, (Sighting, Instant)>,
}

/// What changes whenever a claim is written to, or made anew.
type Sighting = (Vec<u8>, SystemTime);

/// What stands in the way of working on a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// A worker that lives, as far as can be known.
    Living,
    /// Nobody any more: its worker is dead or not heard of, and the claim was cleared away.
    Cleared(Option<Box<Worker>>),
}

impl Claims {
    /// The claims of a folder, of which one expires when its worker was not heard of for so long.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(folder: &Path, worker: Worker, expiry: Duration) -> Result<Self, FolderError> {
        let path = folder.join(layout::CLAIMS);
        fs::create_dir_all(&path).map_err(|source| FolderError::io("create", &path, source))?;
        Ok(Claims { folder: folder.to_owned(), worker, expiry, seen: HashMap::new() })
    }

    /// Who claims.
    #[must_use]
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// How often [`Claim::beat`] is to be called.
    #[must_use]
    pub fn between_beats(&self) -> Duration {
        self.expiry / BEATS_BEFORE_EXPIRY
    }

    /// Claims a part; `None` where another claim is there.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn take(&self, part: usize) -> Result<Option<Claim>, FolderError> {
        let path = layout::claim(&self.folder, part);
        if path.exists() {
            return Ok(None);
        }
        let claimed = create(&path, part, &self.worker);
        claimed.map_err(|source| FolderError::io("write", &path, source))
    }

    /// Whether somebody holds a part; a claim whose worker is dead or was not heard of is cleared away.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn ask(&mut self, part: usize) -> Result<Holder, FolderError> {
        let path = layout::claim(&self.folder, part);
        let found = self.judge(part, &path).map_err(|source| FolderError::io("read", &path, source))?;
        let Some((sighting, is_dead)) = found else {
            self.seen.remove(&part);
            return Ok(Holder::Nobody);
        };
        if !is_dead {
            return Ok(Holder::Living);
        }
        self.seen.remove(&part);
        clear(&path, &sighting).map_err(|source| FolderError::io("remove", &path, source))?;
        let record = serde_json::from_slice(&sighting.0).ok();
        Ok(Holder::Cleared(record.map(|record: ClaimRecord| Box::new(record.worker))))
    }

    /// A part's claim and whether its worker is dead; `None` where there is no claim.
    fn judge(&mut self, part: usize, path: &Path) -> io::Result<Option<(Sighting, bool)>> {
        let Some(sighting) = look(path)? else { return Ok(None) };
        let record: Option<ClaimRecord> = serde_json::from_slice(&sighting.0).ok();
        let is_dead = record.is_some_and(|record| self.is_gone(&record, path))
            || self.is_unchanged(part, &sighting)
            || self.is_old(&sighting)?;
        Ok(Some((sighting, is_dead)))
    }

    /// Whether a worker is known to have ended: an earlier run of this Slurm job, or one of this machine whose lock is free.
    fn is_gone(&self, record: &ClaimRecord, path: &Path) -> bool {
        let is_unlocked = || {
            let file = File::options().read(true).write(true).open(path);
            file.is_ok_and(|file| file.try_lock().is_ok())
        };
        self.worker.is_requeued_from(&record.worker)
            || record.locked && record.worker.host == self.worker.host && is_unlocked()
    }

    /// Whether this process has not seen the claim change for as long as claims live.
    fn is_unchanged(&mut self, part: usize, sighting: &Sighting) -> bool {
        match self.seen.get(&part) {
            Some((before, since)) if before == sighting => since.elapsed() >= self.expiry,
            _ => {
                self.seen.insert(part, (sighting.clone(), Instant::now()));
                false
            }
        }
    }

    /// The same by the dates of the files alone, which all come from one clock.
    fn is_old(&self, sighting: &Sighting) -> io::Result<bool> {
        let now = clock::now(&self.folder.join(layout::CLAIMS))?;
        Ok(now.duration_since(sighting.1).is_ok_and(|age| age >= self.expiry))
    }
}

/// A claim's bytes and its date; `None` where there is none.
fn look(path: &Path) -> io::Result<Option<Sighting>> {
    match fs::read(path).and_then(|text| Ok((text, fs::metadata(path)?.modified()?))) {
        Ok(sighting) => Ok(Some(sighting)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates the file, with its content and its lock from the first moment on; `None` where there is one.
fn create(path: &Path, part: usize, worker: &Worker) -> io::Result<Option<Claim>> {
    let unnamed = temporary(path);
    let created = File::create_new(&unnamed).and_then(|file| {
        let written = write(file, part, worker)?;
        match fs::hard_link(&unnamed, path) {
            Ok(()) => Ok(Some(written)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            // No hard links here: the name comes first, and the content after it.
            Err(_) => match File::create_new(path) {
                Ok(file) => write(file, part, worker).map(Some),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(error),
            },
        }
    });
    let _ = fs::remove_file(&unnamed);
    Ok(created?.map(|(file, text)| Claim { path: path.to_owned(), file, text, part }))
}

/// Locks a new file and fills it.
fn write(mut file: File, part: usize, worker: &Worker) -> io::Result<(File, Vec<u8>)> {
    // Elsewhere a lock keeps others from reading the file.
    let locked = cfg!(unix) && file.try_lock().is_ok();
    let since = file.metadata()?.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let record = ClaimRecord { part, worker: worker.clone(), since: since.as_secs(), locked };
    let mut text = serde_json::to_vec_pretty(&record)?;
    text.push(b'\n');
    file.write_all(&text)?;
    Ok((file, text))
}

/// Takes away a claim that was judged; one that came in its place meanwhile is put back.
fn clear(path: &Path, judged: &Sighting) -> io::Result<()> {
    let aside = temporary(path);
    match fs::rename(path, &aside) {
        Ok(()) => {}
        // Somebody else was quicker.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    if fs::read(&aside).is_ok_and(|now| now != judged.0) {
        // Where that fails, two work on one part.
        let _ = fs::hard_link(&aside, path);
    }
    fs::remove_file(&aside)
}

/// A part that is this worker's to compute; given up when it is dropped.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Locked as long as it is open, where the file system has locks.
    file: File,
    text: Vec<u8>,
    part: usize,
}

impl Claim {
    /// Which part.
    #[must_use]
    pub fn part(&self) -> usize {
        self.part
    }

    /// Says that the worker lives: the file is written anew, so that it gets a new date from the clock of whoever keeps
    /// it. What goes wrong here is no harm; the next beat may go right, and a part may be computed twice.
    pub fn beat(&mut self) {
        let Claim { file, text, .. } = self;
        let _ = file.rewind().and_then(|()| file.write_all(text)).and_then(|()| file.sync_data());
    }
}

impl Drop for Claim {
    /// Only one's own claim is taken away: it may be another's after this process had stood still.
    fn drop(&mut self) {
        if fs::read(&self.path).is_ok_and(|there| there == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
