//! How a part becomes complete, whoever else may be at it.
//!
//! The marker decides: it is written once, after both tables, and it is never replaced. Workers whose numbers agree
//! write the same bytes, and it does not matter whose they are. Where they do not agree the first marker counts, and
//! both sides see to it that the tables are those of that marker: the first one after it has given the marker, the other
//! one when it finds it there. A marker whose tables are gone is taken away.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::layout::{self, DAMAGED, Table, temporary};
use super::marker::Marker;
use super::{FolderError, ResultsFolder, atomic, read_marked};

/// How often a part is looked at while others who disagree are at it.
const ATTEMPTS: usize = 16;

/// The bytes of tables.
type Tables = Vec<(Table, Vec<u8>)>;

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    /// It is complete, with these bytes.
    Complete,
    /// It was complete already, with others, which are kept.
    Otherwise,
    /// The same, but the others were lost; the part is to be computed again.
    Lost,
}

/// Puts tables in their places, and then the marker that makes them count.
pub(super) fn commit(
    folder: &ResultsFolder,
    part: usize,
    marker: &Marker,
    tables: [&[u8]; 2],
) -> Result<Committed, FolderError> {
    if let Some(there) = marked(folder, part)? {
        return Ok(if there == *marker { Committed::Complete } else { Committed::Otherwise });
    }
    let mut before = Vec::new();
    for (table, bytes) in Table::ALL.into_iter().zip(tables) {
        let path = table.path(&folder.path, part);
        let there = present(&path)?;
        if there.as_deref() != Some(bytes) {
            atomic::replace(&path, bytes)?;
            before.push((table, there.unwrap_or_default()));
        }
    }
    let path = layout::marker(&folder.path, part);
    let mut text =
        serde_json::to_vec_pretty(marker).map_err(|error| FolderError::io("write", &path, error.into()))?;
    text.push(b'\n');
    atomic::publish(&path, &text)?;
    let ours = Table::ALL.into_iter().zip(tables.map(<[u8]>::to_vec)).collect();
    settle(folder, part, marker, &ours, &before)
}

/// Sees to it that the tables are those of the marker that is there, which may become another one meanwhile: one whose
/// tables were lost is taken away, and then anybody's may follow it.
fn settle(
    folder: &ResultsFolder,
    part: usize,
    marker: &Marker,
    ours: &Tables,
    before: &Tables,
) -> Result<Committed, FolderError> {
    for _ in 0..ATTEMPTS {
        // None: somebody has asked for the part to be computed again in this very moment.
        let Some(there) = marked(folder, part)? else { return Ok(Committed::Lost) };
        let is_ours = there == *marker;
        let is_right = put_back(folder, part, &there, if is_ours { ours } else { before })?;
        if marked(folder, part)?.as_ref() != Some(&there) {
            // What was put back may be in the way of the marker that is there now.
            continue;
        }
        match (is_ours, is_right) {
            (true, true) => return Ok(Committed::Complete),
            (false, true) => return Ok(Committed::Otherwise),
            // Somebody was at it: once more.
            (true, false) => {}
            (false, false) => break,
        }
    }
    set_aside(folder, part).map(|()| Committed::Lost)
}

/// A part's marker, where there is one.
fn marked(folder: &ResultsFolder, part: usize) -> Result<Option<Marker>, FolderError> {
    match folder.marker(part) {
        Ok(marker) => Ok(Some(marker)),
        Err(FolderError::NoSuchPart { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file's bytes, where there is one.
fn present(path: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::io("read", path, source)),
    }
}

/// Makes tables those that a marker tells of, from bytes that are at hand; gives whether they are.
fn put_back(
    folder: &ResultsFolder,
    part: usize,
    marker: &Marker,
    at_hand: &Tables,
) -> Result<bool, FolderError> {
    let is_right = |table: Table| {
        let mark = marker.table(table);
        let there = read_marked(&table.path(&folder.path, part), mark);
        there.is_ok_and(|bytes| mark.fault(&bytes).is_none())
    };
    for (table, bytes) in at_hand {
        if !is_right(*table) && marker.table(*table).fault(bytes).is_none() {
            atomic::replace(&table.path(&folder.path, part), bytes)?;
        }
    }
    Ok(Table::ALL.into_iter().all(is_right))
}

/// Takes a marker away whose tables are not there any more.
fn set_aside(folder: &ResultsFolder, part: usize) -> Result<(), FolderError> {
    let (marker, damaged) = (layout::marker(&folder.path, part), folder.path.join(DAMAGED));
    fs::create_dir_all(&damaged).map_err(|source| FolderError::io("create", &damaged, source))?;
    let name = temporary(&marker).file_name().unwrap_or_default().to_string_lossy().replace(".tmp", "");
    let moved = fs::rename(&marker, damaged.join(name.trim_start_matches('.')));
    match moved {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FolderError::io("move", &marker, error)),
        _ => Ok(()),
    }
}
