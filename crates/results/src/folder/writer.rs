//! Writing a results folder, part by part. Several processes may do so at a time.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use super::claims::CLAIM_EXPIRY;
use super::commit::{Committed, commit};
use super::encode::{Encoded, encode};
use super::layout::{self, MANIFEST, MARKERS, OLD_LOCK, PLAN, SLURM, Table};
use super::marker::{Marker, TableMark};
use super::records::{Begun, Failure};
use super::{FolderError, Plan, ResultsFolder, Worker, check, leftovers, manifest_file, records};
use crate::manifest::Manifest;
use crate::prompt_record::PromptRecord;

/// How many bytes some records take in a folder's tables, as one part.
///
/// # Errors
/// When they cannot be encoded.
pub fn encoded_bytes(manifest: &Manifest, records: &[PromptRecord]) -> Result<usize, FolderError> {
    let bytes = |table| Ok(encoded(table, manifest, 0, records)?.bytes.len());
    Table::ALL.into_iter().map(bytes).sum()
}

fn encoded(
    table: Table,
    manifest: &Manifest,
    part: usize,
    records: &[PromptRecord],
) -> Result<Encoded, FolderError> {
    encode(table, manifest, records).map_err(|error| FolderError::Encode {
        table: table.name(),
        part,
        reason: error.to_string(),
    })
}

/// A results folder being written, perhaps not by this process alone.
#[derive(Debug)]
pub struct FolderWriter {
    folder: ResultsFolder,
    /// The parts that are known to be complete.
    complete: BTreeSet<usize>,
    /// The part of every fact of those that this process has verified or written.
    facts: HashMap<i64, usize>,
}

impl FolderWriter {
    /// Makes a new folder, or continues one whose manifest agrees, and reads its complete parts to verify them.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin) and [`verify`](Self::verify).
    pub fn create(path: &Path, manifest: &Manifest) -> Result<Self, FolderError> {
        let mut writer = FolderWriter::begin(path, manifest)?;
        writer.verify(&writer.folder.complete_parts()?)?;
        Ok(writer)
    }

    /// The same without reading what is there: each worker of many verifies its own share.
    ///
    /// A folder that is continued keeps its manifest, with the names that stand in it.
    ///
    /// # Errors
    /// When the folder holds other files, was made with other settings (all of them are named), or cannot be written.
    pub fn begin(path: &Path, manifest: &Manifest) -> Result<Self, FolderError> {
        if let Some(reason) = manifest_file::fault(manifest) {
            return Err(FolderError::UnusableManifest { reason });
        }
        fs::create_dir_all(path).map_err(|source| FolderError::io("create", path, source))?;
        let manifest = match manifest_file::read(path)? {
            Some(found) => found.agreeing(path, manifest)?,
            None => Self::first_manifest(path, manifest)?,
        };
        for name in [Table::Prompts.name(), Table::Sites.name(), MARKERS] {
            let folder = path.join(name);
            fs::create_dir_all(&folder).map_err(|source| FolderError::io("create", &folder, source))?;
        }
        leftovers::clear(path, CLAIM_EXPIRY);
        let folder = ResultsFolder { path: path.to_owned(), manifest };
        let complete = folder.complete_parts()?.into_iter().collect();
        Ok(FolderWriter { folder, complete, facts: HashMap::new() })
    }

    /// Gives a folder its manifest, unless another process is quicker.
    fn first_manifest(path: &Path, manifest: &Manifest) -> Result<Manifest, FolderError> {
        if let Some(other) = other_file(path)?
            && manifest_file::read(path)?.is_none()
        {
            return Err(FolderError::OtherFiles { path: path.to_owned(), other });
        }
        if manifest_file::publish(path, manifest)? {
            return Ok(manifest.clone());
        }
        match manifest_file::read(path)? {
            Some(found) => found.agreeing(path, manifest),
            None => Err(FolderError::NotAFolder { path: path.to_owned() }),
        }
    }

    /// The folder as it stands, for reading.
    #[must_use]
    pub fn folder(&self) -> &ResultsFolder {
        &self.folder
    }

    /// Writes what every part costs, or reads what stands there already and counts for all workers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settle_plan(&self, plan: Plan) -> Result<Plan, FolderError> {
        plan.settle(&self.folder.path)
    }

    /// Finds that complete parts are what was written.
    ///
    /// # Errors
    /// When one is not, or a fact is in two of them.
    pub fn verify(&mut self, parts: &[usize]) -> Result<(), FolderError> {
        for &part in parts {
            let ids: Vec<i64> =
                self.folder.read_part(part)?.iter().map(|record| record.fact.known_id).collect();
            self.facts.extend(ids.into_iter().map(|id| (id, part)));
            self.complete.insert(part);
        }
        Ok(())
    }

    /// Whether a part is complete by now, whoever wrote it.
    pub fn is_complete(&mut self, part: usize) -> bool {
        if !self.complete.contains(&part) && layout::marker(&self.folder.path, part).exists() {
            self.complete.insert(part);
        }
        self.complete.contains(&part)
    }

    /// Says that a shard has begun.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn record_begun(&self, begun: &Begun) -> Result<(), FolderError> {
        begun.record(&self.folder.path)
    }

    /// Says why a part cannot be computed.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn record_failure(&self, part: usize, message: &str, worker: &Worker) -> Result<(), FolderError> {
        Failure { part, message: message.to_owned(), worker: worker.clone() }.record(&self.folder.path)
    }

    /// Why a part could not be computed when somebody tried last, where that is so.
    #[must_use]
    pub fn failure(&self, part: usize) -> Option<Failure> {
        records::read(&layout::failure(&self.folder.path, part)).map(|failure| failure.content)
    }

    /// The parts that were not complete when this process looked last, in order.
    #[must_use]
    pub fn missing_parts(&self) -> Vec<usize> {
        (0..self.folder.manifest.parts.len()).filter(|part| !self.complete.contains(part)).collect()
    }

    /// What [`write_part`](Self::write_part) would refuse, without writing.
    ///
    /// # Errors
    /// When the part is not in the manifest, or has another number of facts there; when a fact is there twice, a number
    /// is not finite, or a site is missing.
    pub fn check_part(&self, part: usize, records: &[PromptRecord]) -> Result<(), FolderError> {
        let path = || self.folder.path.clone();
        let Some(&expected) = self.folder.manifest.parts.get(part) else {
            return Err(FolderError::NoSuchPart { path: path(), part });
        };
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
            let elsewhere = self.facts.get(&id).copied().filter(|&home| home != part);
            let earlier = elsewhere.or_else(|| (!seen.insert(id)).then_some(part));
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

    /// Writes a part: after it returned, the part is complete whatever happens to this process or the machine. One that is
    /// complete already, with the same numbers, is left as it is.
    ///
    /// # Errors
    /// Those of [`check_part`](Self::check_part); when the disk is full or refuses, and the part then counts as missing;
    /// when another worker has completed the part with other numbers, which are kept.
    pub fn write_part(&mut self, part: usize, records: &[PromptRecord]) -> Result<(), FolderError> {
        self.check_part(part, records)?;
        let encoded = |table| encoded(table, &self.folder.manifest, part, records);
        let mark = |table: &Encoded| TableMark::of(table.rows, &table.bytes);
        let (prompts, sites) = (encoded(Table::Prompts)?, encoded(Table::Sites)?);
        let marker = Marker { prompts: mark(&prompts), sites: mark(&sites) };
        let ids: Vec<i64> = records.iter().map(|record| record.fact.known_id).collect();
        let committed = commit(&self.folder, part, &marker, [&prompts.bytes, &sites.bytes])?;
        let unlike = (committed == Committed::Otherwise).then(|| unlike(&self.folder, part, records));
        self.settle(part, committed, &ids, unlike)
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
        let committed = commit(&self.folder, part, &marker, [&prompts, &sites])?;
        self.settle(part, committed, &ids, None)
    }

    fn settle(
        &mut self,
        part: usize,
        committed: Committed,
        ids: &[i64],
        unlike: Option<String>,
    ) -> Result<(), FolderError> {
        if committed != Committed::Complete {
            let reason = unlike.unwrap_or_else(|| "other bytes".to_owned());
            let (path, kept) = (self.folder.path.clone(), committed == Committed::Otherwise);
            return Err(FolderError::OtherNumbers { path, part, reason, kept });
        }
        self.complete.insert(part);
        self.facts.extend(ids.iter().map(|&id| (id, part)));
        Failure::forget(&self.folder.path, part);
        Ok(())
    }
}

/// In what the records of a complete part and others of the same facts differ.
fn unlike(folder: &ResultsFolder, part: usize, records: &[PromptRecord]) -> String {
    let there = match folder.read_part(part) {
        Ok(there) => there,
        Err(error) => return error.to_string(),
    };
    let pairs = || there.iter().zip(records);
    if let Some((one, other)) = pairs().find(|(one, other)| one.fact != other.fact) {
        return format!("fact {} is another fact than {}", one.fact.known_id, other.fact.known_id);
    }
    let numbers = |record: &PromptRecord| -> Vec<f64> {
        let traced = record.traced().into_iter();
        traced.flat_map(|traced| traced.grids.iter().flat_map(|grid| grid.patched.clone())).collect()
    };
    let differ: Vec<i64> =
        pairs().filter(|(one, other)| one != other).map(|(one, _)| one.fact.known_id).collect();
    let difference = |(one, other): (&PromptRecord, &PromptRecord)| {
        let (one, other) = (numbers(one), numbers(other));
        one.iter().zip(&other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
    };
    let largest = pairs().map(difference).fold(0.0, f64::max);
    match differ.first() {
        Some(first) => {
            format!(
                "{} of {} facts (fact {first} first), by {largest:.1e} at most",
                differ.len(),
                records.len()
            )
        }
        None => "the same numbers stand in other bytes".to_owned(),
    }
}

/// A file in a folder without a manifest that no writer has left behind.
pub(super) fn other_file(path: &Path) -> Result<Option<String>, FolderError> {
    let unreadable = |source| FolderError::io("read", path, source);
    for file in fs::read_dir(path).map_err(unreadable)? {
        let name = file.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        let is_begun = [MANIFEST, PLAN].iter().any(|own| name.starts_with(&format!(".{own}.")));
        let is_ours = [OLD_LOCK, SLURM].contains(&name.as_str()) || (is_begun && layout::is_temporary(&name));
        if !is_ours {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
