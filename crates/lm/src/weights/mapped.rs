//! A whole file as one slice, for as long as its table of contents is read.

use std::fs::File;
use std::ops::Deref;

use memmap2::Mmap;

/// All bytes of a file.
#[derive(Debug)]
pub(super) enum Contents {
    Mapped(Mmap),
    Static(&'static [u8]),
}

impl Contents {
    #[expect(unsafe_code, reason = "mapping a file is unsafe: another process may change it underneath")]
    pub(super) fn map(file: &File) -> std::io::Result<Self> {
        // SAFETY: the map is private to this process's reading and never written through. What remains is
        // another process truncating or rewriting the file while its table of contents is read. Published weights
        // are replaced by renaming, not in place; the parsers take any bytes; and truncation ends the process with
        // SIGBUS rather than with wrong results.
        let map = unsafe { Mmap::map(file)? };
        Ok(Contents::Mapped(map))
    }
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Contents::Mapped(map) => map,
            Contents::Static(bytes) => bytes,
        }
    }
}
