//! How a decoder is wired: plain data that the families fill in and [`crate::Block`] follows.

use crate::rope::Rope;

/// The size and the wiring of a decoder-only model.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// Hugging Face's `model_type`.
    pub model_type: String,
    /// Number of blocks.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Width of the mlp's middle.
    pub d_mlp: usize,
    /// Rows of the token embedding.
    pub d_vocab: usize,
    /// Longest prompt in tokens.
    pub max_positions: usize,
    /// Longest prompt that local attention layers see whole.
    pub sliding_window: Option<usize>,
    /// Kind of all norms.
    pub norm: NormKind,
    /// The norms' ε.
    pub norm_eps: f32,
    /// Attention's and the mlp's outputs are normalised before they are added (Gemma 2).
    pub post_norms: bool,
    /// How a token's position enters.
    pub positions: Positions,
    /// How attention and mlp hang on the residual stream.
    pub wiring: Wiring,
    /// Factor of the attention scores, for each layer.
    pub attention_scale: Vec<f32>,
    /// Attention scores `s` become `cap · tanh(s / cap)`.
    pub attention_softcap: Option<f32>,
    /// Logits `z` become `cap · tanh(z / cap)`.
    pub final_softcap: Option<f32>,
    /// Queries and keys are normalised head by head before the rotation.
    pub qk_norm: bool,
    /// The mlp's activation.
    pub activation: Activation,
    /// The mlp is `down(act(gate(x)) · up(x))` instead of `down(act(up(x)))`.
    pub gated: bool,
    /// Factor of the token embeddings (Gemma 2: √d_model).
    pub embedding_scale: f32,
    /// Which linear maps have a bias.
    pub bias: Biases,
    /// The unembedding is the token embedding.
    pub tied_head: bool,
}

/// Which linear maps have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Biases {
    /// Queries, keys and values.
    pub qkv: bool,
    /// The attention's output.
    pub attention_out: bool,
    /// Both ends of the mlp.
    pub mlp: bool,
    /// The unembedding.
    pub head: bool,
}

/// Kind of a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Mean and variance, weight and bias.
    LayerNorm,
    /// Root mean square, weight only.
    Rms,
    /// Root mean square, with weight `1 + w` (Gemma).
    RmsUnitOffset,
}

/// How a token's position enters.
#[derive(Debug, Clone, PartialEq)]
pub enum Positions {
    /// A learned embedding is added; position `t` has row `t + offset`.
    Learned {
        /// Rows to skip (OPT: 2).
        offset: usize,
    },
    /// Queries and keys are rotated.
    Rotary(Rope),
}

/// How attention and mlp hang on the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// The mlp reads what attention has added.
    Sequential,
    /// Attention and mlp read the same normalised input (GPT-J, Phi).
    ParallelSharedNorm,
    /// Attention and mlp read the same input through norms of their own (GPT-NeoX).
    Parallel,
}

/// The mlp's activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · Φ(x)` with the error function.
    Gelu,
    /// The tanh approximation of the same.
    GeluTanh,
    /// `x · σ(1.702 x)`.
    QuickGelu,
    /// `x · σ(x)`.
    Silu,
    /// `max(x, 0)`.
    Relu,
}

impl Architecture {
    /// Width of the queries of all heads together.
    #[must_use]
    pub fn d_queries(&self) -> usize {
        self.n_heads * self.d_head
    }

    /// Width of the keys (or values) of all heads together.
    #[must_use]
    pub fn d_keys(&self) -> usize {
        self.n_kv_heads * self.d_head
    }
}
