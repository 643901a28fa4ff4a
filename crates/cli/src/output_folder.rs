//! The folder of `--out`: refused before the work if it cannot be written, and never left with half a file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use causal_trace_results::{KEPT_NAMES, ResultsFolder};

/// A folder that was found to be writable.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Creates the folder if needed and makes sure that files can be written there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let unusable =
            || format!("cannot write to --out {} (give a folder where you may write)", path.display());
        if path.is_file() {
            bail!("--out {} is a file: give a folder", path.display());
        }
        std::fs::create_dir_all(path).with_context(unusable)?;
        let probe = path.join(".causal-trace-probe");
        std::fs::write(&probe, b"").with_context(unusable)?;
        std::fs::remove_file(&probe).with_context(unusable)?;
        Ok(OutputFolder { path: path.to_owned() })
    }

    /// Writes a file whole or not at all; its name may have one folder before it, which is created if needed.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let mut file = PendingFile::create(&path)?;
        file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))?;
        file.finish()
    }

    /// A file to be written bit by bit.
    pub(crate) fn pending(&self, name: &str) -> Result<PendingFile> {
        PendingFile::create(&self.path.join(name))
    }
}

/// Nothing may be written where a results folder keeps its own files.
pub(crate) fn refuse_results_folder(out: &Path) -> Result<()> {
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    if ResultsFolder::open(&absolute).is_ok() {
        bail!("--out {} is a results folder: choose another place, or a new folder in it", out.display());
    }
    refuse_among_tables(out)
}

/// The same for a results folder that is itself to be written.
pub(crate) fn refuse_among_tables(out: &Path) -> Result<()> {
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    for folder in absolute.ancestors().skip(1) {
        let first = absolute.strip_prefix(folder).ok().and_then(|below| below.components().next());
        let is_kept = first.is_some_and(|name| KEPT_NAMES.iter().any(|kept| name.as_os_str() == *kept));
        if is_kept && ResultsFolder::open(folder).is_ok() {
            bail!(
                "--out {} lies among the tables of the results folder {}: choose another place",
                out.display(),
                folder.display()
            );
        }
    }
    Ok(())
}

/// A file that gets its name when it is whole; until then it is hidden, and it goes away when it is dropped.
#[derive(Debug)]
pub(crate) struct PendingFile {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl PendingFile {
    /// Begins a file; the folder that it lies in is created if needed.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot write {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(cannot)?;
        }
        // Through a link to what it leads to, or the link would be replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.exists() && !path.is_file() {
            bail!("cannot write {}: it is there already and is not a file", path.display());
        }
        let name = path.file_name().context("no file name").with_context(cannot)?;
        let part = path.with_file_name(format!(".{}.part", name.to_string_lossy()));
        let file = File::create(&part).with_context(cannot)?;
        Ok(PendingFile { path, part, file })
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<()> {
        let named = self.file.sync_all().and_then(|()| std::fs::rename(&self.part, &self.path));
        named.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PendingFile {
    /// Only a file that did not get its name is still there.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}
