//! Joining results folders that differ only in their facts, or in which parts of one sweep they hold.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::writer::other_file;
use super::{FolderError, FolderWriter, ResultsFolder};
use crate::manifest::{Difference, Manifest};

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// How many facts there are, traced or skipped.
    pub prompts: usize,
    /// How many complete parts there are.
    pub parts: usize,
    /// Which parts no source had.
    pub missing: Vec<MissingParts>,
}

/// Parts that were not there to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingParts {
    /// Whose parts: the merged folder's, where a sweep can still add them, or a source's, where they would have to be
    /// computed before the merge.
    pub folder: PathBuf,
    /// Their numbers in that folder.
    pub parts: Vec<usize>,
}

/// In which order the facts of several sweeps are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeOrder {
    /// As the sources are named.
    Named,
    /// By the least id of each sweep's facts, so that it does not matter how the sources are named.
    Sorted,
}

/// Folders of one sweep, and where each complete part is to be had.
struct Sweep<'a> {
    folders: Vec<&'a ResultsFolder>,
    parts: BTreeMap<usize, &'a ResultsFolder>,
}

/// Joins results folders into a new one; the sources are only read.
///
/// Folders with equal manifests are shards of one sweep: their complete parts come together under their own numbers,
/// and the result may be continued. Of folders that differ in nothing but their facts, the facts and the complete parts
/// are put one after the other, in the order that is asked for. Files are copied byte for byte, so that the shards of one
/// sweep give the tables that one process would have written, in either order.
///
/// # Errors
/// When the folders differ in more, hold the same fact twice or disagree about a part, when a part is damaged, or when
/// `out` is not new or empty.
pub fn merge(sources: &[PathBuf], out: &Path, order: MergeOrder) -> Result<Merged, FolderError> {
    let folders = sources.iter().map(|path| ResultsFolder::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut sweeps = sweeps(&folders)?;
    if order == MergeOrder::Sorted {
        let least = sweeps.iter().map(Sweep::least_id).collect::<Result<Vec<_>, _>>()?;
        let mut keyed: Vec<_> = least.into_iter().zip(sweeps).collect();
        keyed.sort_by_key(|(least, _)| *least);
        sweeps = keyed.into_iter().map(|(_, sweep)| sweep).collect();
    }
    let first = sweeps.first().ok_or(FolderError::NothingToMerge)?;
    for other in &sweeps[1..] {
        refuse_unlike(first.folders[0], other.folders[0])?;
    }
    refuse_duplicates(&sweeps)?;
    if out.exists() && other_file(out)?.is_some() {
        return Err(FolderError::NotEmpty { path: out.to_owned() });
    }
    let mut writer = FolderWriter::create(out, &joint_manifest(&sweeps))?;
    let parts = sweeps.iter().flat_map(|sweep| &sweep.parts);
    for (place, (&part, source)) in parts.clone().enumerate() {
        let part_in_out = if sweeps.len() == 1 { part } else { place };
        writer.copy_part(part_in_out, source, part)?;
    }
    let prompts = parts.clone().map(|(&part, source)| source.manifest.parts[part]).sum();
    Ok(Merged { prompts, parts: parts.count(), missing: missing(&sweeps, out) })
}

/// Puts folders with equal manifests together, in the order in which they are named.
fn sweeps(folders: &[ResultsFolder]) -> Result<Vec<Sweep<'_>>, FolderError> {
    let mut sweeps: Vec<Sweep> = Vec::new();
    for folder in folders {
        let same = |sweep: &&mut Sweep| sweep.folders[0].manifest.differences(&folder.manifest).is_empty();
        match sweeps.iter_mut().find(same) {
            Some(sweep) => sweep.add(folder)?,
            None => {
                let mut sweep = Sweep { folders: Vec::new(), parts: BTreeMap::new() };
                sweep.add(folder)?;
                sweeps.push(sweep);
            }
        }
    }
    Ok(sweeps)
}

impl<'a> Sweep<'a> {
    fn add(&mut self, folder: &'a ResultsFolder) -> Result<(), FolderError> {
        self.folders.push(folder);
        for part in folder.complete_parts()? {
            let first = *self.parts.entry(part).or_insert(folder);
            if first.marker(part)? != folder.marker(part)? {
                let (first, second) = (first.path.clone(), folder.path.clone());
                return Err(FolderError::PartsDiffer { part, first, second });
            }
        }
        Ok(())
    }
}

impl Sweep<'_> {
    /// The least id of the facts that are there; sweeps without any come first.
    fn least_id(&self) -> Result<Option<i64>, FolderError> {
        let mut least: Option<i64> = None;
        for (&part, folder) in &self.parts {
            let ids = folder.part_ids(part, &folder.marker(part)?)?;
            least = ids.into_iter().chain(least).min();
        }
        Ok(least)
    }
}

fn refuse_unlike(first: &ResultsFolder, second: &ResultsFolder) -> Result<(), FolderError> {
    let is_facts =
        |Difference { setting, .. }: &Difference| setting == "parts" || setting.starts_with("facts");
    let mut differences = first.manifest.differences(&second.manifest);
    differences.retain(|difference| !is_facts(difference));
    if differences.is_empty() {
        return Ok(());
    }
    Err(FolderError::NotAlike { first: first.path.clone(), second: second.path.clone(), differences })
}

/// Refuses facts of which there would be two, naming all that two folders share.
fn refuse_duplicates(sweeps: &[Sweep]) -> Result<(), FolderError> {
    let mut homes: HashMap<i64, &ResultsFolder> = HashMap::new();
    let mut duplicates: Vec<(i64, &ResultsFolder, &ResultsFolder)> = Vec::new();
    for (&part, &folder) in sweeps.iter().flat_map(|sweep| &sweep.parts) {
        for id in folder.part_ids(part, &folder.marker(part)?)? {
            if let Some(home) = homes.insert(id, folder) {
                duplicates.push((id, home, folder));
            }
        }
    }
    let Some(&(_, first, second)) = duplicates.first() else { return Ok(()) };
    duplicates.retain(|(_, one, other)| (&one.path, &other.path) == (&first.path, &second.path));
    let ids = duplicates.into_iter().map(|(id, ..)| id).collect();
    Err(FolderError::Duplicates { ids, first: first.path.clone(), second: second.path.clone() })
}

/// The manifest of the one sweep, or that of several: all their facts, and the parts that are there.
fn joint_manifest(sweeps: &[Sweep]) -> Manifest {
    let manifests = || sweeps.iter().map(|sweep| &sweep.folders[0].manifest);
    let mut manifest = sweeps[0].folders[0].manifest.clone();
    if sweeps.len() > 1 {
        manifest.facts = manifests().flat_map(|manifest| manifest.facts.clone()).collect();
        let parts = sweeps.iter().flat_map(|sweep| &sweep.parts);
        manifest.parts = parts.map(|(&part, folder)| folder.manifest.parts[part]).collect();
    }
    manifest
}

fn missing(sweeps: &[Sweep], out: &Path) -> Vec<MissingParts> {
    let of_sweep = |sweep: &Sweep| {
        let source = sweep.folders[0];
        let parts = (0..source.manifest.parts.len()).filter(|part| !sweep.parts.contains_key(part));
        let folder = if sweeps.len() == 1 { out } else { &source.path };
        MissingParts { folder: folder.to_owned(), parts: parts.collect() }
    };
    sweeps.iter().map(of_sweep).filter(|missing| !missing.parts.is_empty()).collect()
}
