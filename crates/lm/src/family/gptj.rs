//! GPT-J (Wang and Komatsuzaki 2021).

use super::{Family, GPT2_SIZES, Names, QkvNames, plain};
use crate::architecture::*;
use crate::rope::{Rope, RopePairs, RopeScaling};
use crate::{Config, ModelError};

pub(crate) const GPTJ: Family = Family {
    model_type: "gptj",
    architecture,
    names: Names {
        prefixes: &["transformer.", ""],
        embedding: "wte",
        positions: "",
        block: "h",
        final_norm: "ln_f",
        head: "lm_head",
        attention_norm: "ln_1",
        attention_post_norm: "",
        mlp_norm: "",
        mlp_post_norm: "",
        qkv: QkvNames::Split(["attn.q_proj", "attn.k_proj", "attn.v_proj"]),
        qk_norms: [""; 2],
        attention_out: "attn.out_proj",
        mlp_in: &["mlp.fc_in"],
        mlp_out: "mlp.fc_out",
        transposed: false,
    },
};

fn architecture(config: &Config) -> Result<Architecture, ModelError> {
    let plain = plain(config, "gptj", GPT2_SIZES)?;
    let d_head = plain.d_head;
    let d_rotary = config.number_unless_null("rotary_dim", 64.0)?.map_or(d_head, |width| width as usize);
    if d_rotary == 0 || d_rotary > d_head || d_rotary % 2 == 1 {
        let problem = format!("\"rotary_dim\" is {d_rotary}, expected an even number from 2 to {d_head}");
        return Err(ModelError::Config { problem });
    }
    Ok(Architecture {
        d_mlp: config.optional_size("n_inner")?.unwrap_or(plain.d_mlp),
        max_positions: config.optional_size("n_positions")?.unwrap_or(2048),
        norm_eps: config.optional_number("layer_norm_epsilon")?.unwrap_or(1e-5),
        positions: Positions::Rotary(Rope::new(d_rotary, 10_000.0, RopePairs::Neighbours, RopeScaling::None)),
        wiring: Wiring::ParallelSharedNorm,
        activation: config.activation_or("activation_function", Activation::GeluTanh)?,
        bias: Biases { qkv: false, attention_out: false, mlp: true, head: true },
        ..plain
    })
}
