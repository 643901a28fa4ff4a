//! Debian packages, where this user may install them without being asked.

use std::process::Command;
use std::sync::Once;

use crate::process::{answer, program, step};

/// Installs one package, or says why it cannot be.
pub(crate) fn install(package: &str) -> Result<(), String> {
    let administrator = Administrator::with_new_lists()?;
    let mut install = administrator.apt_get();
    install.args(["--quiet", "--quiet", "install", "--yes", "--no-install-recommends", package]);
    step("apt-get install", &mut install)
}

/// The version of a package that [`install`] would install, or why it would install none.
pub(crate) fn offered(package: &str) -> Result<String, String> {
    Administrator::with_new_lists()?;
    let policy = answer(program("apt-cache").args(["policy", package]).env("LC_ALL", "C"))?;
    policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))
        .filter(|version| *version != "(none)")
        .map(str::to_owned)
        .ok_or_else(|| format!("apt-get has no {package}"))
}

/// How this user may change the system.
enum Administrator {
    Root,
    Sudo,
}

impl Administrator {
    /// Whoever may install; what can be installed is asked of the network once.
    fn with_new_lists() -> Result<Self, String> {
        static UPDATE: Once = Once::new();
        answer(program("apt-get").arg("--version")).map_err(|_| "there is no apt-get here".to_owned())?;
        let administrator = Self::find()?;
        // An old list of packages is often good enough: only the installation decides.
        UPDATE.call_once(|| {
            let mut update = administrator.apt_get();
            if let Err(message) = step("apt-get update", update.args(["--quiet", "--quiet", "update"])) {
                println!("{message}");
            }
        });
        Ok(administrator)
    }

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
