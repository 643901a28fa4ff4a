//! One configuration file: its keys and values, and the lines that they stand in.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use clap::Command;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{KEYS, configurable, is_flag, option, table_of, try_setting};
use crate::nearest::nearest;

/// A file that was read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// As it was found.
    pub(super) name: String,
    settings: Vec<Setting>,
}

/// A default for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The option's long name.
    pub(super) key: String,
    /// What the parser of the command line calls it.
    pub(super) id: String,
    /// As they are typed; none for a flag that is off.
    pub(super) values: Vec<String>,
    /// The command that it is for; none for all that have the option.
    command: Option<String>,
    line: usize,
}

impl Setting {
    /// Its value in one word.
    pub(super) fn written(&self) -> String {
        self.values.join(",")
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.written())
    }
}

impl ConfigFile {
    /// Reads a file for a program with these commands.
    pub(super) fn read(path: &Path, program: &Command) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {name}; --no-config goes on without it"))?;
        let reader = Reader { name: &name, text: text.trim_start_matches('\u{feff}'), program };
        let settings = reader.settings()?;
        Ok(ConfigFile { name, settings })
    }

    /// Keeps some of its settings.
    pub(super) fn retain(&mut self, keep: impl Fn(&Setting) -> bool) {
        self.settings.retain(keep);
    }

    /// What it sets for a command, where it does.
    pub(super) fn setting(&self, key: &str, command: &str) -> Option<&Setting> {
        let of = |wanted: Option<&str>| {
            self.settings.iter().find(|setting| setting.key == key && setting.command.as_deref() == wanted)
        };
        of(Some(command)).or_else(|| of(None))
    }

    /// Whether a command takes the value.
    pub(super) fn check(&self, setting: &Setting, command: &Command, program: &Command) -> Result<()> {
        try_setting(setting, command).map_err(|problem| {
            let takes = |other: &&Command| {
                option(other, &setting.key).is_some() && try_setting(setting, other).is_ok()
            };
            let hint = match configurable(program).find(takes).filter(|_| setting.command.is_none()) {
                Some(other) => format!("keep it for other commands, as under [{}]", other.get_name()),
                None => "correct it, or use --no-config".to_owned(),
            };
            let (name, line) = (&self.name, setting.line);
            anyhow!("{name}, line {line}: {setting} does not suit {}: {problem}; {hint}", command.get_name())
        })
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    program: &'a Command,
}

impl Reader<'_> {
    fn settings(&self) -> Result<Vec<Setting>> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            self.wrong(error.span().unwrap_or_default(), &message)
        })?;
        let mut settings = Vec::new();
        for (key, value) in document.get_ref() {
            let name: &str = key.get_ref();
            match (value.get_ref(), self.command(name)) {
                (DeValue::Table(table), Some(command)) => {
                    for (key, value) in table {
                        settings.push(self.setting(key, value, Some(command))?);
                    }
                }
                (DeValue::Table(_), None) => return Err(self.unknown(key, true)),
                (_, Some(_)) => {
                    return Err(self.wrong(
                        key.span(),
                        &format!("{name} is a command: write its options under [{name}]"),
                    ));
                }
                (_, None) => settings.push(self.setting(key, value, None)?),
            }
        }
        Ok(settings)
    }

    fn command(&self, name: &str) -> Option<&Command> {
        configurable(self.program).find(|command| command.get_name() == name && table_of(name) == name)
    }

    /// A key, for one command or for all.
    fn setting(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        command: Option<&Command>,
    ) -> Result<Setting> {
        let name: &str = key.get_ref();
        if !KEYS.contains(&name) {
            return Err(self.unknown(key, false));
        }
        let of_any = || configurable(self.program).find_map(|command| option(command, name));
        let Some(arg) = command.map_or_else(of_any, |command| option(command, name)) else {
            let command = command.map_or("the program", Command::get_name);
            return Err(self.wrong(key.span(), &format!("{command} has no option --{name}: leave it out")));
        };
        let values = if is_flag(arg) { flag(value.get_ref()) } else { typed(value.get_ref()) };
        let values = values.ok_or_else(|| {
            let expected = if is_flag(arg) { "true or false" } else { "a text, a number, or a list of them" };
            let found = value.get_ref().type_str();
            self.wrong(value.span(), &format!("{name} takes {expected}, not a value of type {found}"))
        })?;
        let values = match arg.get_value_delimiter() {
            Some(between) => {
                values.iter().flat_map(|value| value.split(between)).map(str::to_owned).collect()
            }
            None if values.len() > 1 => {
                return Err(self.wrong(value.span(), &format!("{name} takes one value")));
            }
            None => values,
        };
        Ok(Setting {
            key: name.to_owned(),
            id: arg.get_id().to_string(),
            values,
            command: command.map(|command| command.get_name().to_owned()),
            line: self.line(&key.span()),
        })
    }

    fn unknown(&self, key: &Spanned<DeString<'_>>, is_table: bool) -> anyhow::Error {
        let name: &str = key.get_ref();
        let (kind, known): (&str, Vec<&str>) = match is_table {
            true => {
                let names = configurable(self.program).map(Command::get_name);
                ("table", names.filter(|name| table_of(name) == *name).collect())
            }
            false => ("key", KEYS.to_vec()),
        };
        let near = nearest(&name.replace('_', "-"), &known);
        let hint = near.map_or(String::new(), |near| format!(" (did you mean {near}?)"));
        self.wrong(
            key.span(),
            &format!("unknown {kind} '{name}'{hint}; a file may have {}", known.join(", ")),
        )
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.text.get(..span.start).map_or(0, |before| before.matches('\n').count())
    }

    fn wrong(&self, span: Range<usize>, problem: &str) -> anyhow::Error {
        anyhow!("{}, line {}: {problem}", self.name, self.line(&span))
    }
}

/// A flag that is on, or off.
fn flag(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_bool().map(|is_on| if is_on { vec!["true".to_owned()] } else { Vec::new() })
}

/// Values as they are typed.
fn typed(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(text) => Some(vec![text.clone().into_owned()]),
        DeValue::Integer(number) => Some(vec![number.to_string()]),
        DeValue::Float(number) => Some(vec![number.to_string()]),
        DeValue::Array(values) => {
            let values: Option<Vec<Vec<String>>> =
                values.iter().map(|value| typed(value.get_ref())).collect();
            values.map(|values| values.concat()).filter(|values| !values.is_empty())
        }
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
