//! `pdftotext`, with which a test reads the text of a PDF figure back.

use crate::apt;
use crate::process::{answer, program};
use crate::test::Install;

/// Finds `pdftotext` in PATH or installs it: its version, or why there is none.
pub(crate) fn find(install: Install) -> Result<String, String> {
    let found = version();
    if found.is_ok() || install == Install::Forbidden {
        return found;
    }
    apt::install("poppler-utils").map_err(|why| format!("poppler-utils cannot be installed: {why}"))?;
    version()
}

fn version() -> Result<String, String> {
    // It writes its version on standard error, so the answer itself is empty.
    answer(program("pdftotext").arg("-v"))
        .map(|_| "pdftotext".to_owned())
        .map_err(|_| "pdftotext is not in PATH".to_owned())
}
