//! Where an activation sits in the model, and how it is named.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that names no known thing; its `Display` lists what would have been understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not a {what}: expected one of {expected}")]
pub struct ParseNameError {
    /// What was being named, for example "component".
    pub what: &'static str,
    /// The text that was given.
    pub given: String,
    /// The accepted names, separated by commas.
    pub expected: &'static str,
}

/// Which activation of a block is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// The block's output: the residual stream after layer `l` (`resid_post`).
    Residual,
    /// The output of the mlp before it is added to the residual stream.
    Mlp,
    /// The output of the attention module before it is added to the residual stream.
    #[serde(rename = "attn")]
    Attention,
}

impl Component {
    /// All components, in the order in which they are reported.
    pub const ALL: [Component; 3] = [Component::Residual, Component::Mlp, Component::Attention];

    /// ROME's `kind` of a case file: `''`, `'mlp'` or `'attn'`.
    #[must_use]
    pub fn rome_kind(self) -> &'static str {
        match self {
            Component::Residual => "",
            Component::Mlp => "mlp",
            Component::Attention => "attn",
        }
    }

    /// What a file name of this component ends in: `""`, `"_mlp"` or `"_attn"`.
    #[must_use]
    pub fn file_suffix(self) -> &'static str {
        match self {
            Component::Residual => "",
            Component::Mlp => "_mlp",
            Component::Attention => "_attn",
        }
    }

    /// The command line's and the data's name: `residual`, `mlp` or `attn`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Component::Residual => "residual",
            Component::Mlp => "mlp",
            Component::Attention => "attn",
        }
    }

    /// Whether windows of several layers apply (a residual state is always a single layer).
    #[must_use]
    pub fn is_windowed(self) -> bool {
        self != Component::Residual
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One place in the model: a component of one layer at one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Site {
    /// Which activation.
    pub component: Component,
    /// The layer, or the centre of the window of layers; counts from 0.
    pub layer: usize,
    /// The token's position in the prompt; counts from 0.
    pub token: usize,
}

impl fmt::Display for Site {
    /// The site under its TransformerLens name and the token's position, as in `blocks.12.hook_mlp_out@3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hook = match self.component {
            Component::Residual => "hook_resid_post",
            Component::Mlp => "hook_mlp_out",
            Component::Attention => "hook_attn_out",
        };
        write!(f, "blocks.{}.{hook}@{}", self.layer, self.token)
    }
}

/// How many layers around a site's layer are restored at once (mlp and attention; Meng et al. 2022, appendix B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Number of layers away from the edges of the model; at least 1.
    pub width: usize,
}

impl Window {
    /// ROME's width.
    pub const ROME: Window = Window { width: 10 };

    /// The layers restored for a site at `center`: from `max(0, center − ⌊width/2⌋)` to
    /// `min(n_layers, center + ⌈width/2⌉)`, the end excluded. Width 1 is the single layer `center`.
    #[must_use]
    pub fn layers(self, center: usize, n_layers: usize) -> Range<usize> {
        let start = center.saturating_sub(self.width / 2);
        let end = (center + self.width.div_ceil(2)).min(n_layers);
        start..end
    }
}

/// Which run receives states of which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Clean states are restored in the corrupted run (causal tracing).
    Denoise,
    /// Corrupted states are put into the clean run.
    Noise,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Denoise => "denoise",
            Direction::Noise => "noise",
        })
    }
}

impl FromStr for Direction {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "denoise" => Ok(Direction::Denoise),
            "noise" => Ok(Direction::Noise),
            _ => {
                Err(ParseNameError { what: "direction", given: text.to_owned(), expected: "denoise, noise" })
            }
        }
    }
}
