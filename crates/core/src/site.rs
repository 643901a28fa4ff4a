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
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// The block's output: the residual stream after layer `l` (`resid_post`).
    Residual,
    /// The output of the mlp before it is added to the residual stream.
    Mlp,
    /// The output of the attention module before it is added to the residual stream.
    #[serde(rename = "attn")]
    Attention,
    /// The block's input: the residual stream before layer `l`. Layer 0's is the embedding.
    ResidPre,
    /// The residual stream between attention and mlp, which models whose mlp stands beside attention do not have.
    /// Restored at one token it does what [`Component::Residual`] does: that token's mlp reads nothing else.
    ResidMid,
    /// [`Component::Residual`], while the token's mlp outputs are held at the patched run's unpatched values in all
    /// layers (ROME's severed tracing).
    MlpSevered,
    /// The same with the attention outputs held.
    #[serde(rename = "attn_severed")]
    AttentionSevered,
}

impl Component {
    /// All components, in the order in which they are reported.
    pub const ALL: [Component; 7] = [
        Component::Residual,
        Component::Mlp,
        Component::Attention,
        Component::ResidPre,
        Component::ResidMid,
        Component::MlpSevered,
        Component::AttentionSevered,
    ];

    /// The three of ROME's figures, which `all` stands for.
    pub const ROME: [Component; 3] = [Component::Residual, Component::Mlp, Component::Attention];

    /// The `kind` of a case file: ROME's `''`, `'mlp'` or `'attn'`; the others' names.
    #[must_use]
    pub fn rome_kind(self) -> &'static str {
        match self {
            Component::Residual => "",
            other => other.name(),
        }
    }

    /// What a file name of this component ends in: `""` for the residual stream, else the name after an underscore.
    #[must_use]
    pub fn file_suffix(self) -> &'static str {
        match self {
            Component::Residual => "",
            Component::Mlp => "_mlp",
            Component::Attention => "_attn",
            Component::ResidPre => "_resid_pre",
            Component::ResidMid => "_resid_mid",
            Component::MlpSevered => "_mlp_severed",
            Component::AttentionSevered => "_attn_severed",
        }
    }

    /// The command line's and the data's name, as in `residual` or `attn`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Component::Residual => "residual",
            Component::Mlp => "mlp",
            Component::Attention => "attn",
            Component::ResidPre => "resid_pre",
            Component::ResidMid => "resid_mid",
            Component::MlpSevered => "mlp_severed",
            Component::AttentionSevered => "attn_severed",
        }
    }

    /// What is held at the patched run's unpatched values while the residual stream is restored.
    #[must_use]
    pub fn severed(self) -> Option<Component> {
        match self {
            Component::MlpSevered => Some(Component::Mlp),
            Component::AttentionSevered => Some(Component::Attention),
            _ => None,
        }
    }

    /// How many layers are restored at once, of the two settings: `window` for mlp and attention, `residual_window`
    /// for the residual stream. Severed tracing restores a single state.
    #[must_use]
    pub fn window(self, window: Window, residual_window: Window) -> Window {
        match self {
            Component::Mlp | Component::Attention => window,
            Component::Residual | Component::ResidPre | Component::ResidMid => residual_window,
            Component::MlpSevered | Component::AttentionSevered => Window::SINGLE,
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Component {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Component::ALL.into_iter().find(|component| component.name() == text).ok_or_else(|| ParseNameError {
            what: "component",
            given: text.to_owned(),
            expected: "residual, mlp, attn, resid_pre, resid_mid, mlp_severed, attn_severed",
        })
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
        let (hook, held) = match self.component {
            Component::Residual => ("hook_resid_post", ""),
            Component::Mlp => ("hook_mlp_out", ""),
            Component::Attention => ("hook_attn_out", ""),
            Component::ResidPre => ("hook_resid_pre", ""),
            Component::ResidMid => ("hook_resid_mid", ""),
            Component::MlpSevered => ("hook_resid_post", " (mlp severed)"),
            Component::AttentionSevered => ("hook_resid_post", " (attention severed)"),
        };
        write!(f, "blocks.{}.{hook}@{}{held}", self.layer, self.token)
    }
}

/// How many layers around a site's layer are restored at once (Meng et al. 2022, appendix B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Number of layers away from the edges of the model; at least 1.
    pub width: usize,
}

impl Window {
    /// ROME's width.
    pub const ROME: Window = Window { width: 10 };
    /// One layer.
    pub const SINGLE: Window = Window { width: 1 };

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
