//! The results folder of many prompts: `docs/results-folder.md`.
//!
//! A folder consists of a manifest, which tells what it was made of, and of parts with some facts each. Which facts
//! are in which part is fixed beforehand. A part is complete or counts as absent: its tables are written first, then a
//! marker with their checksums, each under a temporary name that is exchanged for the right one when all is on the disk.
//!
//! [`ResultsFolder`] reads, [`FolderWriter`] writes, [`merge()`] joins, [`cut_into_parts`] plans. The columns stand in
//! `schema`, which the writer (`encode`) and the reader (`decode`) share, as they share `check`.
//!
//! Several processes may write one folder: `commit` makes a part complete whoever else is at it, [`Claims`] keep two from
//! working on one part.

mod atomic;
mod audit;
mod check;
mod claims;
mod clock;
mod columns;
mod commit;
mod decode;
mod encode;
mod error;
mod layout;
mod leftovers;
mod manifest_file;
mod marker;
mod merge;
mod parts;
mod plan;
mod records;
mod schema;
mod status;
mod worker;
mod writer;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use audit::{Fault, Finding};
pub use claims::{CLAIM_EXPIRY, Claim, ClaimRecord, Claims, Holder};
pub use error::FolderError;
pub use layout::{KEPT_NAMES, SLURM};
pub use merge::{MergeOrder, Merged, MissingParts, merge};
pub use parts::cut_into_parts;
pub use plan::Plan;
pub use records::{Begun, Dated, Failure};
pub use status::{FolderStatus, PartState};
pub use worker::{SlurmTask, Worker};
pub use writer::{FolderWriter, encoded_bytes};

use crate::manifest::Manifest;
use crate::prompt_record::PromptRecord;
use layout::Table;
use marker::{Marker, TableMark};

/// A results folder being read.
#[derive(Debug, Clone)]
pub struct ResultsFolder {
    path: PathBuf,
    manifest: Manifest,
}

impl ResultsFolder {
    /// Opens a folder; its parts are read later.
    ///
    /// # Errors
    /// When it is not a results folder, or its manifest is damaged, or of another version than this program's.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let manifest =
            manifest_file::read(path)?.ok_or_else(|| FolderError::NotAFolder { path: path.to_owned() })?;
        Ok(ResultsFolder { path: path.to_owned(), manifest })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it was made of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The numbers of the parts that are complete, in order.
    ///
    /// # Errors
    /// When the folder cannot be read, or a part is marked that the manifest does not have.
    pub fn complete_parts(&self) -> Result<Vec<usize>, FolderError> {
        let path = self.path.join(layout::MARKERS);
        let unreadable = |source| FolderError::io("read", &path, source);
        let files = match fs::read_dir(&path) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(unreadable(source)),
        };
        let n_parts = self.manifest.parts.len();
        let mut parts = Vec::new();
        for file in files {
            let Some(part) = layout::marked_part(&file.map_err(unreadable)?.file_name().to_string_lossy())
            else {
                continue;
            };
            if part >= n_parts {
                return Err(FolderError::UnknownPart { marker: layout::marker(&self.path, part), n_parts });
            }
            parts.push(part);
        }
        parts.sort_unstable();
        Ok(parts)
    }

    /// All records of a complete part, in the order of the facts.
    ///
    /// # Errors
    /// When the part is not complete, or its files are not what was written: both checksums are compared, and every
    /// traced fact must have each of its sites once, with finite numbers.
    pub fn read_part(&self, part: usize) -> Result<Vec<PromptRecord>, FolderError> {
        let marker = self.marker(part)?;
        let mut records = self.part_prompts(part, &marker)?;
        let sites = self.table(part, Table::Sites, &marker)?;
        decode::fill_grids(&mut records, sites, marker.sites.rows, &self.manifest)
            .map_err(|reason| self.damaged(part, Table::Sites, reason))?;
        Ok(records)
    }

    /// All records of the complete parts, in the order of the facts; one part at a time is in memory.
    ///
    /// # Errors
    /// Those of [`complete_parts`](Self::complete_parts) and [`read_part`](Self::read_part).
    pub fn records(&self) -> impl Iterator<Item = Result<PromptRecord, FolderError>> {
        self.all(|part| self.read_part(part))
    }

    /// The same with the grids left empty, for those who ask only for prompts: the sites are not read.
    ///
    /// # Errors
    /// As those of [`records`](Self::records).
    pub fn prompts(&self) -> impl Iterator<Item = Result<PromptRecord, FolderError>> {
        self.all(|part| self.part_prompts(part, &self.marker(part)?))
    }

    fn all(
        &self,
        read: impl Fn(usize) -> Result<Vec<PromptRecord>, FolderError>,
    ) -> impl Iterator<Item = Result<PromptRecord, FolderError>> {
        let (parts, unreadable) = match self.complete_parts() {
            Ok(parts) => (parts, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        let records = parts.into_iter().flat_map(move |part| match read(part) {
            Ok(records) => records.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        unreadable.into_iter().chain(records)
    }

    fn part_prompts(&self, part: usize, marker: &Marker) -> Result<Vec<PromptRecord>, FolderError> {
        let table = self.table(part, Table::Prompts, marker)?;
        decode::prompts(table, marker.prompts.rows)
            .map_err(|reason| self.damaged(part, Table::Prompts, reason))
    }

    /// The ids of a part's facts.
    fn part_ids(&self, part: usize, marker: &Marker) -> Result<Vec<i64>, FolderError> {
        let table = self.table(part, Table::Prompts, marker)?;
        decode::ids(table, marker.prompts.rows).map_err(|reason| self.damaged(part, Table::Prompts, reason))
    }

    /// What says that a part is complete.
    fn marker(&self, part: usize) -> Result<Marker, FolderError> {
        let path = layout::marker(&self.path, part);
        let text = fs::read(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => FolderError::NoSuchPart { path: self.path.clone(), part },
            _ => FolderError::io("read", &path, source),
        })?;
        let damaged = |reason| FolderError::Damaged {
            part,
            file: path.clone(),
            reason,
            marker: path.clone(),
            swept: self.is_swept(),
        };
        let marker: Marker = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let facts = self.manifest.parts.get(part).copied();
        if Some(marker.prompts.rows) == facts {
            Ok(marker)
        } else {
            let expected = facts.map_or_else(|| "no such part".to_owned(), |facts| format!("{facts} facts"));
            Err(damaged(format!("it tells of {} facts, and the manifest of {expected}", marker.prompts.rows)))
        }
    }

    /// The bytes of a table of a complete part, which are those that were written.
    fn table(&self, part: usize, table: Table, marker: &Marker) -> Result<Vec<u8>, FolderError> {
        let path = table.path(&self.path, part);
        let mark = marker.table(table);
        let bytes = read_marked(&path, mark).map_err(|source| match source.kind() {
            ErrorKind::NotFound => self.damaged(part, table, "the file is missing".to_owned()),
            ErrorKind::InvalidData => self.damaged(part, table, source.to_string()),
            _ => FolderError::io("read", &path, source),
        })?;
        mark.fault(&bytes).map_or(Ok(bytes), |reason| Err(self.damaged(part, table, reason)))
    }

    fn damaged(&self, part: usize, table: Table, reason: String) -> FolderError {
        let (file, marker) = (table.path(&self.path, part), layout::marker(&self.path, part));
        FolderError::Damaged { part, file, reason, marker, swept: self.is_swept() }
    }

    /// Whether a sweep can compute a part again: not in an imported folder, nor in one of several fact files.
    #[must_use]
    pub fn is_swept(&self) -> bool {
        self.manifest.settings.engine.is_some() && self.manifest.facts.len() == 1
    }
}

/// A file's bytes; one of the wrong size is not read at all.
fn read_marked(path: &Path, mark: &TableMark) -> std::io::Result<Vec<u8>> {
    let size = fs::metadata(path)?.len();
    match mark.size_fault(size) {
        Some(fault) => Err(std::io::Error::new(ErrorKind::InvalidData, fault)),
        None => fs::read(path),
    }
}
