//! Chromium, in which the page is tested.

use std::env;
use std::ffi::OsString;

use crate::apt;
use crate::process::{answer, program};
use crate::test::Install;

/// The environment variable by which the tests find it.
pub(crate) const CHROMIUM: &str = "CAUSAL_TRACE_CHROMIUM";

/// What it is called in PATH.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Finds a Chromium that starts, or installs Debian's; says why there is none.
///
/// The reader's own choice in the environment is never replaced by another.
pub(crate) fn find(install: Install) -> Result<OsString, String> {
    if let Some(chosen) = env::var_os(CHROMIUM) {
        starts(&chosen).map_err(|why| format!("{CHROMIUM}: {why}"))?;
        return Ok(chosen);
    }
    let found = in_path();
    if found.is_ok() || install == Install::Forbidden {
        return found;
    }
    apt::install("chromium").map_err(|why| format!("chromium cannot be installed: {why}"))?;
    in_path()
}

fn in_path() -> Result<OsString, String> {
    let mut names = NAMES.into_iter().map(OsString::from);
    names.find(|name| starts(name).is_ok()).ok_or_else(|| format!("none of {} starts", NAMES.join(", ")))
}

fn starts(browser: &OsString) -> Result<(), String> {
    answer(program(browser).arg("--version")).map(|_| ())
}
