//! Files that writers have begun and left behind when they died.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::claims::ClaimRecord;
use super::layout::{self, CLAIMS, DAMAGED, FAILURES, MARKERS, SHARDS, Table};
use super::{clock, records, worker};

/// Where temporary files may lie, below the folder.
fn places(folder: &Path) -> Vec<PathBuf> {
    let below = [Table::Prompts.name(), Table::Sites.name(), MARKERS, CLAIMS, FAILURES, SHARDS, DAMAGED];
    std::iter::once(folder.to_owned()).chain(below.map(|name| folder.join(name))).collect()
}

/// Temporary files of workers that are dead: not touched for so long, and of nobody who holds a claim.
pub(super) fn find(folder: &Path, expiry: Duration) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for place in places(folder) {
        let temporary = records::names(&place)?.into_iter().filter(|name| layout::is_temporary(name));
        found.extend(temporary.map(|name| place.join(name)));
    }
    if found.is_empty() {
        return Ok(found);
    }
    let now = clock::now(folder)?;
    let claims = records::all::<ClaimRecord>(folder, CLAIMS)?;
    let is_recent = |written: SystemTime| !now.duration_since(written).is_ok_and(|age| age >= expiry);
    let living: BTreeSet<String> = claims
        .into_iter()
        .filter(|claim| is_recent(claim.written))
        .map(|claim| claim.content.worker.id)
        .chain([worker::tag().to_owned()])
        .collect();
    found.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_living = layout::writer_of(&name).is_some_and(|writer| living.contains(writer));
        // What vanished meanwhile is nobody's leftover.
        let is_old = fs::metadata(path).and_then(|file| file.modified()).is_ok_and(|date| !is_recent(date));
        is_old && !is_living
    });
    Ok(found)
}

/// Removes them; what cannot be removed does no harm.
pub(super) fn clear(folder: &Path, expiry: Duration) {
    for path in find(folder, expiry).unwrap_or_default() {
        let _ = fs::remove_file(path);
    }
}
