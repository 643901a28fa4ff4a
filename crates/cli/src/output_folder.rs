//! The folder of `--out`: refused before the work if it cannot be written, and never left with half a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that was found to be writable.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Creates the folder if needed and makes sure that files can be written there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let unusable = || format!("cannot write to --out {}", path.display());
        std::fs::create_dir_all(path).with_context(unusable)?;
        let probe = path.join(".causal-trace-probe");
        std::fs::write(&probe, b"").with_context(unusable)?;
        std::fs::remove_file(&probe).with_context(unusable)?;
        Ok(OutputFolder { path: path.to_owned() })
    }

    /// Writes a file whole or not at all.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let part = self.path.join(format!(".{name}.part"));
        let written = std::fs::File::create(&part)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&part, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}
