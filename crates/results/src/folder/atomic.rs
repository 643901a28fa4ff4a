//! Files that are there whole or not at all, and files that only the first of several writers gives.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::FolderError;
use super::layout::temporary;

/// Writes a file under a temporary name, makes sure that it is on the disk, and gives it its name, in place of a file
/// that has it already.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    named(path, bytes, |unfinished| fs::rename(unfinished, path))
}

/// The same, but a file that is there already is kept; gives whether this one got the name.
///
/// Of several writers, on whatever machines, one gets it. Where the file system has no hard links two that come within
/// the same moment may both believe so, and the last one's bytes stay.
pub(super) fn publish(path: &Path, bytes: &[u8]) -> Result<bool, FolderError> {
    let mut is_first = true;
    named(path, bytes, |unfinished| {
        is_first = link(unfinished, path)?;
        Ok(())
    })?;
    Ok(is_first)
}

/// Gives a second name to a file unless that name is taken; gives whether it was free. The first name is gone where the
/// file system has no hard links.
fn link(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) if to.try_exists()? => Ok(false),
        Err(_) => fs::rename(from, to).map(|()| true),
    }
}

fn named(
    path: &Path,
    bytes: &[u8],
    mut give_name: impl FnMut(&Path) -> io::Result<()>,
) -> Result<(), FolderError> {
    let unfinished = temporary(path);
    let written = write_synced(&unfinished, bytes).and_then(|()| give_name(&unfinished));
    // What was begun would stay in the way on a full disk, and a second name is one too many; it may be gone already.
    let _ = fs::remove_file(&unfinished);
    written.and_then(|()| sync_names(path)).map_err(|source| FolderError::io("write", path, source))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_gives_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let firsts: Vec<u8> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8u8)
                .map(|byte| {
                    let path = &path;
                    scope.spawn(move || publish(path, &[byte; 1000]).unwrap().then_some(byte))
                })
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(firsts.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), [firsts[0]; 1000]);
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are gone");
    }
}
