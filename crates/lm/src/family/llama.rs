//! Llama 1–3 (Touvron et al. 2023) and those built alike: Mistral, Qwen 2, Qwen 3.

use super::{Family, Names, QkvNames, usual_scale};
use crate::architecture::*;
use crate::{Config, ModelError};

pub(super) const NAMES: Names = Names {
    prefixes: &["model.", ""],
    embedding: "embed_tokens",
    positions: "",
    block: "layers",
    final_norm: "norm",
    head: "lm_head",
    attention_norm: "input_layernorm",
    attention_post_norm: "",
    mlp_norm: "post_attention_layernorm",
    mlp_post_norm: "",
    qkv: QkvNames::Split(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
    qk_norms: ["self_attn.q_norm", "self_attn.k_norm"],
    attention_out: "self_attn.o_proj",
    mlp_in: &["mlp.gate_proj", "mlp.up_proj"],
    mlp_out: "mlp.down_proj",
    transposed: false,
};

pub(crate) const LLAMA: Family = Family { model_type: "llama", architecture: llama, names: NAMES };
pub(crate) const MISTRAL: Family = Family { model_type: "mistral", architecture: mistral, names: NAMES };
pub(crate) const QWEN2: Family = Family { model_type: "qwen2", architecture: qwen2, names: NAMES };
pub(crate) const QWEN3: Family = Family { model_type: "qwen3", architecture: qwen3, names: NAMES };

/// What the four share: no bias, root-mean-square norms, gated mlp, rotated halves. `max_positions` is transformers'
/// default for a config that does not say.
fn common(config: &Config, model_type: &str, max_positions: usize) -> Result<Architecture, ModelError> {
    let (n_layers, d_model) = (config.layers("num_hidden_layers")?, config.size("hidden_size")?);
    let (n_heads, n_kv_heads) = config.heads("num_attention_heads", "num_key_value_heads")?;
    let d_head = config.head_width(d_model, n_heads)?;
    Ok(Architecture {
        model_type: model_type.to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: config.size("intermediate_size")?,
        d_vocab: config.size("vocab_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(max_positions),
        sliding_window: None,
        norm: NormKind::Rms,
        norm_eps: config.optional_number("rms_norm_eps")?.unwrap_or(1e-6),
        post_norms: false,
        positions: Positions::Rotary(config.rope(d_head, 1.0)?),
        wiring: Wiring::Sequential,
        attention_scale: usual_scale(d_head, n_layers),
        attention_softcap: None,
        final_softcap: None,
        qk_norm: false,
        activation: config.activation_or("hidden_act", Activation::Silu)?,
        gated: true,
        embedding_scale: 1.0,
        bias: Biases::default(),
        tied_head: config.flag("tie_word_embeddings", false)?,
    })
}

fn llama(config: &Config) -> Result<Architecture, ModelError> {
    let attention_bias = config.flag("attention_bias", false)?;
    let bias = Biases {
        qkv: attention_bias,
        attention_out: attention_bias,
        mlp: config.flag("mlp_bias", false)?,
        head: false,
    };
    Ok(Architecture { bias, ..common(config, "llama", 2048)? })
}

fn mistral(config: &Config) -> Result<Architecture, ModelError> {
    Ok(Architecture {
        sliding_window: config.sliding_window_unless_null(4096)?,
        ..common(config, "mistral", 131_072)?
    })
}

fn qwen2(config: &Config) -> Result<Architecture, ModelError> {
    Ok(Architecture {
        sliding_window: config.sliding_window_if_used()?,
        bias: Biases { qkv: true, ..Biases::default() },
        ..common(config, "qwen2", 32_768)?
    })
}

fn qwen3(config: &Config) -> Result<Architecture, ModelError> {
    let attention_bias = config.flag("attention_bias", false)?;
    Ok(Architecture {
        sliding_window: config.sliding_window_if_used()?,
        qk_norm: true,
        bias: Biases { qkv: attention_bias, attention_out: attention_bias, ..Biases::default() },
        ..common(config, "qwen3", 32_768)?
    })
}
