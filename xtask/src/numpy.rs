//! A Python with NumPy, with which a test loads the result files as their users do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fs};

use crate::apt;
use crate::process::{answer, program, root, step};
use crate::test::Install;

/// The environment variable by which the tests find the Python.
pub(crate) const PYTHON: &str = "CAUSAL_TRACE_PYTHON";

/// Finds a Python that imports NumPy, or makes one: its path, or why there is none.
///
/// The reader's own choice in the environment is never replaced by another Python.
pub(crate) fn find(install: Install) -> Result<OsString, String> {
    if let Some(chosen) = env::var_os(PYTHON) {
        return imports_numpy(&chosen).map(|()| chosen).map_err(|why| format!("{PYTHON}: {why}"));
    }
    if let Some(python) = candidates().into_iter().find(|python| imports_numpy(python).is_ok()) {
        return Ok(python);
    }
    if install == Install::Forbidden {
        return Err("no Python in PATH imports numpy".to_owned());
    }
    with_pip().or_else(|pip| with_apt().map_err(|apt| format!("with pip: {pip}; with apt-get: {apt}")))
}

fn candidates() -> Vec<OsString> {
    vec![venv_python().into(), "python3".into(), DEBIAN_PYTHON.into()]
}

/// The Python that `python3-numpy` belongs to, whichever comes first in PATH.
const DEBIAN_PYTHON: &str = "/usr/bin/python3";

fn imports_numpy(python: &OsString) -> Result<(), String> {
    answer(program(python).args(["-c", "import numpy"])).map(|_| ())
}

fn with_pip() -> Result<OsString, String> {
    let made = make_venv();
    if made.is_err() && venv().exists() {
        // Half an environment would be taken for a whole one.
        fs::remove_dir_all(venv()).map_err(|error| format!("cannot remove {}: {error}", venv().display()))?;
    }
    made
}

fn make_venv() -> Result<OsString, String> {
    answer(program("python3").args(["-m", "venv"]).arg(venv()))?;
    let python = OsString::from(venv_python());
    let mut pip = program(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    step("NumPy", pip.args(["--retries", "1", "--only-binary", ":all:", "numpy"]))?;
    imports_numpy(&python).map(|()| python)
}

fn with_apt() -> Result<OsString, String> {
    apt::install("python3-numpy")?;
    let python = OsString::from(DEBIAN_PYTHON);
    imports_numpy(&python).map(|()| python)
}

fn venv() -> PathBuf {
    root().join("target/test-venv")
}

fn venv_python() -> PathBuf {
    venv().join("bin/python")
}
