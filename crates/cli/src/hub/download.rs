//! One file from the hub into the cache: what is there already is kept, what broke off goes on, what is damaged comes again.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::cache::CachedModel;
use super::client::WAITS;
use super::lock::{self, Lock};
use super::part::{CHUNK, Part};
use super::problem::Problems;
use super::remote::Remote;
use super::transfer::Transfer;
use super::{Client, Failure};

/// Where a file comes from and where it goes.
pub(super) struct Download<'a> {
    pub(super) client: &'a Client,
    pub(super) model: &'a CachedModel,
    pub(super) commit: &'a str,
    pub(super) problems: &'a Problems<'a>,
}

impl Download<'_> {
    /// Bytes of the file that are on the disk already.
    pub(super) fn there(&self, remote: &Remote) -> u64 {
        let len = |path: &Path| path.metadata().map_or(0, |found| found.len());
        let blob = self.model.blob(&remote.etag);
        len(&blob).max(len(&part(&blob, &remote.etag))).min(remote.size)
    }

    /// Has the file in the snapshot.
    pub(super) fn get(&self, remote: &Remote, transfer: &mut Transfer<'_>) -> Result<()> {
        let (etag, blob) = (&remote.etag, self.model.blob(&remote.etag));
        let unwritable =
            || format!("cannot write {} to the Hugging Face cache ({})", remote.name, blob.display());
        transfer.begin(&remote.name);
        if !has(&blob, remote.size) {
            if let Some(parent) = blob.parent() {
                std::fs::create_dir_all(parent).with_context(unwritable)?;
            }
            let lock = lock::take(&self.model.lock(etag), || transfer.wait(&remote.name))
                .with_context(unwritable)?;
            // Another process may have been faster.
            if !has(&blob, remote.size) {
                let part = match lock {
                    Lock::Held { .. } => part(&blob, etag),
                    Lock::Without => {
                        blob.with_file_name(format!("{etag}.causal-trace-{}.part", std::process::id()))
                    }
                };
                self.receive(remote, &part, &blob, transfer)?;
            }
        }
        transfer.end(remote.size);
        self.model.link(etag, self.commit, &remote.name).with_context(unwritable)
    }

    /// Downloads the rest of a file, and all of it once more if it turns out to be damaged.
    fn receive(&self, remote: &Remote, path: &Path, blob: &Path, transfer: &mut Transfer<'_>) -> Result<()> {
        let unwritable = || format!("cannot write {}", path.display());
        for _ in 0..2 {
            let mut part = Part::open(path, &remote.etag, remote.size).with_context(unwritable)?;
            transfer.resume(part.len());
            self.fill(remote, &mut part, transfer)?;
            if part.finish(blob).with_context(unwritable)? {
                return Ok(());
            }
            std::fs::remove_file(path).with_context(unwritable)?;
            transfer.note(&format!("{} arrived damaged; it is downloaded once more", remote.name));
        }
        Err(self.problems.damaged(remote))
    }

    /// Goes on as long as anything comes.
    fn fill(&self, remote: &Remote, part: &mut Part<'_>, transfer: &mut Transfer<'_>) -> Result<()> {
        let mut waits = WAITS.iter();
        while !part.is_whole() {
            let before = part.len();
            let Err(failure) = self.stream(remote, part, transfer)? else { continue };
            if part.len() > before {
                waits = WAITS.iter();
            }
            match (waits.next(), &failure) {
                (Some(wait), Failure::Network { .. }) => std::thread::sleep(Duration::from_millis(*wait)),
                (Some(wait), Failure::Refused(refusal)) if refusal.status == 429 || refusal.status >= 500 => {
                    std::thread::sleep(Duration::from_millis(*wait));
                }
                // More than there is was asked for: the part is of another file.
                (Some(_), Failure::Refused(refusal)) if refusal.status == 416 && part.len() > 0 => {
                    part.clear().context("cannot begin the download again")?;
                }
                _ => return Err(self.problems.broken_off(remote, part.len(), &failure)),
            }
        }
        Ok(())
    }

    /// One connection: until the file is whole or nothing comes any more.
    fn stream(
        &self,
        remote: &Remote,
        part: &mut Part<'_>,
        transfer: &mut Transfer<'_>,
    ) -> Result<Result<(), Failure>> {
        let unwritable = || self.problems.unwritable(remote);
        let mut opened = match self.client.open(&remote.url, part.len()) {
            Ok(opened) => opened,
            Err(failure) => return Ok(Err(failure)),
        };
        if opened.start != part.len() {
            part.clear().with_context(unwritable)?;
            transfer.resume(0);
            if opened.start > 0 {
                return Ok(Err(Failure::Strange("another part of the file than was asked for".to_owned())));
            }
        }
        let mut buffer = vec![0; CHUNK];
        while !part.is_whole() {
            let most = usize::try_from(remote.size - part.len()).map_or(CHUNK, |left| left.min(CHUNK));
            match opened.reader.read(&mut buffer[..most]) {
                Ok(0) => {
                    let reason = "the connection was closed".to_owned();
                    return Ok(Err(Failure::Network { reason, passing: true }));
                }
                Ok(n) => part.add(&buffer[..n]).with_context(unwritable)?,
                Err(error) => return Ok(Err(Failure::broken_off(&error))),
            }
            transfer.at(part.len());
        }
        Ok(Ok(()))
    }
}

/// Where a file is until it is whole. Hugging Face's own tools do not touch it.
fn part(blob: &Path, etag: &str) -> PathBuf {
    blob.with_file_name(format!("{etag}.causal-trace.part"))
}

fn has(blob: &Path, size: u64) -> bool {
    blob.metadata().is_ok_and(|found| found.is_file() && found.len() == size)
}
