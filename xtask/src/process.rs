//! Running other programs: as a step whose output is seen, or as a question whose answer is read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use std::{env, io, iter};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// A program that runs at the repository's root and is asked nothing at the terminal.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that started this program, without what it said of this package: the build of `ring` looks at that, and
/// would begin again whenever a build is started from here after one that was not, or the other way round.
pub(crate) fn cargo() -> Command {
    let mut cargo = program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_package)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Runs a command, its output passed on, and says how long it took.
pub(crate) fn step(title: &str, command: &mut Command) -> Result<(), String> {
    announce(title, command);
    let started = Instant::now();
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if !status.success() {
        return Err(format!("{title}: `{}` failed ({status})", shown(command)));
    }
    println!("{title}: {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Says which command runs next.
pub(crate) fn announce(title: &str, command: &Command) {
    println!("\n== {title}: {}", shown(command));
}

/// Runs a command without showing its output: what it wrote on standard output, or why it failed.
pub(crate) fn answer(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("`{}` failed: {}", shown(command), complaint(&output)))
}

/// Why a command did not start.
pub(crate) fn cannot_start(command: &Command, error: &io::Error) -> String {
    format!("`{}` did not start: {error}", shown(command))
}

/// The last line that a failed command wrote on standard error, or else on standard output, or its status.
fn complaint(output: &Output) -> String {
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
    };
    last(&output.stderr).or_else(|| last(&output.stdout)).unwrap_or_else(|| output.status.to_string())
}

/// A command as one would type it; the folders of the program are left out.
fn shown(command: &Command) -> String {
    let name = command.get_program();
    let name = Path::new(name).file_name().unwrap_or(name);
    let words = iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
