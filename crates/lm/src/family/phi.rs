//! Phi-1, 1.5 and 2 (Li et al. 2023).

use super::{Family, Names, QkvNames, USUAL_SIZES, llama, plain};
use crate::architecture::*;
use crate::{Config, ModelError};

pub(crate) const PHI: Family = Family {
    model_type: "phi",
    architecture,
    names: Names {
        final_norm: "final_layernorm",
        mlp_norm: "",
        qkv: QkvNames::Split(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
        attention_out: "self_attn.dense",
        mlp_in: &["mlp.fc1"],
        mlp_out: "mlp.fc2",
        ..llama::NAMES
    },
};

fn architecture(config: &Config) -> Result<Architecture, ModelError> {
    config.refuse("qk_layernorm", true)?;
    let plain = plain(config, "phi", USUAL_SIZES)?;
    Ok(Architecture {
        d_mlp: config.size("intermediate_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(2048),
        norm_eps: config.optional_number("layer_norm_eps")?.unwrap_or(1e-5),
        positions: Positions::Rotary(config.rope(plain.d_head, 0.5)?),
        wiring: Wiring::ParallelSharedNorm,
        activation: config.activation_or("hidden_act", Activation::GeluTanh)?,
        bias: Biases { head: true, ..plain.bias },
        ..plain
    })
}
