//! A Python with the packages with which tests load the result files as their users do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fs};

use crate::apt;
use crate::process::{answer, program, root, step};
use crate::test::Install;

/// The environment variable by which the tests find the Python.
pub(crate) const PYTHON: &str = "CAUSAL_TRACE_PYTHON";

/// Without this one a Python is of no use to the tests.
const NUMPY: &str = "numpy";

/// What the tests import; the names are those of pip, too.
const PACKAGES: [&str; 5] = [NUMPY, "pandas", "polars", "duckdb", "pyarrow"];

/// A Python that imports NumPy at least.
pub(crate) struct Python {
    pub(crate) program: OsString,
    /// Which packages it does not import.
    pub(crate) missing: Vec<&'static str>,
}

/// Finds a Python that imports all packages, or makes one; where that cannot be, one that imports NumPy, or why there
/// is none.
///
/// The reader's own choice in the environment is never replaced by another Python.
pub(crate) fn find(install: Install) -> Result<Python, String> {
    if let Some(chosen) = env::var_os(PYTHON) {
        return ask(chosen).map_err(|why| format!("{PYTHON}: {why}"));
    }
    if let Some(best) = best().filter(|best| best.missing.is_empty() || install == Install::Forbidden) {
        return Ok(best);
    }
    if install == Install::Forbidden {
        return Err("no Python in PATH imports numpy".to_owned());
    }
    with_pip().or_else(|pip| {
        best().map_or_else(|| with_apt().map_err(|apt| format!("with pip: {pip}; with apt-get: {apt}")), Ok)
    })
}

/// The Python that is here already and lacks the least.
fn best() -> Option<Python> {
    let candidates: [OsString; 3] = [venv_python().into(), "python3".into(), DEBIAN_PYTHON.into()];
    candidates.into_iter().filter_map(|python| ask(python).ok()).min_by_key(|python| python.missing.len())
}

/// The Python that `python3-numpy` belongs to, whichever comes first in PATH.
const DEBIAN_PYTHON: &str = "/usr/bin/python3";

/// Asks a Python what it imports.
fn ask(python: OsString) -> Result<Python, String> {
    let import = |package: &str| answer(program(&python).args(["-c", &format!("import {package}")]));
    import(NUMPY)?;
    let missing = PACKAGES.into_iter().filter(|package| import(package).is_err()).collect();
    Ok(Python { program: python, missing })
}

/// All packages if possible, and else those without which nothing goes.
fn with_pip() -> Result<Python, String> {
    let made = make_venv();
    if made.is_err() && venv().exists() {
        // Half an environment would stand in the way of the next attempt.
        fs::remove_dir_all(venv()).map_err(|error| format!("cannot remove {}: {error}", venv().display()))?;
    }
    made
}

fn make_venv() -> Result<Python, String> {
    answer(program("python3").args(["-m", "venv"]).arg(venv()))?;
    if let Err(why) = pip_install("the packages of the tests", &PACKAGES) {
        println!("{why}");
        pip_install("NumPy alone", &[NUMPY])?;
    }
    ask(venv_python().into())
}

fn pip_install(title: &str, packages: &[&str]) -> Result<(), String> {
    let mut pip = program(venv_python());
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    step(title, pip.args(["--retries", "1", "--only-binary", ":all:"]).args(packages))
}

fn with_apt() -> Result<Python, String> {
    apt::install("python3-numpy")?;
    ask(DEBIAN_PYTHON.into())
}

fn venv() -> PathBuf {
    root().join("target/test-venv")
}

fn venv_python() -> PathBuf {
    venv().join("bin/python")
}
