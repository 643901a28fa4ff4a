//! `pdftotext`, with which a test reads the text of a PDF figure back.

use crate::apt;
use crate::process::{answer, program};
use crate::test::Install;

/// Looks for `pdftotext` in PATH and installs it if need be; says why there is none.
pub(crate) fn find(install: Install) -> Result<(), String> {
    let found = starts();
    if found.is_ok() || install == Install::Forbidden {
        return found;
    }
    apt::install("poppler-utils").map_err(|why| format!("poppler-utils cannot be installed: {why}"))?;
    starts()
}

fn starts() -> Result<(), String> {
    answer(program("pdftotext").arg("-v")).map(|_| ()).map_err(|_| "pdftotext is not in PATH".to_owned())
}
