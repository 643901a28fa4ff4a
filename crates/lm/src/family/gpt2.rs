//! GPT-2 (Radford et al. 2019).

use super::{Family, GPT2_SIZES, Names, QkvNames, plain};
use crate::architecture::*;
use crate::{Config, ModelError};

pub(crate) const GPT2: Family = Family {
    model_type: "gpt2",
    architecture,
    names: Names {
        prefixes: &["transformer.", ""],
        embedding: "wte",
        positions: "wpe",
        block: "h",
        final_norm: "ln_f",
        head: "lm_head",
        attention_norm: "ln_1",
        attention_post_norm: "",
        mlp_norm: "ln_2",
        mlp_post_norm: "",
        qkv: QkvNames::Fused("attn.c_attn"),
        qk_norms: [""; 2],
        attention_out: "attn.c_proj",
        mlp_in: &["mlp.c_fc"],
        mlp_out: "mlp.c_proj",
        transposed: true,
    },
};

fn architecture(config: &Config) -> Result<Architecture, ModelError> {
    config.refuse("add_cross_attention", true)?;
    let plain = plain(config, "gpt2", GPT2_SIZES)?;
    let base =
        if config.flag("scale_attn_weights", true)? { 1.0 / (plain.d_head as f32).sqrt() } else { 1.0 };
    let by_layer = config.flag("scale_attn_by_inverse_layer_idx", false)?;
    let scale = |layer: usize| if by_layer { base / (layer + 1) as f32 } else { base };
    Ok(Architecture {
        d_mlp: config.optional_size("n_inner")?.unwrap_or(plain.d_mlp),
        max_positions: config.optional_size("n_positions")?.unwrap_or(1024),
        norm_eps: config.optional_number("layer_norm_epsilon")?.unwrap_or(1e-5),
        attention_scale: (0..plain.n_layers).map(scale).collect(),
        activation: config.activation_or("activation_function", Activation::GeluTanh)?,
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..plain
    })
}
