//! Handing scripts to `sbatch`.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

/// The numbers that Slurm gave the jobs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Submitted {
    pub(crate) array: String,
    pub(crate) summary: String,
}

/// Submits the array, and the summary for when all its tasks have ended, however they ended.
///
/// # Errors
/// When there is no `sbatch`, or it refuses one of them.
pub(crate) fn submit(job: &Path, summary: &Path) -> Result<Submitted> {
    let array = sbatch(&[], job)?;
    match sbatch(&[format!("--dependency=afterany:{array}")], summary) {
        Ok(summary) => Ok(Submitted { array, summary }),
        Err(error) => {
            bail!("the array is job {array} and will run, but the job for its summary was refused: {error:#}")
        }
    }
}

/// Submits one script; gives its job's number.
fn sbatch(options: &[String], script: &Path) -> Result<String> {
    let output = match Command::new("sbatch").arg("--parsable").args(options).arg(script).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no sbatch on the path: run the same command where jobs are submitted, or submit {} there",
            script.display()
        ),
        Err(error) => bail!("cannot start sbatch: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let code = output.status.code().map_or("by a signal".to_owned(), |code| format!("with code {code}"));
    if !output.status.success() {
        // Slurm's own words do not say how many would be valid.
        let most = match said.contains("Invalid job array specification") {
            true => {
                "; a cluster allows so many tasks as MaxArraySize in `scontrol show config` says, less one"
            }
            false => "",
        };
        bail!("sbatch refuses {} and ends {code}: {said}{most}", script.display());
    }
    // NUMBER, or NUMBER;CLUSTER.
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.trim().split(';').next().unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("sbatch took {}, but did not say its number: {}", script.display(), text.trim());
    }
    Ok(number.to_owned())
}
