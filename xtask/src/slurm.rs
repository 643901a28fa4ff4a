//! Slurm's daemons, with which a test runs a sweep as an array job.

use std::path::Path;

use crate::apt;
use crate::process::{answer, program};
use crate::test::Install;

const PACKAGES: [&str; 2] = ["slurm-wlm", "munge"];

/// Looks for the daemons and installs them if need be; says why there are none.
///
/// Where a service manager runs, they are not installed: it would start them, for nothing and for ever.
pub(crate) fn find(install: Install) -> Result<(), String> {
    let found = starts();
    if found.is_ok() || install == Install::Forbidden {
        return found;
    }
    if let (Err(missing), true) = (&found, Path::new("/run/systemd/system").is_dir()) {
        return Err(format!("{missing}; the packages start services, and so are left to you"));
    }
    for package in PACKAGES {
        apt::install(package).map_err(|why| format!("{package} cannot be installed: {why}"))?;
    }
    starts()
}

fn starts() -> Result<(), String> {
    for daemon in ["munged", "slurmctld", "slurmd"] {
        // Not every user's path leads there.
        let folders = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(|folder| Path::new(folder).join(daemon));
        let is_there = folders.iter().any(|path| path.is_file()) || answer(program(daemon).arg("-V")).is_ok();
        if !is_there {
            return Err(format!("{daemon} is not installed (Debian: slurm-wlm, munge)"));
        }
    }
    Ok(())
}
