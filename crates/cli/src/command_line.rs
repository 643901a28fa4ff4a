//! The command line, with the defaults of configuration files.

use std::ffi::OsString;

use anyhow::{Result, anyhow};
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::args::Args;
use crate::config::Config;

/// What a command without a name is.
const USUAL_COMMAND: &str = "trace";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct CommandLine {
    pub(crate) args: Args,
    /// What comes from configuration files, a line for each file.
    pub(crate) from_files: Vec<String>,
}

impl CommandLine {
    /// Parses what was typed, the program's name first; ends the program where help is asked for, or the line is wrong.
    ///
    /// # Errors
    /// When a configuration file is wrong.
    pub(crate) fn parse(mut typed: Vec<OsString>) -> Result<Self> {
        // Without files first: it tells the command, and whether files are to be read at all.
        let plain = match Args::command().try_get_matches_from(&typed) {
            Ok(matches) if matches.subcommand_name().is_none() => {
                typed.push(USUAL_COMMAND.into());
                Args::command().get_matches_from(&typed)
            }
            Ok(matches) => matches,
            Err(error) if error.kind() == ErrorKind::DisplayHelp => help(&typed, &error),
            Err(error) if error.kind() == ErrorKind::InvalidUtf8 => return Err(not_text(&typed)),
            Err(error) => error.exit(),
        };
        if plain.get_flag("no_config") {
            return Ok(Self::of(&plain, Vec::new()));
        }
        let program = Args::command();
        let config = Config::find(&program)?;
        let Some((name, own)) = plain.subcommand() else { return Ok(Self::of(&plain, Vec::new())) };
        let config = config.beside(own);
        let Some(command) = program.find_subcommand(name) else { return Ok(Self::of(&plain, Vec::new())) };
        config.check(command, &program)?;
        let matches = config.apply(program.clone()).get_matches_from(&typed);
        let used = matches.subcommand().map(|(_, own)| config.used(command, own)).unwrap_or_default();
        let line = |(file, settings): (&str, Vec<String>)| format!("using {file}: {}", settings.join(", "));
        let from_files = used.into_iter().map(line).collect();
        Ok(Self::of(&matches, from_files))
    }

    fn of(matches: &ArgMatches, from_files: Vec<String>) -> Self {
        match Args::from_arg_matches(matches) {
            Ok(args) => CommandLine { args, from_files },
            Err(error) => error.exit(),
        }
    }
}

/// Names of files and folders may be anything; what goes into results as text may not.
fn not_text(typed: &[OsString]) -> anyhow::Error {
    let strange = typed.iter().filter(|word| word.to_str().is_none());
    let strange: Vec<String> = strange.map(|word| format!("'{}'", word.display())).collect();
    anyhow!(
        "{} is not UTF-8, which this option must be: give the folder another name, or start in it and name it '.'",
        strange.join(" or ")
    )
}

/// Shows help, with the defaults of the files where they can be read: a wrong one must not keep anybody from help.
fn help(typed: &[OsString], plain: &clap::Error) -> ! {
    let is_without = typed.iter().any(|word| word == "--no-config");
    let config = if is_without { None } else { Config::find(&Args::command()).ok() };
    if let Some(config) = config
        && let Err(error) = config.apply(Args::command()).try_get_matches_from(typed)
    {
        error.exit();
    }
    plain.exit()
}
