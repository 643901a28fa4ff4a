//! Llama 1–3 (Touvron et al. 2023) and those built alike: Mistral, Qwen 2, Qwen 3.

use super::{Family, Names, QkvNames, USUAL_SIZES, plain};
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
    let plain = plain(config, model_type, USUAL_SIZES)?;
    Ok(Architecture {
        d_mlp: config.size("intermediate_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(max_positions),
        norm: NormKind::Rms,
        norm_eps: config.optional_number("rms_norm_eps")?.unwrap_or(1e-6),
        positions: Positions::Rotary(config.rope(plain.d_head, 1.0)?),
        activation: config.activation_or("hidden_act", Activation::Silu)?,
        gated: true,
        bias: Biases::default(),
        ..plain
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
