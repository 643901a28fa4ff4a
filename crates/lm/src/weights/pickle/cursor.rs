//! A position in the input that cannot leave it.

use super::PickleError;

/// Reads the input from front to back.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Cursor { input, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], PickleError> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let taken = rest.get(..n).ok_or(PickleError::Truncated { at: self.input.len() })?;
        self.at += n;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn text(&mut self, n: usize) -> Result<&'a str, PickleError> {
        let what = PickleError::Malformed { what: "a text that is not UTF-8", at: self.at };
        std::str::from_utf8(self.take(n)?).map_err(|_| what)
    }

    /// Text up to a line feed, which is read but not returned.
    pub(super) fn line(&mut self) -> Result<&'a str, PickleError> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = self.text(end.ok_or(PickleError::Truncated { at: self.input.len() })?)?;
        self.at += 1;
        Ok(line)
    }
}
