//! Writing a results folder, part by part.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use super::encode::{Encoded, encode};
use super::layout::{self, LOCK, MANIFEST, MARKERS, Table, temporary};
use super::marker::{Marker, TableMark};
use super::{FolderError, ResultsFolder, atomic, check, manifest_file};
use crate::manifest::Manifest;
use crate::prompt_record::PromptRecord;

/// A results folder that this process alone writes, as long as this value lives.
#[derive(Debug)]
pub struct FolderWriter {
    folder: ResultsFolder,
    complete: BTreeSet<usize>,
    /// The part of every fact of a complete part.
    facts: HashMap<i64, usize>,
    /// Closing the file, even by a crash, gives the lock back.
    _lock: File,
}

impl FolderWriter {
    /// Makes a new folder, or continues one whose manifest agrees, and reads its complete parts to verify them.
    ///
    /// A folder that is continued keeps its manifest, with the names that stand in it.
    ///
    /// # Errors
    /// When the folder holds other files, was made with other settings (all of them are named), is being written by
    /// another process, has a damaged part, or cannot be written.
    pub fn create(path: &Path, manifest: &Manifest) -> Result<Self, FolderError> {
        if let Some(reason) = manifest_file::fault(manifest) {
            return Err(FolderError::UnusableManifest { reason });
        }
        fs::create_dir_all(path).map_err(|source| FolderError::io("create", path, source))?;
        if let Some(found) = manifest_file::read(path)? {
            refuse_others(path, &found, manifest)?;
        } else if let Some(other) = other_file(path)?
            // Unless another process is just making it.
            && manifest_file::read(path)?.is_none()
        {
            return Err(FolderError::OtherFiles { path: path.to_owned(), other });
        }
        let lock = lock(path)?;
        let manifest = match manifest_file::read(path)? {
            Some(found) => refuse_others(path, &found, manifest).map(|()| found)?,
            None => manifest_file::write(path, manifest).map(|()| manifest.clone())?,
        };
        for name in [Table::Prompts.name(), Table::Sites.name(), MARKERS] {
            let folder = path.join(name);
            fs::create_dir_all(&folder).map_err(|source| FolderError::io("create", &folder, source))?;
        }
        let folder = ResultsFolder { path: path.to_owned(), manifest };
        let mut writer =
            FolderWriter { folder, complete: BTreeSet::new(), facts: HashMap::new(), _lock: lock };
        writer.verify()?;
        Ok(writer)
    }

    /// The folder as it stands, for reading.
    #[must_use]
    pub fn folder(&self) -> &ResultsFolder {
        &self.folder
    }

    /// The parts that are still to be written, in order.
    #[must_use]
    pub fn missing_parts(&self) -> Vec<usize> {
        (0..self.folder.manifest.parts.len()).filter(|part| !self.complete.contains(part)).collect()
    }

    /// What [`write_part`](Self::write_part) would refuse, without writing.
    ///
    /// # Errors
    /// When the part is complete already, or not in the manifest, or has another number of facts there; when a fact is
    /// there twice, a number is not finite, or a site is missing.
    pub fn check_part(&self, part: usize, records: &[PromptRecord]) -> Result<(), FolderError> {
        let path = || self.folder.path.clone();
        let Some(&expected) = self.folder.manifest.parts.get(part) else {
            return Err(FolderError::NoSuchPart { path: path(), part });
        };
        if self.complete.contains(&part) {
            return Err(FolderError::AlreadyComplete { path: path(), part });
        }
        if records.len() != expected {
            return Err(FolderError::WrongCount { part, expected, found: records.len() });
        }
        for record in records {
            let fault =
                check::prompt_fault(record).or_else(|| check::grids_fault(record, &self.folder.manifest));
            if let Some(reason) = fault {
                return Err(FolderError::Record { id: record.fact.known_id, reason });
            }
        }
        self.check_ids(part, records.iter().map(|record| record.fact.known_id))
    }

    fn check_ids(&self, part: usize, ids: impl Iterator<Item = i64>) -> Result<(), FolderError> {
        let marker = |part| layout::marker(&self.folder.path, part).with_extension("");
        let mut seen = BTreeSet::new();
        for id in ids {
            let earlier = self.facts.get(&id).copied().or_else(|| (!seen.insert(id)).then_some(part));
            if let Some(earlier) = earlier {
                return Err(FolderError::Duplicates {
                    ids: vec![id],
                    first: marker(earlier),
                    second: marker(part),
                });
            }
        }
        Ok(())
    }

    /// Writes a part: after it returned, the part is complete whatever happens to this process or the machine.
    ///
    /// # Errors
    /// Those of [`check_part`](Self::check_part), or when the disk is full or refuses. The part then counts as missing.
    pub fn write_part(&mut self, part: usize, records: &[PromptRecord]) -> Result<(), FolderError> {
        self.check_part(part, records)?;
        let encoded = |table: Table| {
            let failed = |error: parquet::errors::ParquetError| FolderError::Encode {
                table: table.name(),
                part,
                reason: error.to_string(),
            };
            encode(table, &self.folder.manifest, records).map_err(failed)
        };
        let mark = |table: &Encoded| TableMark::of(table.rows, &table.bytes);
        let (prompts, sites) = (encoded(Table::Prompts)?, encoded(Table::Sites)?);
        let marker = Marker { prompts: mark(&prompts), sites: mark(&sites) };
        let ids: Vec<i64> = records.iter().map(|record| record.fact.known_id).collect();
        self.commit(part, &marker, [&prompts.bytes, &sites.bytes], &ids)
    }

    /// Copies a complete part of another folder, byte for byte.
    pub(super) fn copy_part(
        &mut self,
        part: usize,
        source: &ResultsFolder,
        its: usize,
    ) -> Result<(), FolderError> {
        let marker = source.marker(its)?;
        let ids = source.part_ids(its, &marker)?;
        self.check_ids(part, ids.iter().copied())?;
        let prompts = source.table(its, Table::Prompts, &marker)?;
        let sites = source.table(its, Table::Sites, &marker)?;
        self.commit(part, &marker, [&prompts, &sites], &ids)
    }

    /// The tables first, and then the marker that makes them count.
    fn commit(
        &mut self,
        part: usize,
        marker: &Marker,
        tables: [&[u8]; 2],
        ids: &[i64],
    ) -> Result<(), FolderError> {
        for (table, bytes) in Table::ALL.into_iter().zip(tables) {
            atomic::write(&table.path(&self.folder.path, part), bytes)?;
        }
        let path = layout::marker(&self.folder.path, part);
        let mut text = serde_json::to_vec_pretty(marker)
            .map_err(|error| FolderError::io("write", &path, error.into()))?;
        text.push(b'\n');
        atomic::write(&path, &text)?;
        self.complete.insert(part);
        self.facts.extend(ids.iter().map(|&id| (id, part)));
        Ok(())
    }

    /// Finds the complete parts, and that they are what was written.
    fn verify(&mut self) -> Result<(), FolderError> {
        for part in self.folder.complete_parts()? {
            let records = self.folder.read_part(part)?;
            self.facts.extend(records.iter().map(|record| (record.fact.known_id, part)));
            self.complete.insert(part);
        }
        Ok(())
    }
}

fn refuse_others(path: &Path, found: &Manifest, wanted: &Manifest) -> Result<(), FolderError> {
    let differences = found.differences(wanted);
    if differences.is_empty() {
        Ok(())
    } else {
        Err(FolderError::OtherSettings { path: path.to_owned(), differences })
    }
}

/// A file in a folder without a manifest that no writer has left behind.
pub(super) fn other_file(path: &Path) -> Result<Option<String>, FolderError> {
    let unreadable = |source| FolderError::io("read", path, source);
    let unfinished = temporary(&path.join(MANIFEST));
    for file in fs::read_dir(path).map_err(unreadable)? {
        let name = file.map_err(unreadable)?.file_name();
        if name != LOCK && Some(name.as_os_str()) != unfinished.file_name() {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

fn lock(path: &Path) -> Result<File, FolderError> {
    let file_path = path.join(LOCK);
    let refused = |source| FolderError::io("lock", &file_path, source);
    let file = File::options().create(true).truncate(false).write(true).open(&file_path).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::Locked { path: path.to_owned() }),
        // Some network file systems have no locks; two writers there would write the same bytes.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}
