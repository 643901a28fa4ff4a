//! Gemma 2 (Gemma Team 2024).

use super::{Family, Names, USUAL_SIZES, llama, plain};
use crate::architecture::*;
use crate::{Config, ModelError};

pub(crate) const GEMMA2: Family = Family {
    model_type: "gemma2",
    architecture,
    names: Names {
        attention_post_norm: "post_attention_layernorm",
        mlp_norm: "pre_feedforward_layernorm",
        mlp_post_norm: "post_feedforward_layernorm",
        ..llama::NAMES
    },
};

fn architecture(config: &Config) -> Result<Architecture, ModelError> {
    let plain = plain(config, "gemma2", USUAL_SIZES)?;
    let scale = config.optional_number("query_pre_attn_scalar")?.unwrap_or(256.0).powf(-0.5);
    let attention_bias = config.flag("attention_bias", false)?;
    Ok(Architecture {
        d_mlp: config.size("intermediate_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(8192),
        sliding_window: config.sliding_window_unless_null(4096)?,
        norm: NormKind::RmsUnitOffset,
        norm_eps: config.optional_number("rms_norm_eps")?.unwrap_or(1e-6),
        post_norms: true,
        positions: Positions::Rotary(config.rope(plain.d_head, 1.0)?),
        attention_scale: vec![scale; plain.n_layers],
        attention_softcap: config.number_unless_null("attn_logit_softcapping", 50.0)?,
        final_softcap: config.number_unless_null("final_logit_softcapping", 30.0)?,
        activation: config.activation_or("hidden_activation", Activation::GeluTanh)?,
        gated: true,
        embedding_scale: (plain.d_model as f32).sqrt(),
        bias: Biases { qkv: attention_bias, attention_out: attention_bias, ..Biases::default() },
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..plain
    })
}
