//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::FolderError;
use super::layout::temporary;

/// Writes a file under a temporary name, makes sure that it is on the disk, and gives it its name.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let unfinished = temporary(path);
    let written = write_synced(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // On a full disk what was begun would stay in the way; that it may not go either changes nothing.
        let _ = fs::remove_file(&unfinished);
    }
    written.and_then(|()| sync_names(path)).map_err(|source| FolderError::io("write", path, source))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts the names in a file's folder on the disk; without it a crash may forget the renaming.
fn sync_names(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
