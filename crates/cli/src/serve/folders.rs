//! The results folders that the explorer shows: opened at the start, read beside the server, their parts on demand.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::body::Bytes;
use causal_trace_report::page::{Folder, Report, SampleEncoding, encode_chunk, folder_names};
use causal_trace_results::ResultsFolder;
use tokio::sync::watch;

use super::Problem;
use super::gate::Gate;
use crate::printer::in_one_line;

/// Parts that are read at a time; a part of long prompts may take a hundred megabytes.
const READERS: usize = 2;
/// Questions for parts that wait.
const WAITING: usize = 1024;

/// What is shown.
pub(super) struct Folders {
    opened: Mutex<Vec<Opened>>,
    /// The report in JSON, once all folders are read; or why there is none.
    report: watch::Sender<Option<Result<Bytes, Problem>>>,
    /// Held while the report is made and put in the old one's place, so that no older one takes a newer one's.
    publishing: Mutex<()>,
    readers: Gate,
}

#[derive(Clone)]
struct Opened {
    results: Arc<ResultsFolder>,
    name: String,
    complete: Vec<usize>,
    /// What the page is given of it; none until it is read.
    folder: Option<Arc<Folder>>,
}

impl Folders {
    /// Opens some folders; [`read`](Self::read) is still to be called.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self> {
        let opened = paths.iter().zip(folder_names(paths)).map(|(path, name)| open(path, name));
        let opened = opened.collect::<Result<Vec<_>>>()?;
        Ok(Folders {
            opened: Mutex::new(opened),
            report: watch::Sender::new(None),
            publishing: Mutex::new(()),
            readers: Gate::new(READERS, WAITING),
        })
    }

    /// Reads them all; who asked for the report is answered then.
    pub(super) fn read(&self) -> Result<()> {
        let read = self.read_all().and_then(|()| self.publish());
        if let Err(error) = &read {
            self.report.send_replace(Some(Err(Problem::internal(in_one_line(error)))));
        }
        read
    }

    fn read_all(&self) -> Result<()> {
        let n_folders = self.opened().len();
        for index in 0..n_folders {
            let opened = self.opened()[index].clone();
            let folder = read(&opened)?;
            self.opened()[index].folder = Some(folder);
        }
        Ok(())
    }

    fn publish(&self) -> Result<()> {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = self.opened().iter().filter_map(|opened| opened.folder.as_deref().cloned()).collect();
        let report = serde_json::to_vec(&Report::new(folders))?;
        self.report.send_replace(Some(Ok(report.into())));
        Ok(())
    }

    /// Adds a folder; gives its place.
    pub(super) fn add(&self, path: &Path) -> Result<usize> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let added = open(path, name)?;
        let folder = read(&added)?;
        let index = {
            let mut opened = self.opened();
            // The others keep their names, which stand in links.
            let name = free_name(&folder.name, &opened);
            let folder = Arc::new(Folder { name: name.clone(), ..(*folder).clone() });
            opened.push(Opened { name, folder: Some(folder), ..added });
            opened.len() - 1
        };
        // Before all others are read there is no report, and where one could not be read there will be none.
        let publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = matches!(*self.report.borrow(), Some(Ok(_)));
        drop(publishing);
        if is_there {
            self.publish()?;
        }
        Ok(index)
    }

    /// The report in JSON; waits until all folders are read.
    pub(super) async fn report(&self) -> Result<Bytes, Problem> {
        let mut report = self.report.subscribe();
        let read = report.wait_for(Option::is_some).await.map(|report| report.clone());
        read.ok().flatten().unwrap_or_else(|| Err(Problem::internal("the results folders were not read")))
    }

    /// The numbers of a part.
    pub(super) async fn chunk(&self, folder: &str, part: &str) -> Result<Vec<u8>, Problem> {
        let (index, part) = (number(folder), number(part));
        let opened = index.and_then(|index| self.opened().get(index).cloned());
        let opened =
            opened.ok_or_else(|| Problem::not_found(format!("there is no results folder {folder}")))?;
        let part = part.filter(|part| opened.complete.contains(part));
        let part = part.ok_or_else(|| Problem::not_found(format!("{} has no such part", opened.name)))?;
        let read = move || {
            let records = opened.results.read_part(part);
            let records = records.map_err(|error| Problem::internal(in_one_line(&error.into())))?;
            let direction = opened.results.manifest().settings.direction;
            Ok(encode_chunk(direction, &records, SampleEncoding::Float))
        };
        self.readers.pass(read).await
    }

    fn opened(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number as the page writes it; none for anything else.
fn number(text: &str) -> Option<usize> {
    let number = text.parse::<usize>().ok()?;
    (number.to_string() == text).then_some(number)
}

fn open(path: &Path, name: String) -> Result<Opened> {
    let unreadable = || format!("cannot show {}", path.display());
    let results = ResultsFolder::open(path).with_context(unreadable)?;
    let complete = results.complete_parts().with_context(unreadable)?;
    Ok(Opened { results: Arc::new(results), name, complete, folder: None })
}

fn read(opened: &Opened) -> Result<Arc<Folder>> {
    let read = Folder::read(&opened.results, &opened.name);
    Ok(Arc::new(read.with_context(|| format!("cannot show {}", opened.results.path().display()))?))
}

fn free_name(name: &str, opened: &[Opened]) -> String {
    let is_free = |name: &String| opened.iter().all(|other| other.name != *name);
    let numbered = (2..=opened.len() + 1).map(|number| format!("{name} ({number})"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| name.to_owned())
}
