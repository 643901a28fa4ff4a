//! The bytes of a weights file: on disk, or embedded in the program.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::WeightsError;
use super::mapped::Contents;

/// What the file begins with when only Git LFS's pointer to it was fetched.
const GIT_LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A weights file whose bytes stay where they are until a tensor is asked for.
///
/// Only its table of contents is read from a mapping. Tensors are read with ordinary reads: pages of a mapping would
/// count as this process's memory, and where another program cuts the file short, a read is an error and an access to
/// a mapping the end of the process.
#[derive(Debug)]
pub(super) struct WeightsFile {
    /// Where the bytes come from, for error messages.
    pub(super) path: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Disk { file: File, stamp: Stamp },
    Static(&'static [u8]),
}

/// What changes when another program writes to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        // Where there are no times, the length has to do.
        Stamp { len: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl WeightsFile {
    /// Opens a file; refuses the pointer files that a clone without Git LFS leaves behind.
    pub(super) fn open(path: &Path) -> Result<Self, WeightsError> {
        let io = |source| WeightsError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let stamp = Stamp::of(&file.metadata().map_err(io)?);
        let opened = WeightsFile { path: path.to_owned(), bytes: Bytes::Disk { file, stamp } };
        if opened.contents()?.starts_with(GIT_LFS_POINTER) {
            return Err(WeightsError::GitLfsPointer { path: path.to_owned() });
        }
        Ok(opened)
    }

    /// Bytes that are part of the program, under a name for error messages.
    pub(super) fn from_static(name: &str, bytes: &'static [u8]) -> Self {
        WeightsFile { path: PathBuf::from(name), bytes: Bytes::Static(bytes) }
    }

    /// All bytes at once, for the table of contents.
    pub(super) fn contents(&self) -> Result<Contents, WeightsError> {
        match &self.bytes {
            Bytes::Disk { file, .. } => Contents::map(file).map_err(|source| self.failed(source)),
            Bytes::Static(bytes) => Ok(Contents::Static(bytes)),
        }
    }

    /// Fills `out` with the bytes from `start` on.
    pub(super) fn read(&self, start: usize, out: &mut [u8]) -> Result<(), WeightsError> {
        match &self.bytes {
            Bytes::Disk { file, .. } => match read_exact_at(file, out, start as u64) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.changed()),
                read => read.map_err(|source| self.failed(source)),
            },
            Bytes::Static(bytes) => {
                out.copy_from_slice(&bytes[start..start + out.len()]);
                Ok(())
            }
        }
    }

    /// Whether what has been read so far is of the file that was opened.
    ///
    /// # Errors
    /// When the file has been written to or cut since.
    pub(super) fn check_unchanged(&self) -> Result<(), WeightsError> {
        match &self.bytes {
            Bytes::Disk { file, stamp } => {
                let now = Stamp::of(&file.metadata().map_err(|source| self.failed(source))?);
                if now == *stamp { Ok(()) } else { Err(self.changed()) }
            }
            Bytes::Static(_) => Ok(()),
        }
    }

    /// The bytes in place, where they are in memory anyway.
    pub(super) fn in_memory(&self, range: Range<usize>) -> Option<&'static [u8]> {
        match self.bytes {
            Bytes::Disk { .. } => None,
            Bytes::Static(bytes) => Some(&bytes[range]),
        }
    }

    fn failed(&self, source: io::Error) -> WeightsError {
        WeightsError::Io { path: self.path.clone(), source }
    }

    fn changed(&self) -> WeightsError {
        WeightsError::Changed { path: self.path.clone() }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut start: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, start) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                out = &mut out[len..];
                start += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
