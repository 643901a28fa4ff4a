//! GPT-NeoX and Pythia (Black et al. 2022, Biderman et al. 2023).

use super::{Family, Names, QkvNames, UNSHARED_SIZES, plain};
use crate::architecture::*;
use crate::{Config, ModelError};

pub(crate) const GPT_NEOX: Family = Family {
    model_type: "gpt_neox",
    architecture,
    names: Names {
        prefixes: &["gpt_neox.", ""],
        embedding: "embed_in",
        positions: "",
        block: "layers",
        final_norm: "final_layer_norm",
        head: "embed_out",
        attention_norm: "input_layernorm",
        attention_post_norm: "",
        mlp_norm: "post_attention_layernorm",
        mlp_post_norm: "",
        qkv: QkvNames::FusedByHead("attention.query_key_value"),
        qk_norms: [""; 2],
        attention_out: "attention.dense",
        mlp_in: &["mlp.dense_h_to_4h"],
        mlp_out: "mlp.dense_4h_to_h",
        transposed: false,
    },
};

fn architecture(config: &Config) -> Result<Architecture, ModelError> {
    let plain = plain(config, "gpt_neox", UNSHARED_SIZES)?;
    let attention_bias = config.flag("attention_bias", true)?;
    let parallel = config.flag("use_parallel_residual", true)?;
    Ok(Architecture {
        d_mlp: config.size("intermediate_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(2048),
        norm_eps: config.optional_number("layer_norm_eps")?.unwrap_or(1e-5),
        positions: Positions::Rotary(config.rope(plain.d_head, 0.25)?),
        wiring: if parallel { Wiring::Parallel } else { Wiring::Sequential },
        activation: config.activation_or("hidden_act", Activation::Gelu)?,
        bias: Biases { qkv: attention_bias, attention_out: attention_bias, mlp: true, head: false },
        ..plain
    })
}
