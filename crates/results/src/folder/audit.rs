//! Everything that is wrong with a folder, and how it is put right.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::claims::ClaimRecord;
use super::layout::{self, CLAIMS, DAMAGED, FAILURES, MARKERS, PLAN, Table};
use super::records::{self, Dated, Failure};
use super::{FolderError, Plan, ResultsFolder, clock, leftovers};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A file of a complete part is not what was written.
    Damaged,
    /// The same fact is in two parts.
    Duplicated,
    /// A file lies among the folder's own that is none of them; who reads whole folders would read it too.
    Foreign,
    /// A table of a part that is not complete, on which nobody works.
    Orphaned,
    /// A claim whose worker was not heard of.
    Stale,
    /// A file that a writer began, and did not finish.
    Leftover,
    /// A part could not be computed.
    Failed,
    /// Parts are not there.
    Missing,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub fault: Fault,
    /// Which parts, where it is about parts.
    pub parts: Vec<usize>,
    /// The files that would be moved aside, as they lie in the folder.
    pub files: Vec<PathBuf>,
    /// The same for a person.
    pub reason: String,
}

impl ResultsFolder {
    /// Reads everything and finds all that is wrong, the worst first; nothing is changed. A claim that was not written to
    /// for so long is stale.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn audit(&self, expiry: Duration) -> Result<Vec<Finding>, FolderError> {
        let unreadable = |source| FolderError::io("read", &self.path, source);
        let now = clock::now(&self.path).unwrap_or_else(|_| SystemTime::now());
        let is_stale =
            |claim: &Dated<ClaimRecord>| now.duration_since(claim.written).is_ok_and(|age| age >= expiry);
        let claims = records::all::<ClaimRecord>(&self.path, CLAIMS).map_err(unreadable)?;
        let (stale, living): (Vec<_>, Vec<_>) = claims.into_iter().partition(is_stale);
        let mut in_work: BTreeSet<usize> = living.into_iter().map(|claim| claim.content.part).collect();
        let (complete, mut findings) = self.audit_parts()?;
        // Read after the tables, so that none that was just being written counts as an orphan.
        let tables = self.tables().map_err(unreadable)?;
        let marked: BTreeSet<usize> =
            complete.into_iter().chain(self.complete_now().map_err(unreadable)?).collect();
        findings.extend(self.audit_tables(tables, &marked, &in_work));
        findings.extend(stale.iter().map(|claim| self.stale(claim)));
        for path in leftovers::find(&self.path, expiry).map_err(unreadable)? {
            let reason = format!("{} was begun and not finished", self.below(&path).display());
            findings.push(Finding {
                fault: Fault::Leftover,
                parts: Vec::new(),
                files: vec![self.below(&path)],
                reason,
            });
        }
        if let Err(reason) = Plan::read(&self.path, self.manifest.parts.len()) {
            let reason = format!("{PLAN} cannot be used: {reason}");
            findings.push(Finding {
                fault: Fault::Damaged,
                parts: Vec::new(),
                files: vec![PLAN.into()],
                reason,
            });
        }
        for failure in records::all::<Failure>(&self.path, FAILURES).map_err(unreadable)? {
            let Failure { part, message, worker } = failure.content;
            if !marked.contains(&part) {
                let reason = format!("part {part} could not be computed on {}: {message}", worker.host);
                findings.push(Finding { fault: Fault::Failed, parts: vec![part], files: Vec::new(), reason });
            }
        }
        in_work.retain(|part| !marked.contains(part));
        let missing: Vec<usize> =
            (0..self.manifest.parts.len()).filter(|part| !marked.contains(part)).collect();
        if !missing.is_empty() {
            let (n, all, working) = (missing.len(), self.manifest.parts.len(), in_work.len());
            let reason = format!("{n} of {all} parts are not there ({working} of them in work)");
            findings.push(Finding { fault: Fault::Missing, parts: missing, files: Vec::new(), reason });
        }
        findings.sort_by(|one, other| (one.fault, &one.parts).cmp(&(other.fault, &other.parts)));
        Ok(findings)
    }

    /// Moves the files of all findings to a new folder in `damaged/`, markers first; gives where, unless there were none.
    /// The parts are computed again by the next sweep.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn set_aside(&self, findings: &[Finding]) -> Result<Option<PathBuf>, FolderError> {
        let mut files: Vec<&PathBuf> = findings.iter().flat_map(|finding| &finding.files).collect();
        // A part whose marker is still there must have its tables.
        let orphans: HashSet<&PathBuf> = findings
            .iter()
            .filter(|finding| finding.fault == Fault::Orphaned)
            .flat_map(|finding| &finding.files)
            .collect();
        files.sort_by_key(|file| (!file.starts_with(MARKERS), *file));
        files.dedup();
        if files.is_empty() {
            return Ok(None);
        }
        let aside =
            self.new_aside().map_err(|source| FolderError::io("create", &self.path.join(DAMAGED), source))?;
        for file in files {
            let (from, to) = (self.path.join(file), aside.join(file));
            if orphans.contains(file) && self.is_wanted_by_now(file) {
                continue;
            }
            let moved = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::rename(&from, &to));
            match moved {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(FolderError::io("move", &from, error));
                }
                _ => {}
            }
        }
        Ok(Some(aside))
    }

    /// Whether a table without a marker has got one since it was seen, or a worker.
    fn is_wanted_by_now(&self, table: &Path) -> bool {
        let number = table.file_stem().and_then(|stem| stem.to_str()?.strip_prefix("part-")?.parse().ok());
        number.is_some_and(|part| {
            layout::marker(&self.path, part).exists() || layout::claim(&self.path, part).exists()
        })
    }

    /// A folder in `damaged/` that was not there before.
    fn new_aside(&self) -> io::Result<PathBuf> {
        let damaged = self.path.join(DAMAGED);
        fs::create_dir_all(&damaged)?;
        let mut number = 1;
        loop {
            let path = damaged.join(number.to_string());
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                made => return made.map(|()| path),
            }
        }
    }

    /// Reads every part that has a marker: which are complete, and what is wrong with the others.
    fn audit_parts(&self) -> Result<(Vec<usize>, Vec<Finding>), FolderError> {
        let (mut complete, mut findings) = (Vec::new(), Vec::new());
        let mut homes: HashMap<i64, usize> = HashMap::new();
        let mut twice: BTreeMap<(usize, usize), Vec<i64>> = BTreeMap::new();
        let n_parts = self.manifest.parts.len();
        let names = records::names(&self.path.join(MARKERS));
        for name in names.map_err(|source| FolderError::io("read", &self.path.join(MARKERS), source))? {
            let file = Path::new(MARKERS).join(&name);
            match layout::marked_part(&name) {
                // Temporary files, and what file servers keep of files that are gone.
                None if name.starts_with('.') => {}
                None => findings.push(foreign(file)),
                Some(part) if part >= n_parts => {
                    let reason =
                        format!("{} marks a part of which the manifest knows nothing", file.display());
                    findings.push(Finding {
                        fault: Fault::Damaged,
                        parts: vec![part],
                        files: vec![file],
                        reason,
                    });
                }
                Some(part) => match self.read_part(part) {
                    Ok(records) => {
                        complete.push(part);
                        for record in records {
                            let id = record.fact.known_id;
                            if let Some(home) = homes.insert(id, part) {
                                twice.entry((home, part)).or_default().push(id);
                            }
                        }
                    }
                    Err(FolderError::Damaged { file, reason, .. }) => {
                        let reason = format!("{}: {reason}", self.below(&file).display());
                        findings.push(self.of_parts(Fault::Damaged, vec![part], reason));
                    }
                    // It was set aside in this moment.
                    Err(FolderError::NoSuchPart { .. }) => {}
                    Err(error) => return Err(error),
                },
            }
        }
        for ((one, other), ids) in twice {
            let (n, first) = (ids.len(), ids[0]);
            let reason = format!("{n} facts (fact {first} first) are in part {one} and in part {other}");
            findings.push(self.of_parts(Fault::Duplicated, vec![one, other], reason));
        }
        Ok((complete, findings))
    }

    /// Every file in the folders of the tables that readers of whole folders would read.
    fn tables(&self) -> io::Result<Vec<(Table, String)>> {
        let mut tables = Vec::new();
        for table in Table::ALL {
            let names = records::names(&self.path.join(table.name()))?;
            let visible = names.into_iter().filter(|name| !name.starts_with('.'));
            tables.extend(visible.map(|name| (table, name)));
        }
        Ok(tables)
    }

    /// The parts that have a marker now, whole or not.
    fn complete_now(&self) -> io::Result<Vec<usize>> {
        let names = records::names(&self.path.join(MARKERS))?;
        Ok(names.iter().filter_map(|name| layout::marked_part(name)).collect())
    }

    fn audit_tables(
        &self,
        tables: Vec<(Table, String)>,
        marked: &BTreeSet<usize>,
        in_work: &BTreeSet<usize>,
    ) -> Vec<Finding> {
        let finding = |(table, name): (Table, String)| {
            let file = Path::new(table.name()).join(&name);
            match layout::part_of_table(&name) {
                Some(part) if marked.contains(&part) || in_work.contains(&part) => None,
                Some(part) if part < self.manifest.parts.len() => {
                    let reason = format!("{} belongs to a part that is not complete", file.display());
                    Some(Finding { fault: Fault::Orphaned, parts: vec![part], files: vec![file], reason })
                }
                _ => Some(foreign(file)),
            }
        };
        tables.into_iter().filter_map(finding).collect()
    }

    fn stale(&self, claim: &Dated<ClaimRecord>) -> Finding {
        let ClaimRecord { part, worker, .. } = &claim.content;
        let file = self.below(&layout::claim(&self.path, *part));
        let reason = format!(
            "part {part} is claimed by process {} of {}, which was not heard of",
            worker.pid, worker.host
        );
        Finding { fault: Fault::Stale, parts: vec![*part], files: vec![file], reason }
    }

    /// A finding about whole parts: their markers and tables, as far as they are there.
    fn of_parts(&self, fault: Fault, parts: Vec<usize>, reason: String) -> Finding {
        let files = parts.iter().flat_map(|&part| {
            let tables = Table::ALL.map(|table| table.path(&self.path, part));
            std::iter::once(layout::marker(&self.path, part)).chain(tables)
        });
        let files = files.filter(|path| path.exists()).map(|path| self.below(&path)).collect();
        Finding { fault, parts, files, reason }
    }

    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.path).unwrap_or(path).to_owned()
    }
}

fn foreign(file: PathBuf) -> Finding {
    let reason = format!("{} is none of this folder's files", file.display());
    Finding { fault: Fault::Foreign, parts: Vec::new(), files: vec![file], reason }
}
