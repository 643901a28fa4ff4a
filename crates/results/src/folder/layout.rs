//! Where things lie in a results folder, under which names.

use std::path::{Path, PathBuf};

/// The manifest's file name.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file that a writer locks.
pub(super) const LOCK: &str = ".lock";
/// The folder of the markers of complete parts.
pub(super) const MARKERS: &str = "parts";

/// The two tables of every part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// One row for each fact.
    Prompts,
    /// One row for each site of each traced fact.
    Sites,
}

impl Table {
    pub(super) const ALL: [Table; 2] = [Table::Prompts, Table::Sites];

    /// The table's name, and its folder's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Table::Prompts => "prompts",
            Table::Sites => "sites",
        }
    }

    /// Where a part of it lies.
    pub(super) fn path(self, folder: &Path, part: usize) -> PathBuf {
        folder.join(self.name()).join(format!("part-{part:05}.parquet"))
    }
}

/// Where the marker of a part lies.
pub(super) fn marker(folder: &Path, part: usize) -> PathBuf {
    folder.join(MARKERS).join(format!("part-{part:05}.json"))
}

/// The part whose marker has that file name; `None` for any other file.
pub(super) fn marked_part(file_name: &str) -> Option<usize> {
    let digits = file_name.strip_prefix("part-")?.strip_suffix(".json")?;
    let part = digits.parse().ok()?;
    (format!("{part:05}") == digits).then_some(part)
}

/// Where a file is written before it gets its name. The dot hides it from readers of whole folders.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_markers_are_taken_for_markers() {
        for part in [0, 7, 99_999, 123_456] {
            let path = marker(Path::new("folder"), part);
            assert_eq!(marked_part(&path.file_name().unwrap().to_string_lossy()), Some(part));
        }
        for other in
            [".part-00001.json.tmp", "part-1.json", "part-00001.parquet", "part-+0001.json", "part-.json"]
        {
            assert_eq!(marked_part(other), None, "{other}");
        }
    }
}
