//! Everything that determines the numbers of a results folder: `manifest.json`.

use causal_trace_core::{Component, Corruption, Direction, Engine, Metric, RoleConvention, Window};
use serde::{Deserialize, Serialize};

use crate::NoiseSource;

mod differences;

pub use differences::Difference;

/// What `manifest.json` says it is.
pub const FORMAT: &str = "causal-trace results";
/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 2;

/// What a results folder was made of, and with which settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// The program's name and version.
    pub program: String,
    /// Which model.
    pub model: ModelIdentity,
    /// Which facts; several after a merge.
    pub facts: Vec<FactsIdentity>,
    /// Whose probability was measured.
    pub target: Target,
    /// How they were traced.
    pub settings: Settings,
    /// How many facts each part holds, in the order of the facts.
    pub parts: Vec<usize>,
}

/// The model, as far as it is known: imported cases name it only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// What it is called in figures; it does not distinguish models whose hashes agree.
    pub name: String,
    /// Number of layers.
    pub n_layers: usize,
    /// The config's `model_type`.
    pub model_type: Option<String>,
    /// Width of the residual stream.
    pub d_model: Option<usize>,
    /// Size of the vocabulary.
    pub d_vocab: Option<usize>,
    /// SHA-256 of `config.json`, in hexadecimal digits, as the two below.
    pub config_sha256: Option<String>,
    /// SHA-256 over the weight files, one after the other in the order of their names.
    pub weights_sha256: Option<String>,
    /// SHA-256 over the tokenizer's files, one after the other in the order of their names.
    pub tokenizer_sha256: Option<String>,
}

impl ModelIdentity {
    /// A model of which no more is known than its name and depth.
    #[must_use]
    pub fn named(name: &str, n_layers: usize) -> Self {
        ModelIdentity {
            name: name.to_owned(),
            n_layers,
            model_type: None,
            d_model: None,
            d_vocab: None,
            config_sha256: None,
            weights_sha256: None,
            tokenizer_sha256: None,
        }
    }
}

/// Some facts of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsIdentity {
    /// The file as it was named; it does not distinguish files whose hashes agree.
    pub name: String,
    /// SHA-256 of the file; none for imported cases.
    pub sha256: Option<String>,
    /// How many facts of it were chosen.
    pub n_facts: usize,
    /// How they were chosen: `all`, `limit 100`, `ids 1,2`, `sample 50 seed 1`.
    pub selection: String,
}

impl FactsIdentity {
    /// The name of the facts that are part of the program.
    pub const EMBEDDED: &str = "the embedded facts";
}

/// Whose probability is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The model's own prediction, which must be the attribute's first token (ROME).
    Predicted,
    /// The attribute's token, whatever the model predicts.
    Attribute,
    /// The last token of prompt and attribute together, whatever the model predicts: the attribute's other tokens
    /// become the end of the prompt, as in dannyallover/causal-tracing.
    LastSubtoken,
}

/// Where the prompts of the corrupted runs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counterparts {
    /// Each fact brings its own.
    Given,
    /// The subject of another fact of the relation takes the subject's place; the seed decides which.
    SwappedSubjects,
}

/// How the facts were traced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which components were patched.
    pub components: Vec<Component>,
    /// How many layers at once, for mlp and attention.
    pub window: Window,
    /// How many layers at once, for the residual stream before, between and after.
    #[serde(default = "single")]
    pub residual_window: Window,
    /// What was measured beside the answer's probability.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Whose roles averages use where nothing else is asked for.
    #[serde(default = "rome")]
    pub roles: RoleConvention,
    /// Clean states into the corrupted run, or the reverse.
    pub direction: Direction,
    /// How the subject is obscured; none where it is not known (imported cases).
    pub corruption: Option<Corruption>,
    /// Where the prompts of the corrupted runs come from, where these are prompts.
    #[serde(default)]
    pub counterparts: Option<Counterparts>,
    /// Where the noise level comes from.
    pub noise: Option<NoiseSource>,
    /// Which algorithm.
    pub engine: Option<Engine>,
    /// The numbers' precision, as in `f32`.
    pub precision: Option<String>,
}

impl Settings {
    /// How many layers are restored at once, for a component.
    #[must_use]
    pub fn window_of(&self, component: Component) -> Window {
        component.window(self.window, self.residual_window)
    }
}

fn single() -> Window {
    Window::SINGLE
}

fn rome() -> RoleConvention {
    RoleConvention::Rome
}
