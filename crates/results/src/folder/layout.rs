//! Where things lie in a results folder, under which names.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::worker;

/// The manifest's file name.
pub(super) const MANIFEST: &str = "manifest.json";
/// What every part costs.
pub(super) const PLAN: &str = "plan.json";
/// The file that writers of earlier versions locked.
pub(super) const OLD_LOCK: &str = ".lock";
/// The folder of the markers of complete parts.
pub(super) const MARKERS: &str = "parts";
/// The folder that says who works on which part.
pub(super) const CLAIMS: &str = "claims";
/// The folder that says which parts could not be computed.
pub(super) const FAILURES: &str = "failures";
/// The folder that says which shards were begun.
pub(super) const SHARDS: &str = "shards";
/// The folder of the scripts and logs of a cluster's jobs. It may be there before the manifest.
pub const SLURM: &str = "slurm";
/// Where damaged files are put.
pub(super) const DAMAGED: &str = "damaged";

/// The names that a results folder keeps for its own files; other names in it are free.
pub const KEPT_NAMES: [&str; 10] =
    [MANIFEST, PLAN, "prompts", "sites", MARKERS, CLAIMS, FAILURES, SHARDS, DAMAGED, OLD_LOCK];

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
    of_part(folder, MARKERS, part)
}

/// Where a part's claim lies.
pub(super) fn claim(folder: &Path, part: usize) -> PathBuf {
    of_part(folder, CLAIMS, part)
}

/// Where it is written that a part failed.
pub(super) fn failure(folder: &Path, part: usize) -> PathBuf {
    of_part(folder, FAILURES, part)
}

fn of_part(folder: &Path, kind: &str, part: usize) -> PathBuf {
    folder.join(kind).join(format!("part-{part:05}.json"))
}

/// The part whose marker, claim or failure has that file name; `None` for any other file.
pub(super) fn marked_part(file_name: &str) -> Option<usize> {
    part_named(file_name, ".json")
}

/// The part of a table's file name; `None` for any other file.
pub(super) fn part_of_table(file_name: &str) -> Option<usize> {
    part_named(file_name, ".parquet")
}

fn part_named(file_name: &str, extension: &str) -> Option<usize> {
    let digits = file_name.strip_prefix("part-")?.strip_suffix(extension)?;
    let part = digits.parse().ok()?;
    (format!("{part:05}") == digits).then_some(part)
}

/// Where a file is written before it gets its name: another place every time, and for every process. The dot hides it
/// from readers of whole folders.
pub(super) fn temporary(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}.{next}.tmp", worker::tag()))
}

/// Whether a file name is one that writers use before a file gets its name.
pub(super) fn is_temporary(file_name: &str) -> bool {
    file_name.starts_with('.') && file_name.ends_with(".tmp")
}

/// The id of the worker whose temporary file has that name.
pub(super) fn writer_of(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(".tmp")?.rsplit('.').nth(1)
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
        assert_eq!(part_of_table("part-00012.parquet"), Some(12));
        assert_eq!(part_of_table("part-00012 (copy).parquet"), None);
    }

    #[test]
    fn temporary_names_are_unlike_and_tell_their_writer() {
        let path = Path::new("folder/part-00001.json");
        let names = [temporary(path), temporary(path)];
        assert_ne!(names[0], names[1]);
        let name = names[0].file_name().unwrap().to_str().unwrap();
        assert!(is_temporary(name));
        assert_eq!(writer_of(name), Some(worker::tag()));
        assert!(!is_temporary("part-00001.json") && writer_of("part-00001.json").is_none());
    }
}
