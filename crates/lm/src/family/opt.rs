//! OPT (Zhang et al. 2022).

use super::{Family, Names, QkvNames, UNSHARED_SIZES, plain};
use crate::architecture::*;
use crate::{Config, ModelError};

pub(crate) const OPT: Family = Family {
    model_type: "opt",
    architecture,
    names: Names {
        prefixes: &["model.decoder.", "decoder."],
        embedding: "embed_tokens",
        positions: "embed_positions",
        block: "layers",
        final_norm: "final_layer_norm",
        head: "lm_head",
        attention_norm: "self_attn_layer_norm",
        attention_post_norm: "",
        mlp_norm: "final_layer_norm",
        mlp_post_norm: "",
        qkv: QkvNames::Split(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
        qk_norms: [""; 2],
        attention_out: "self_attn.out_proj",
        mlp_in: &["fc1"],
        mlp_out: "fc2",
        transposed: false,
    },
};

fn architecture(config: &Config) -> Result<Architecture, ModelError> {
    config.refuse("do_layer_norm_before", false)?;
    config.refuse("layer_norm_elementwise_affine", false)?;
    config.refuse("_remove_final_layer_norm", true)?;
    let plain = plain(config, "opt", UNSHARED_SIZES)?;
    let d_model = plain.d_model;
    let d_embedding = config.optional_size("word_embed_proj_dim")?.unwrap_or(d_model);
    if d_embedding != d_model {
        let problem = format!(
            "\"word_embed_proj_dim\" ({d_embedding}) differs from \"hidden_size\" ({d_model}), as in opt-350m; \
             projected embeddings are not supported"
        );
        return Err(ModelError::Config { problem });
    }
    let bias = config.flag("enable_bias", true)?;
    Ok(Architecture {
        d_mlp: config.size("ffn_dim")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(2048),
        positions: Positions::Learned { offset: 2 },
        activation: config.activation_or("activation_function", Activation::Relu)?,
        bias: Biases { qkv: bias, attention_out: bias, mlp: bias, head: false },
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..plain
    })
}
