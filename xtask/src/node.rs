//! Node and npm, which build the page and run its tests, and the packages that those need.

use std::process::Command;
use std::{fs, io};

use crate::apt;
use crate::process::{answer, program, root, step};
use crate::test::Install;

/// The first version that runs the page's tests.
const OLDEST: u32 = 20;

/// Finds Node, npm and the page's packages, or installs them; says what cannot be had.
pub(crate) fn find(install: Install) -> Result<(), String> {
    if let Err(why) = starts() {
        if install == Install::Forbidden {
            return Err(why);
        }
        install_node().map_err(|apt| format!("{why}; {apt}"))?;
        starts()?;
    }
    if packages_are_there() {
        Ok(())
    } else if install == Install::Forbidden {
        Err("the packages of explorer/package-lock.json are not installed".to_owned())
    } else {
        install_packages()
    }
}

/// `npm run SCRIPT`, one of explorer/package.json.
pub(crate) fn script(name: &str) -> Command {
    let mut npm = npm();
    npm.args(["run", "--silent", name, "--"]);
    npm
}

fn npm() -> Command {
    let mut npm = program("npm");
    npm.current_dir(root().join("explorer"));
    npm
}

fn starts() -> Result<(), String> {
    let version = answer(program("node").arg("--version")).map_err(|_| "node is not in PATH".to_owned())?;
    if major(&version).is_none_or(|major| major < OLDEST) {
        return Err(format!("node is {version}, and {OLDEST} or later is needed"));
    }
    answer(npm().arg("--version")).map(|_| ()).map_err(|_| "npm is not in PATH".to_owned())
}

/// Debian's own, if it is new enough.
fn install_node() -> Result<(), String> {
    let offered = apt::offered("nodejs")?;
    if major(&offered).is_none_or(|major| major < OLDEST) {
        return Err(format!("apt-get would install nodejs {offered}; newer ones are at https://nodejs.org"));
    }
    apt::install("nodejs")?;
    // Some packages of nodejs bring npm with them, and conflict with a second one.
    if answer(npm().arg("--version")).is_err() {
        apt::install("npm")?;
    }
    Ok(())
}

/// The first number of `v20.1.2` or `20.1.2+dfsg-1`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Whether npm has installed what the lock file says since that was last changed.
fn packages_are_there() -> bool {
    let changed =
        |file: &str| -> io::Result<_> { fs::metadata(root().join("explorer").join(file))?.modified() };
    // npm writes the second one when all the rest is done.
    match (changed("package-lock.json"), changed("node_modules/.package-lock.json")) {
        (Ok(lock), Ok(installed)) => lock <= installed,
        _ => false,
    }
}

fn install_packages() -> Result<(), String> {
    let mut install = npm();
    install.args(["ci", "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=20000"]);
    step("packages of the page", &mut install)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_a_version_counts() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("18.20.4+dfsg-1~deb12u2"), Some(18));
        assert_eq!(major("none"), None);
    }
}
