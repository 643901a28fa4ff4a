//! The text of an experiment file, and where in it something is wrong.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use toml::de::{DeTable, DeValue};

/// A file's text and name.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// As it was named.
    pub(crate) name: String,
    /// Files that it names are looked for here.
    pub(crate) folder: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Source { name, folder, text })
    }

    /// An error with its line.
    pub(super) fn error(&self, span: Option<Range<usize>>, problem: &str) -> anyhow::Error {
        let before = span.and_then(|span| self.text.get(..span.start));
        let line = before.map(|before| 1 + before.matches('\n').count());
        let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
        match line {
            Some(line) => anyhow!("{}, line {line}: {problem}", self.name),
            None => anyhow!("{}: {problem}", self.name),
        }
    }

    /// The error of a reader, which calls keys fields and, in tables of several kinds, knows where the table begins only.
    pub(super) fn parse_error(&self, span: Option<Range<usize>>, message: &str) -> anyhow::Error {
        let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let place = span.map(|span| match unknown.and_then(|key| self.key_after(span.start, key)) {
            Some(start) => start..start,
            None => span,
        });
        let message = message.replacen("unknown field", "unknown key", 1);
        self.error(place, &message.replacen("missing field", "missing key", 1))
    }

    /// Where the first line from a place on begins that sets a key.
    fn key_after(&self, start: usize, key: &str) -> Option<usize> {
        let mut at = self.text.get(..start)?.rfind('\n').map_or(0, |end| end + 1);
        for line in self.text.get(at..)?.split_inclusive('\n') {
            let rest = line.trim_start().strip_prefix(key);
            if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
                return Some(at);
            }
            at += line.len();
        }
        None
    }

    /// Where the key of a table of an array is, as the third `[[run]]`'s `noise`; the table itself where it has no such
    /// key.
    pub(super) fn find(&self, array: &str, index: usize, key: &str) -> Option<Range<usize>> {
        let document = DeTable::parse(&self.text).ok()?;
        let DeValue::Array(tables) = document.get_ref().get(array)?.get_ref() else { return None };
        let table = tables.get(index)?;
        let found = table.get_ref().as_table()?.get_key_value(key).map(|(key, _)| key.span());
        Some(found.unwrap_or_else(|| table.span()))
    }
}
