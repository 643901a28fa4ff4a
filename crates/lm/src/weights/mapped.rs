//! The bytes of a weights file: mapped from disk, or embedded in the program.

use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::WeightsError;

/// What the file begins with when only Git LFS's pointer to it was fetched.
const GIT_LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A weights file whose bytes stay where they are until a tensor is asked for.
#[derive(Debug)]
pub(super) struct MappedFile {
    /// Where the bytes come from, for error messages.
    pub(super) path: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Static(&'static [u8]),
}

impl MappedFile {
    /// Maps a file; refuses the pointer files that a clone without Git LFS leaves behind.
    pub(super) fn open(path: &Path) -> Result<Self, WeightsError> {
        let io = |source| WeightsError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let map = map(&file).map_err(io)?;
        if map.starts_with(GIT_LFS_POINTER) {
            return Err(WeightsError::GitLfsPointer { path: path.to_owned() });
        }
        Ok(MappedFile { path: path.to_owned(), bytes: Bytes::Mapped(map) })
    }

    /// Bytes that are part of the program, under a name for error messages.
    pub(super) fn from_static(name: &str, bytes: &'static [u8]) -> Self {
        MappedFile { path: PathBuf::from(name), bytes: Bytes::Static(bytes) }
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map,
            Bytes::Static(bytes) => bytes,
        }
    }
}

#[expect(unsafe_code, reason = "mapping a file is unsafe: another process may change it underneath")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is private to this process's reading and never written through. What remains is
    // another process truncating or rewriting the file during a run. Published weights are replaced by
    // renaming, not in place; the bytes are only ever read as numbers, for which every pattern is valid;
    // and truncation ends the process with SIGBUS rather than with wrong results. Copying instead would
    // double the memory that a large model needs.
    unsafe { Mmap::map(file) }
}
