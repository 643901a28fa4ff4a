//! The table of contents of a zip file whose entries are stored as they are.
//!
//! `torch.save` writes such files since PyTorch 1.6: uncompressed, so that tensors can be mapped. This reader
//! gives byte ranges of the whole file and decompresses nothing (format: PKWARE's APPNOTE, sections 4.3 and 4.5.3).

use std::collections::HashMap;
use std::ops::Range;

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const CENTRAL_HEADER: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const END64_LOCATOR: &[u8] = b"PK\x06\x07";

const LOCAL_HEADER_LEN: usize = 30;
const CENTRAL_HEADER_LEN: usize = 46;
const END_LEN: usize = 22;
const END64_LOCATOR_LEN: usize = 20;

/// A field of 32 bits whose value is in the 64-bit extension instead.
const IN_EXTENSION: u64 = 0xFFFF_FFFF;
const EXTENSION_ID: u64 = 1;

/// Why a zip file is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    /// The directory at the end of the file is missing.
    #[error("the zip archive has no directory at its end, so it is cut off: download it again")]
    NoDirectory,
    /// The directory, or what it points to, is inconsistent.
    #[error("the zip archive is damaged ({what}): download it again")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// An entry is not there.
    #[error("the zip archive has no '{name}': it was not written by torch.save, or is damaged")]
    Missing {
        /// The entry's name.
        name: String,
    },
    /// An entry cannot be mapped as it is.
    #[error(
        "'{name}' in the zip archive is compressed or encrypted, which torch.save never does: unpack the \
         archive and pack it again without compression ('zip -0')"
    )]
    NotStored {
        /// The entry's name.
        name: String,
    },
}

/// The entries of an archive by name.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    entries: HashMap<&'a str, Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    stored: bool,
    size: u64,
    local_header: u64,
}

impl<'a> Archive<'a> {
    /// Whether the bytes begin as a zip archive does.
    pub(super) fn is_zip(bytes: &[u8]) -> bool {
        bytes.starts_with(LOCAL_HEADER)
    }

    /// Reads the directory.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ZipError> {
        let Range { mut start, end } = directory(bytes)?;
        let mut entries = HashMap::new();
        while start < end {
            let header = Record::new(&bytes[..end], start, CENTRAL_HEADER)?;
            let (name, entry, len) = central_entry(header)?;
            entries.insert(name, entry);
            start += len;
        }
        Ok(Archive { bytes, entries })
    }

    /// All names, in no particular order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// Where in the file an entry's bytes are.
    pub(super) fn range(&self, name: &str) -> Result<Range<usize>, ZipError> {
        let entry = self.entries.get(name).ok_or_else(|| ZipError::Missing { name: name.to_owned() })?;
        if !entry.stored {
            return Err(ZipError::NotStored { name: name.to_owned() });
        }
        let at = position(entry.local_header)?;
        let header = Record::new(self.bytes, at, LOCAL_HEADER)?;
        let names = header.number(26, 2)? + header.number(28, 2)?;
        let start = at + LOCAL_HEADER_LEN + position(names)?;
        let end = start.checked_add(position(entry.size)?);
        end.filter(|&end| end <= self.bytes.len())
            .map(|end| start..end)
            .ok_or(ZipError::Malformed { what: "an entry beyond the end" })
    }
}

/// One header and all that follows it.
#[derive(Clone, Copy)]
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn new(bytes: &'a [u8], at: usize, signature: &[u8]) -> Result<Self, ZipError> {
        let bytes = bytes.get(at..).filter(|bytes| bytes.starts_with(signature));
        bytes.map(Record).ok_or(ZipError::Malformed { what: "a header that is not where it should be" })
    }

    fn part(self, at: usize, len: usize) -> Result<&'a [u8], ZipError> {
        let part = at.checked_add(len).and_then(|end| self.0.get(at..end));
        part.ok_or(ZipError::Malformed { what: "a header that is cut off" })
    }

    /// A little-endian number of up to eight bytes.
    fn number(self, at: usize, len: usize) -> Result<u64, ZipError> {
        let bytes = self.part(at, len)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }
}

fn position(number: u64) -> Result<usize, ZipError> {
    usize::try_from(number)
        .ok()
        .filter(|&position| position < usize::MAX / 2)
        .ok_or(ZipError::Malformed { what: "an impossible position" })
}

/// Where the directory is: the record at the end of the file says so, or points to a record that does.
fn directory(bytes: &[u8]) -> Result<Range<usize>, ZipError> {
    let at = end_record(bytes).ok_or(ZipError::NoDirectory)?;
    let end = Record::new(bytes, at, END)?;
    let (mut size, mut start) = (end.number(12, 4)?, end.number(16, 4)?);
    if let Some(locator) = at.checked_sub(END64_LOCATOR_LEN)
        && let Ok(locator) = Record::new(bytes, locator, END64_LOCATOR)
    {
        let end64 = Record::new(bytes, position(locator.number(8, 8)?)?, END64)?;
        (size, start) = (end64.number(40, 8)?, end64.number(48, 8)?);
    }
    let (start, size) = (position(start)?, position(size)?);
    if start + size > at {
        return Err(ZipError::Malformed { what: "a directory beyond the end" });
    }
    Ok(start..start + size)
}

/// The last place from which an end record with its comment reaches exactly to the end of the file.
fn end_record(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_LEN)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        let comment = u16::from_le_bytes([bytes[at + 20], bytes[at + 21]]);
        bytes[at..].starts_with(END) && at + END_LEN + usize::from(comment) == bytes.len()
    })
}

/// Name, entry, and length of a header of the directory.
fn central_entry(header: Record<'_>) -> Result<(&str, Entry, usize), ZipError> {
    let (flags, method) = (header.number(8, 2)?, header.number(10, 2)?);
    let name_len = position(header.number(28, 2)?)?;
    let extra_len = position(header.number(30, 2)?)?;
    let comment_len = position(header.number(32, 2)?)?;
    let name = std::str::from_utf8(header.part(CENTRAL_HEADER_LEN, name_len)?)
        .map_err(|_| ZipError::Malformed { what: "a name that is not UTF-8" })?;
    let extra = Record(header.part(CENTRAL_HEADER_LEN + name_len, extra_len)?);
    let [size, _, local_header] =
        widen([header.number(24, 4)?, header.number(20, 4)?, header.number(42, 4)?], extra)?;
    let entry = Entry { stored: method == 0 && flags & 1 == 0, size, local_header };
    Ok((name, entry, CENTRAL_HEADER_LEN + name_len + extra_len + comment_len))
}

/// Replaces the numbers that did not fit into 32 bits by those of the extension, which has only these.
fn widen(mut numbers: [u64; 3], extra: Record<'_>) -> Result<[u64; 3], ZipError> {
    if !numbers.contains(&IN_EXTENSION) {
        return Ok(numbers);
    }
    let mut at = 0;
    while extra.number(at, 2)? != EXTENSION_ID {
        at += 4 + position(extra.number(at + 2, 2)?)?;
    }
    at += 4;
    for number in numbers.iter_mut().filter(|number| **number == IN_EXTENSION) {
        *number = extra.number(at, 8)?;
        at += 8;
    }
    Ok(numbers)
}
