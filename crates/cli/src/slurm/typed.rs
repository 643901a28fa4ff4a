//! Options as they were typed, to be typed again in a script.

use anyhow::{Context, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

/// The options among `args` that were given, each as words: `--model`, `./gpt2`. Defaults are left out: the same
/// program has the same ones.
///
/// # Errors
/// When a value is not UTF-8.
pub(crate) fn typed<'a>(
    args: impl IntoIterator<Item = &'a Arg>,
    matches: &ArgMatches,
) -> Result<Vec<Vec<String>>> {
    let mut options = Vec::new();
    for arg in args {
        let id = arg.get_id().as_str();
        let Some(long) = arg.get_long() else { continue };
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        if !arg.get_action().takes_values() {
            options.push(vec![format!("--{long}")]);
            continue;
        }
        let mut values = Vec::new();
        for value in matches.get_raw(id).into_iter().flatten() {
            let value = value.to_str().with_context(|| {
                format!("--{long} {} is not UTF-8: a script cannot say it; rename it", value.display())
            })?;
            values.push(value.to_owned());
        }
        let values = match arg.get_value_delimiter() {
            Some(delimiter) => vec![values.join(&delimiter.to_string())],
            None => values,
        };
        options.extend(values.into_iter().map(|value| option(long, value)));
    }
    Ok(options)
}

/// An option with its value; one that begins with a dash would be taken for another option.
fn option(long: &str, value: String) -> Vec<String> {
    if value.starts_with('-') { vec![format!("--{long}={value}")] } else { vec![format!("--{long}"), value] }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;
    use crate::args::SweepOptions;

    fn again(words: &[&str]) -> Vec<String> {
        let command = SweepOptions::augment_args(Command::new("sweep").no_binary_name(true));
        let matches = command.clone().try_get_matches_from(words).unwrap();
        typed(command.get_arguments(), &matches).unwrap().iter().map(|words| words.join(" ")).collect()
    }

    #[test]
    fn options_are_typed_again() {
        assert_eq!(again(&[]), [""; 0]);
        let mut options = again(&[
            "--fresh-noise",
            "--ids=-3,5",
            "--component",
            "mlp,attn",
            "--model=my models/gpt2",
            "--facts",
            "known 1000.json",
        ]);
        options.sort_unstable();
        let expected = [
            "--component mlp,attn",
            "--facts known 1000.json",
            "--fresh-noise",
            "--ids=-3,5",
            "--model my models/gpt2",
        ];
        assert_eq!(options, expected);
    }
}
