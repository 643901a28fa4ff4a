//! What can be wrong with a results folder.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::manifest::{Difference, FORMAT, FORMAT_VERSION};

/// Why a results folder cannot be read, written or merged.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no manifest.
    #[error(
        "{} is not a results folder: it has no manifest.json; name a folder that `sweep`, `import` or `merge` made",
        path.display()
    )]
    NotAFolder {
        /// What was taken for a results folder.
        path: PathBuf,
    },
    /// Results would be written among files of something else.
    #[error(
        "{} holds other files (such as {other}) and no results: name a new or an empty folder",
        path.display()
    )]
    OtherFiles {
        /// The folder.
        path: PathBuf,
        /// One of the files.
        other: String,
    },
    /// A new folder is asked for.
    #[error("{} is not empty: name a new or an empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest belongs to something else.
    #[error("{} says that its format is \"{found}\", not \"{FORMAT}\": it is not a results folder", path.display())]
    OtherFormat {
        /// The manifest.
        path: PathBuf,
        /// The format it names.
        found: String,
    },
    /// A newer program wrote it.
    #[error(
        "{} has format version {found}, and this program reads versions up to {FORMAT_VERSION}: use a newer causal-trace",
        path.display()
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// An older program wrote it.
    #[error(
        "{} has format version {found} of an older causal-trace, and this program reads version {FORMAT_VERSION}: \
         run the sweep again into a new folder",
        path.display()
    )]
    Older {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The manifest cannot be understood, or says impossible things.
    #[error(
        "{} is damaged: {reason}; put it back from a copy, or run the sweep into a new folder",
        path.display()
    )]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest to be written says impossible things.
    #[error("a results folder cannot be made of this manifest: {reason}")]
    UnusableManifest {
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(source.kind()))]
    Io {
        /// As in "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder was begun with other settings.
    #[error(
        "{} was made with other settings: {}; name another folder, or use the same settings",
        path.display(),
        Listed(differences, " in the folder", " now")
    )]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// Every setting that differs: in the folder, and now.
        differences: Vec<Difference>,
    },
    /// The folders differ in more than their facts.
    #[error(
        "{} and {} cannot be merged: {}; only folders that differ in nothing but their facts can",
        first.display(),
        second.display(),
        Listed(differences, " in the first", " in the second")
    )]
    NotAlike {
        /// One folder.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Every setting that differs, other than the facts.
        differences: Vec<Difference>,
    },
    /// A part that was complete is no longer what it was.
    #[error(
        "part {part} is damaged: {}: {reason}; {} (other parts are kept)",
        file.display(),
        if *swept {
            format!("delete {} and run the same sweep again to compute it again", marker.display())
        } else {
            "merge or import the folder again from its sources".to_owned()
        }
    )]
    Damaged {
        /// The part.
        part: usize,
        /// The file that is missing or wrong.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What says that the part is complete.
        marker: PathBuf,
        /// Whether a sweep can compute the part again: not that of an imported or merged folder.
        swept: bool,
    },
    /// A part that the manifest does not know.
    #[error("{} marks a part that the manifest does not have: it has {n_parts}; delete the file", marker.display())]
    UnknownPart {
        /// The file.
        marker: PathBuf,
        /// How many parts there are.
        n_parts: usize,
    },
    /// A part is asked for that is not complete.
    #[error("{} has no complete part {part}", path.display())]
    NoSuchPart {
        /// The folder.
        path: PathBuf,
        /// The part.
        part: usize,
    },
    /// Two workers have computed a part, and their numbers are not the same.
    #[error(
        "part {part} of {} was completed by another worker with other numbers ({reason}); {}: \
         let all workers use the same processor type (or the same CAUSAL_TRACE_ISA), program and model",
        path.display(),
        if *kept { "those of the other are kept" } else { "neither are kept, and the same sweep computes it again" }
    )]
    OtherNumbers {
        /// The folder.
        path: PathBuf,
        /// The part.
        part: usize,
        /// In what they differ.
        reason: String,
        /// Whether the other worker's are there.
        kept: bool,
    },
    /// A part holds another number of facts than it should.
    #[error("part {part} holds {expected} facts, and {found} were given")]
    WrongCount {
        /// The part.
        part: usize,
        /// The manifest's number.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A record cannot be written.
    #[error("fact {id} cannot be written: {reason}")]
    Record {
        /// The fact.
        id: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// A fact is in two places; each fact has one row.
    #[error("{} in {} and again in {}: each fact may be there once", Facts(ids), first.display(), second.display())]
    Duplicates {
        /// The facts' ids.
        ids: Vec<i64>,
        /// Where they were found first.
        first: PathBuf,
        /// Where they were found again.
        second: PathBuf,
    },
    /// A table cannot be encoded.
    #[error("the {table} table of part {part} cannot be encoded: {reason}")]
    Encode {
        /// The table's name.
        table: &'static str,
        /// The part.
        part: usize,
        /// What the encoder says.
        reason: String,
    },
    /// There is nothing to merge.
    #[error("no results folder to merge")]
    NothingToMerge,
    /// Two folders of one sweep disagree about a part.
    #[error(
        "part {part} is not the same in {} and {}, though they were made of the same facts with the same settings; \
         delete the marker parts/part-{part:05}.json in the one that is wrong",
        first.display(),
        second.display()
    )]
    PartsDiffer {
        /// The part.
        part: usize,
        /// One folder.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl FolderError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        FolderError::Io { action, path: path.to_owned(), source }
    }
}

fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space and run the same command again: complete parts are kept"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; make the folder writable, or name another one"
        }
        _ => "",
    }
}

/// Differences in words: "a is 1 in the folder and 2 now, b is …".
struct Listed<'a>(&'a [Difference], &'static str, &'static str);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listed(differences, first, second) = self;
        for (index, difference) in differences.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let Difference { setting, first: one, second: other } = difference;
            write!(f, "{separator}{setting} is {one}{first} and {other}{second}")?;
        }
        Ok(())
    }
}

/// Ids in words: "fact 3 is", "facts 3, 4 are".
struct Facts<'a>(&'a [i64]);

impl fmt::Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let Facts(ids) = self;
        let shown: Vec<String> = ids.iter().take(SHOWN).map(ToString::to_string).collect();
        let (plural, verb) = if ids.len() == 1 { ("", "is") } else { ("s", "are") };
        write!(f, "fact{plural} {}", shown.join(", "))?;
        if ids.len() > SHOWN {
            write!(f, " and {} more", ids.len() - SHOWN)?;
        }
        write!(f, " {verb}")
    }
}
