//! The part of a file that is there already.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::checksum::Sum;

/// How much of a file is read at once.
pub(super) const CHUNK: usize = 128 << 10;

/// Bytes on the disk, with the sum over them.
pub(super) struct Part<'a> {
    path: PathBuf,
    file: File,
    sum: Sum,
    len: u64,
    etag: &'a str,
    size: u64,
}

impl<'a> Part<'a> {
    /// What an earlier download has left, or nothing yet.
    pub(super) fn open(path: &Path, etag: &'a str, size: u64) -> io::Result<Self> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() > size {
            file.set_len(0)?;
        }
        let (mut sum, mut len, mut buffer) = (Sum::of(etag, size), 0, vec![0; CHUNK]);
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => {
                    sum.update(&buffer[..n]);
                    len += n as u64;
                }
            }
        }
        Ok(Part { path: path.to_owned(), file, sum, len, etag, size })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn is_whole(&self) -> bool {
        self.len == self.size
    }

    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.sum.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.sum = Sum::of(self.etag, self.size);
        self.len = 0;
        Ok(())
    }

    /// Has the file take its place, if it is what it should be.
    pub(super) fn finish(self, place: &Path) -> io::Result<bool> {
        if !self.is_whole() || !self.sum.is(self.etag) {
            return Ok(false);
        }
        self.file.sync_all()?;
        std::fs::rename(&self.path, place)?;
        Ok(true)
    }
}
