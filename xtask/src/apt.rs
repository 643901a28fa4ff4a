//! Debian packages, where this user may install them without being asked.

use std::process::Command;

use crate::process::{answer, program, step};

/// Installs one package, or says why it cannot be.
pub(crate) fn install(package: &str) -> Result<(), String> {
    answer(program("apt-get").arg("--version")).map_err(|_| "there is no apt-get here".to_owned())?;
    let administrator = Administrator::find()?;
    // An old list of packages is often good enough: only the installation decides.
    if let Err(message) =
        step("apt-get update", administrator.apt_get().args(["--quiet", "--quiet", "update"]))
    {
        println!("{message}");
    }
    let mut install = administrator.apt_get();
    install.args(["--quiet", "--quiet", "install", "--yes", "--no-install-recommends", package]);
    step("apt-get install", &mut install)
}

/// How this user may change the system.
enum Administrator {
    Root,
    Sudo,
}

impl Administrator {
    fn find() -> Result<Self, String> {
        if answer(program("id").arg("-u")).is_ok_and(|id| id == "0") {
            return Ok(Self::Root);
        }
        answer(program("sudo").args(["--non-interactive", "true"]))
            .map(|_| Self::Sudo)
            .map_err(|_| "this user is not root and has no sudo without a password".to_owned())
    }

    /// An `apt-get` that asks nothing and soon gives up on a network that does not answer.
    fn apt_get(&self) -> Command {
        let mut command = match self {
            Self::Root => program("env"),
            Self::Sudo => program("sudo"),
        };
        if let Self::Sudo = self {
            command.args(["--non-interactive", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        for option in ["Acquire::Retries=1", "Acquire::http::Timeout=20", "DPkg::Lock::Timeout=120"] {
            command.args(["--option", option]);
        }
        command
    }
}
