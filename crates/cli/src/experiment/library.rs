//! The experiments that are part of this program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::Experiment;
use super::file::Origin;
use super::source::Source;
use crate::nearest::nearest;

/// An embedded file: its name, and its text.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../experiments/", $name, ".toml")))),*]
    };
}

/// In the order in which they are listed.
const EMBEDDED: [(&str, &str); 23] = embedded![
    "gaussian-noise",
    "rome-examples",
    "noise-variance",
    "model-comparison",
    "patch-good-with-bad",
    "wrong-direction",
    "noise-levels",
    "random-embedding",
    "shuffled-embeddings",
    "false-facts-prefix",
    "false-facts-prefix-reversed",
    "fact-position",
    "rome-figure-1",
    "rome-averages",
    "rome-severed",
    "rome-noise-kinds",
    "rome-windows",
    "corruption-comparison",
    "pattern-census",
    "gpt2/rome-examples",
    "gpt2/noise-variance",
    "gpt2/false-facts-prefix",
    "gpt2/rome-figure-1",
];

/// An experiment and what it is called.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name, or the stem of its file.
    pub(crate) name: String,
    /// As it was asked for.
    pub(crate) given: String,
    pub(crate) experiment: Experiment,
    /// The text of its file.
    pub(crate) text: String,
}

impl Entry {
    /// Whose experiment it is: a file that was copied and changed is its author's, after another's.
    pub(super) fn whose(&self) -> String {
        let source = self.experiment.source;
        if self.is_embedded() {
            return format!("an experiment of {}", source.described());
        }
        let after = match source {
            Origin::CausalTrace => String::new(),
            other => format!(", after one of {}", other.described()),
        };
        format!("the experiment of the file {}{after}", self.given)
    }

    /// The heading above what is tested: others' claims, or what this program or a file asks by itself.
    pub(super) fn claims(&self) -> &'static str {
        match self.experiment.source {
            Origin::Dannyallover | Origin::Rome if self.is_embedded() => "What was claimed",
            _ => "What is tested",
        }
    }

    fn is_embedded(&self) -> bool {
        EMBEDDED.iter().any(|(_, text)| text.trim_end() == self.text.trim_end())
    }
}

/// All embedded experiments.
pub(crate) fn all() -> Result<Vec<Entry>> {
    EMBEDDED.iter().map(|(name, text)| embedded_entry(name, text)).collect()
}

/// An embedded experiment by its name, or one in a file by its path.
pub(crate) fn open(given: &str) -> Result<Entry> {
    if let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == given) {
        return embedded_entry(name, text);
    }
    let path = Path::new(given);
    if path.is_file() {
        let name = path.file_stem().context("a file without a name")?.to_string_lossy().into_owned();
        let source = Source::read(path)?;
        let experiment = Experiment::parse(&source)?;
        return Ok(Entry { name, given: given.to_owned(), experiment, text: source.text });
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        bail!("there is no file {given}: `reproduce --list` shows the embedded experiments");
    }
    Err(unknown(given))
}

/// The text of an embedded experiment.
pub(crate) fn text_of(name: &str) -> Result<&'static str> {
    let found = EMBEDDED.iter().find(|(embedded, _)| *embedded == name);
    found.map(|(_, text)| *text).ok_or_else(|| unknown(name))
}

fn unknown(given: &str) -> anyhow::Error {
    let names: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
    match nearest(given, &names) {
        Some(near) => {
            anyhow!("there is no experiment '{given}': did you mean {near}? `reproduce --list` shows all")
        }
        None => anyhow!(
            "there is no experiment '{given}': `reproduce --list` shows all; a file is given by its path"
        ),
    }
}

fn embedded_entry(name: &str, text: &str) -> Result<Entry> {
    let source =
        Source { name: format!("experiments/{name}.toml"), folder: PathBuf::new(), text: text.to_owned() };
    let experiment = Experiment::parse(&source)?;
    Ok(Entry { name: name.to_owned(), given: name.to_owned(), experiment, text: source.text })
}
