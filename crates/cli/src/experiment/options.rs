//! A run's options: those of `sweep`, read by the command line's own parser, so that they mean the same.

use clap::{CommandFactory, Parser};

use super::file::{RUN_KEYS, Run};
use crate::args::SweepOptions;
use crate::nearest::nearest;
use crate::settings;
use crate::usage::Usage;

/// Options of `sweep` that are not a run's to set: the command line's, or those of the machine.
const NOT_HERE: [&str; 7] = ["model", "claim-expiry", "precision", "threads", "memory", "help", "version"];

/// `sweep` without its name.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    sweep: SweepOptions,
}

/// The options that a run may have.
fn allowed() -> Vec<String> {
    let command = Line::command();
    let long = command.get_arguments().filter_map(clap::Arg::get_long);
    long.filter(|name| !NOT_HERE.contains(name)).map(str::to_owned).collect()
}

/// A value as it is typed.
pub(super) fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join(","),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
        // No option is a table: the command line's parser refuses it.
        toml::Value::Table(_) => "{…}".to_owned(),
    }
}

/// The options as a command line: what a person would type.
pub(super) fn typed(run: &Run) -> Vec<String> {
    let option = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Boolean(true) => Some(format!("--{key}")),
        toml::Value::Boolean(false) => None,
        value => Some(format!("--{key}={}", written(value))),
    };
    run.options.iter().filter_map(option).collect()
}

/// The options as `sweep` understands them.
pub(super) fn parsed(run: &Run) -> Result<SweepOptions, String> {
    understood(typed(run))
}

fn understood(typed: Vec<String>) -> Result<SweepOptions, String> {
    match Line::try_parse_from(typed) {
        Ok(line) => Ok(line.sweep),
        Err(error) => {
            let text = error.to_string();
            // The first paragraph is the error, the others are about the command line.
            let first = text.split("\n\n").next().unwrap_or(&text);
            Err(first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" "))
        }
    }
}

/// What is wrong with a run's options, and with which of them.
pub(super) fn check(run: &Run) -> Result<(), (String, String)> {
    let allowed = allowed();
    let each = run.each.iter().flatten();
    let options = run.options.iter().chain(&run.shallow).map(|(key, value)| (key, vec![value]));
    for (key, values) in options.chain(each.clone().map(|(key, values)| (key, values.iter().collect()))) {
        let place = if run.options.contains_key(key) {
            key.clone()
        } else if run.shallow.contains_key(key) {
            "shallow".to_owned()
        } else {
            "each".to_owned()
        };
        if !allowed.contains(key) {
            return Err((place, unknown(key, &allowed)));
        }
        for value in values {
            let alone = Run { options: [(key.clone(), value.clone())].into(), ..run.clone() };
            parsed(&alone).map_err(|problem| (place.clone(), problem))?;
        }
    }
    if each.clone().count() > 1 || run.each.as_ref().is_some_and(|each| each.values().any(Vec::is_empty)) {
        return Err(("each".to_owned(), "each takes one option with at least one value".to_owned()));
    }
    if !run.prompts.is_empty() && ["facts", "ids", "sample"].iter().any(|key| run.options.contains_key(*key))
    {
        let problem = "with prompts in the file there is nothing to choose: leave facts, ids and sample out";
        return Err(("prompts".to_owned(), problem.to_owned()));
    }
    together(
        run,
        &each.flat_map(|(key, values)| values.iter().map(move |value| (key, value))).collect::<Vec<_>>(),
    )
}

/// What is wrong with options that are right by themselves; with those for shallow models and each value of `each`.
fn together(run: &Run, each: &[(&String, &toml::Value)]) -> Result<(), (String, String)> {
    let usual = run.options.clone();
    let mut shallow = usual.clone();
    shallow.extend(run.shallow.clone());
    for options in [usual, shallow] {
        let varied = each.iter().map(|(key, value)| {
            let mut options = options.clone();
            options.insert((*key).clone(), (*value).clone());
            options
        });
        let all: Vec<_> = if each.is_empty() { vec![options.clone()] } else { varied.collect() };
        for options in all {
            let one = Run { options, ..run.clone() };
            let problem = match parsed(&one) {
                Ok(args) => settings::check(&args.method).err().map(|Usage(problem)| problem),
                Err(problem) => Some(problem),
            };
            if let Some(problem) = problem {
                return Err((place_of(run, &problem), problem));
            }
        }
    }
    Ok(())
}

/// The key in the file that a problem speaks of first, by its name on the command line.
fn place_of(run: &Run, problem: &str) -> String {
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let named = problem.split("--").skip(1).filter_map(|rest| rest.split(is_end).next());
    let own = named.map(str::to_owned).find(|key| run.options.contains_key(key));
    own.unwrap_or_else(|| "name".to_owned())
}

fn unknown(key: &str, allowed: &[String]) -> String {
    let mut keys: Vec<&str> = allowed.iter().map(String::as_str).chain(RUN_KEYS).collect();
    keys.sort_unstable();
    let near = nearest(key, &keys);
    let hint = near.map_or(String::new(), |near| format!(" (did you mean {near}?)"));
    format!("unknown key '{key}'{hint}; a run has {}", keys.join(", "))
}
