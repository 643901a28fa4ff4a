//! Configuration files: defaults for options, from `causal-trace.toml` in the folder and from the user's own file.
//!
//! A setting becomes the default of the option that it names, so that it is parsed, shown by `--help` and overridden like
//! any other default. Decision 0021 says why.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::builder::StyledStr;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use file::{ConfigFile, Setting};
use suits::suits;

mod file;
mod suits;

/// The file in the folder where the program is started.
const IN_FOLDER: &str = "causal-trace.toml";
/// A file to be read in place of both; empty for none.
const VARIABLE: &str = "CAUSAL_TRACE_CONFIG";

/// The options that a file may set: how things are done, never what is asked for or where it goes.
const KEYS: [&str; 19] = [
    "claim-expiry",
    "component",
    "facts",
    "formats",
    "max-size",
    "memory",
    "model",
    "no-caption",
    "no-title",
    "noise",
    "noise-stream",
    "precision",
    "residual-window",
    "roles",
    "samples",
    "second-model",
    "seed",
    "threads",
    "window",
];

/// The commands that a file has no say in: `bench` measures the machine, the others print what the program is.
const WITHOUT: [&str; 4] = ["bench", "completions", "help", "man"];

/// The files that count here, the one that wins first.
#[derive(Debug, Default)]
pub(crate) struct Config {
    files: Vec<ConfigFile>,
}

impl Config {
    /// Reads the files of this folder and this user.
    pub(crate) fn find(command: &Command) -> Result<Self> {
        let mut files = Vec::new();
        for path in paths()? {
            files.push(ConfigFile::read(&path, command)?);
        }
        Ok(Config { files })
    }

    /// The command line with the settings as the defaults of its commands.
    pub(crate) fn apply(&self, mut program: Command) -> Command {
        let names: Vec<String> =
            configurable(&program).map(|command| command.get_name().to_owned()).collect();
        for name in names {
            program = program.mut_subcommand(&name, |command| {
                let given: Vec<_> = self.of(&command).collect();
                given.into_iter().fold(command, with_default)
            });
        }
        program
    }

    /// The same without the settings that have no meaning beside what was typed for a command.
    pub(crate) fn beside(mut self, typed: &ArgMatches) -> Self {
        for file in &mut self.files {
            file.retain(|setting| suits(&setting.key, typed));
        }
        self
    }

    /// Refuses values that a command does not take, and names the line.
    pub(crate) fn check(&self, command: &Command, program: &Command) -> Result<()> {
        self.of(command).try_for_each(|(file, setting)| file.check(setting, command, program))
    }

    /// For each file the settings that a command takes from it, as `model = ./gpt2-xl`.
    pub(crate) fn used(&self, command: &Command, matches: &ArgMatches) -> Vec<(&str, Vec<String>)> {
        let mut used: Vec<(&str, Vec<String>)> = Vec::new();
        for (file, setting) in self.of(command) {
            let is_default = matches.value_source(&setting.id) == Some(ValueSource::DefaultValue);
            if !is_default || setting.values.is_empty() {
                continue;
            }
            match used.iter_mut().find(|(name, _)| *name == file.name) {
                Some((_, settings)) => settings.push(setting.to_string()),
                None => used.push((&file.name, vec![setting.to_string()])),
            }
        }
        used
    }

    /// The settings that count for a command: of a key the first file's, and there a table's before those for all.
    fn of<'a>(&'a self, command: &Command) -> impl Iterator<Item = (&'a ConfigFile, &'a Setting)> {
        let options: Vec<&str> = match WITHOUT.contains(&command.get_name()) {
            true => Vec::new(),
            false => KEYS.into_iter().filter(|key| option(command, key).is_some()).collect(),
        };
        let name = table_of(command.get_name()).to_owned();
        options
            .into_iter()
            .filter_map(move |key| self.files.iter().find_map(|file| Some((file, file.setting(key, &name)?))))
    }
}

/// The table that a command's settings stand in: `slurm` is told of a sweep, which its tasks make as `sweep`.
fn table_of(command: &str) -> &str {
    if command == "slurm" { "sweep" } else { command }
}

/// Where files are looked for, and are: the one that wins first.
fn paths() -> Result<Vec<PathBuf>> {
    if let Some(path) = std::env::var_os(VARIABLE) {
        if path.is_empty() {
            return Ok(Vec::new());
        }
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!(
                "{VARIABLE} names {}, which is no file: correct it, or set it to nothing to use no configuration file",
                path.display()
            );
        }
        return Ok(vec![path]);
    }
    let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| Some(std::env::home_dir()?.join(".config")));
    let users = folder.map(|folder| folder.join("causal-trace").join("config.toml"));
    let mut paths = Vec::new();
    for path in [Some(PathBuf::from(IN_FOLDER)), users].into_iter().flatten() {
        if is_there(&path)? {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn is_there(path: &Path) -> Result<bool> {
    // What may not be looked at is not there for this user.
    let is_there = path.try_exists().unwrap_or(false);
    if is_there && !path.is_file() {
        bail!(
            "{} is not a file: it is read for default options; rename it, or use --no-config",
            path.display()
        );
    }
    Ok(is_there)
}

/// The commands that a file may have a table for.
fn configurable(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !WITHOUT.contains(&command.get_name()))
}

/// A command's option by its long name.
fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// A command with a default from a file for one of its options; help says so, in place of the usual default.
fn with_default(command: Command, (file, setting): (&ConfigFile, &Setting)) -> Command {
    if setting.values.is_empty() {
        return command;
    }
    command.mut_arg(&*setting.id, |arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let help = StyledStr::from(format!("{help} [{}: {}]", file.name, setting.written()));
        arg.default_values(setting.values.clone()).hide_default_value(true).help(help)
    })
}

/// The command line's own parser on a setting.
fn try_setting(setting: &Setting, command: &Command) -> Result<(), String> {
    let Some(arg) = option(command, &setting.key) else { return Ok(()) };
    if setting.values.is_empty() {
        return Ok(());
    }
    let alone = Arg::new("value")
        .long(setting.key.clone())
        .action(ArgAction::Append)
        .num_args(1)
        .allow_hyphen_values(true)
        .value_parser(arg.get_value_parser().clone());
    let values = setting.values.iter().map(|value| format!("--{}={value}", setting.key));
    let parsed = Command::new("value").no_binary_name(true).arg(alone).try_get_matches_from(values);
    parsed.map(|_| ()).map_err(|error| refusal(&error))
}

/// What a parser of values says, without the option.
fn refusal(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    if let Some(source) = std::error::Error::source(error) {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => format!("expected {}", values.join(", ")),
        _ => "not a value of this option".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    /// No key without an option, and no table for a command that is not there.
    #[test]
    fn every_key_is_an_option_that_takes_a_value_or_a_flag() {
        let command = Args::command();
        for key in KEYS {
            assert!(configurable(&command).any(|command| option(command, key).is_some()), "{key}");
        }
        let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        for name in WITHOUT.into_iter().filter(|name| *name != "help") {
            assert!(names.contains(&name), "{name}");
        }
        assert!(KEYS.is_sorted());
    }

    fn parsed(text: &str, line: &[&str]) -> (Args, Vec<String>) {
        use clap::FromArgMatches;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(IN_FOLDER);
        std::fs::write(&path, text).unwrap();
        let config = Config { files: vec![ConfigFile::read(&path, &Args::command()).unwrap()] };
        let program = Args::command();
        let matches = config.apply(program.clone()).try_get_matches_from(line).unwrap();
        let (name, own) = matches.subcommand().unwrap();
        let command = program.find_subcommand(name).unwrap();
        config.check(command, &program).unwrap();
        let used = config.used(command, own).into_iter().flat_map(|(_, settings)| settings).collect();
        (Args::from_arg_matches(&matches).unwrap(), used)
    }

    #[test]
    fn a_setting_is_a_default() {
        use crate::args::Command as Asked;
        let text =
            "samples = 3\ncomponent = ['mlp', 'attn']\nno-title = true\n[figures]\nformats = 'svg,png'\n";
        let line = ["causal-trace", "trace", "--samples", "5", "--corruption", "pair"];
        let (args, used) = parsed(text, &line);
        let Some(Asked::Trace(trace)) = args.command else { panic!("not trace") };
        assert_eq!(trace.method.samples, Some(5));
        assert_eq!(trace.method.component.unwrap().len(), 2);
        assert_eq!(used, ["component = mlp,attn"]);
        let (args, used) = parsed(text, &["causal-trace", "figures", "results", "--out", "figures"]);
        let Some(Asked::Figures(figures)) = args.command else { panic!("not figures") };
        assert!(figures.no_title && !figures.no_caption);
        assert_eq!(figures.formats.len(), 2);
        assert_eq!(used, ["formats = svg,png", "no-title = true"]);
        let (args, used) = parsed(text, &["causal-trace", "bench"]);
        let Some(Asked::Bench(bench)) = args.command else { panic!("not bench") };
        assert_eq!((bench.samples, used.len()), (10, 0));
    }
}
