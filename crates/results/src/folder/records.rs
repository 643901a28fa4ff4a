//! What workers leave in a folder beside the parts: which could not be computed, which shards were begun.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::layout::{self, FAILURES, SHARDS};
use super::{FolderError, Worker, atomic};

/// Why a part is not there: `failures/part-00005.json`. It goes when the part is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The part.
    pub part: usize,
    /// What went wrong.
    pub message: String,
    /// Who found out.
    pub worker: Worker,
}

/// A shard that was begun: `shards/shard-00003-of-00008.json`. The worker that began it last stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Counted from 0.
    pub index: usize,
    /// How many shards there are.
    pub count: usize,
    /// Who began it.
    pub worker: Worker,
}

impl Failure {
    pub(super) fn record(&self, folder: &Path) -> Result<(), FolderError> {
        write(folder, FAILURES, &layout::failure(folder, self.part), self)
    }

    pub(super) fn forget(folder: &Path, part: usize) {
        // Where it stays it is not believed: the part is there.
        let _ = fs::remove_file(layout::failure(folder, part));
    }
}

impl Begun {
    pub(super) fn record(&self, folder: &Path) -> Result<(), FolderError> {
        let name = format!("shard-{:05}-of-{:05}.json", self.index, self.count);
        write(folder, SHARDS, &folder.join(SHARDS).join(name), self)
    }
}

fn write(folder: &Path, kind: &str, path: &Path, record: &impl Serialize) -> Result<(), FolderError> {
    let kind = folder.join(kind);
    fs::create_dir_all(&kind).map_err(|source| FolderError::io("create", &kind, source))?;
    let mut text =
        serde_json::to_vec_pretty(record).map_err(|error| FolderError::io("write", path, error.into()))?;
    text.push(b'\n');
    atomic::replace(path, &text)
}

/// A file's content, where it can be understood, and its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// What it says.
    pub content: T,
    /// When it was written last.
    pub written: SystemTime,
}

/// What stands in one file, with its date; `None` where it is not there or says nothing that can be understood.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<Dated<T>> {
    let content = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Some(Dated { content, written: fs::metadata(path).ok()?.modified().ok()? })
}

/// All names in one of the folder's own folders, hidden ones included, in order; none where it is not there.
pub(super) fn names(path: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let mut names = entries.map(name).collect::<io::Result<Vec<String>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Everything of one kind in a folder, in the order of the names.
pub(super) fn all<T: DeserializeOwned>(folder: &Path, kind: &str) -> io::Result<Vec<Dated<T>>> {
    let path = folder.join(kind);
    let visible = names(&path)?.into_iter().filter(|name| !name.starts_with('.'));
    Ok(visible.filter_map(|name| read(&path.join(name))).collect())
}
