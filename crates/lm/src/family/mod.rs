//! The supported architectures: for each, only names, the config's mapping and the wiring.

mod gemma2;
mod gpt2;
mod gpt_neox;
mod gptj;
mod llama;
mod opt;
mod phi;

use crate::architecture::*;
use crate::{Config, ModelError};

/// A family: how its config is read, and what its tensors are called.
pub(crate) struct Family {
    /// `model_type` in `config.json`.
    pub model_type: &'static str,
    /// Reads the config.
    pub architecture: fn(&Config) -> Result<Architecture, ModelError>,
    /// The tensors' names.
    pub names: Names,
}

/// What a family's tensors are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// Prefixes that checkpoints have, the usual one first: those of the bare decoder have another or none.
    pub prefixes: &'static [&'static str],
    /// Token embedding, below the prefix.
    pub embedding: &'static str,
    /// Position embedding, below the prefix.
    pub positions: &'static str,
    /// Blocks, below the prefix; followed by the layer's number.
    pub block: &'static str,
    /// The norm before the head, below the prefix.
    pub final_norm: &'static str,
    /// The head, without prefix.
    pub head: &'static str,
    /// The norm of attention's input (or of the stream after it).
    pub attention_norm: &'static str,
    /// The norm of attention's output (Gemma 2).
    pub attention_post_norm: &'static str,
    /// The norm of the mlp's input (or of the stream after it).
    pub mlp_norm: &'static str,
    /// The norm of the mlp's output (Gemma 2).
    pub mlp_post_norm: &'static str,
    /// Queries, keys and values.
    pub qkv: QkvNames,
    /// The norms of queries and keys (Qwen 3).
    pub qk_norms: [&'static str; 2],
    /// Attention's output map.
    pub attention_out: &'static str,
    /// The maps into the mlp's middle: one, or gate and up.
    pub mlp_in: &'static [&'static str],
    /// The map out of it.
    pub mlp_out: &'static str,
    /// Weights are `[n_in, n_out]` (GPT-2's `Conv1D`).
    pub transposed: bool,
}

/// How queries, keys and values are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum QkvNames {
    /// Three maps.
    Split([&'static str; 3]),
    /// One map: all queries, all keys, all values.
    Fused(&'static str),
    /// One map: head by head, each with its query, key and value (GPT-NeoX).
    FusedByHead(&'static str),
}

const FAMILIES: [&Family; 10] = [
    &gpt2::GPT2,
    &gptj::GPTJ,
    &gpt_neox::GPT_NEOX,
    &llama::LLAMA,
    &llama::MISTRAL,
    &llama::QWEN2,
    &llama::QWEN3,
    &gemma2::GEMMA2,
    &phi::PHI,
    &opt::OPT,
];

/// The supported values of `model_type`, in the order of the documentation.
#[must_use]
pub fn supported_model_types() -> [&'static str; 10] {
    FAMILIES.map(|family| family.model_type)
}

/// The family that a config belongs to.
pub(crate) fn of(config: &Config) -> Result<&'static Family, ModelError> {
    let model_type = config.text("model_type")?;
    FAMILIES.into_iter().find(|family| family.model_type == model_type).ok_or_else(|| {
        ModelError::UnknownModelType {
            model_type: model_type.to_owned(),
            supported: supported_model_types().join(", "),
        }
    })
}

/// What the fields of a config are called: layers, width, heads, key and value heads.
type SizeNames = [&'static str; 4];

const GPT2_SIZES: SizeNames = ["n_layer", "n_embd", "n_head", "n_head"];
const USUAL_SIZES: SizeNames =
    ["num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads"];
/// Families without shared keys and values, which ignore `num_key_value_heads`.
const UNSHARED_SIZES: SizeNames =
    ["num_hidden_layers", "hidden_size", "num_attention_heads", "num_attention_heads"];

/// A plain GPT-2 of the config's sizes, from which every family says where it differs.
fn plain(config: &Config, model_type: &str, names: SizeNames) -> Result<Architecture, ModelError> {
    let [layers, width, heads, kv_heads] = names;
    let (n_layers, d_model) = (config.layers(layers)?, config.size(width)?);
    let (n_heads, n_kv_heads) = config.heads(heads, kv_heads)?;
    let d_head = config.head_width(d_model, n_heads)?;
    Ok(Architecture {
        model_type: model_type.to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: 4 * d_model,
        d_vocab: config.size("vocab_size")?,
        max_positions: 1024,
        sliding_window: None,
        norm: NormKind::LayerNorm,
        norm_eps: 1e-5,
        post_norms: false,
        positions: Positions::Learned { offset: 0 },
        wiring: Wiring::Sequential,
        attention_scale: vec![1.0 / (d_head as f32).sqrt(); n_layers],
        attention_softcap: None,
        final_softcap: None,
        qk_norm: false,
        activation: Activation::GeluTanh,
        gated: false,
        embedding_scale: 1.0,
        bias: Biases { qkv: true, attention_out: true, mlp: true, head: false },
        tied_head: config.flag("tie_word_embeddings", false)?,
    })
}
