//! Gemma 2 (Gemma Team 2024).

use super::{Family, Names, llama};
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
    let (n_layers, d_model) = (config.layers("num_hidden_layers")?, config.size("hidden_size")?);
    let (n_heads, n_kv_heads) = config.heads("num_attention_heads", "num_key_value_heads")?;
    let d_head = config.head_width(d_model, n_heads)?;
    let scale = config.optional_number("query_pre_attn_scalar")?.unwrap_or(256.0).powf(-0.5);
    let attention_bias = config.flag("attention_bias", false)?;
    let activation = config.activation_or("hidden_activation", Activation::GeluTanh)?;
    Ok(Architecture {
        model_type: "gemma2".to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: config.size("intermediate_size")?,
        d_vocab: config.size("vocab_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(8192),
        sliding_window: config.sliding_window_unless_null(4096)?,
        norm: NormKind::RmsUnitOffset,
        norm_eps: config.optional_number("rms_norm_eps")?.unwrap_or(1e-6),
        post_norms: true,
        positions: Positions::Rotary(config.rope(d_head, 1.0)?),
        wiring: Wiring::Sequential,
        attention_scale: vec![scale; n_layers],
        attention_softcap: config.number_unless_null("attn_logit_softcapping", 50.0)?,
        final_softcap: config.number_unless_null("final_logit_softcapping", 30.0)?,
        qk_norm: false,
        activation,
        gated: true,
        embedding_scale: (d_model as f32).sqrt(),
        bias: Biases { qkv: attention_bias, attention_out: attention_bias, ..Biases::default() },
        tied_head: config.flag("tie_word_embeddings", true)?,
    })
}
