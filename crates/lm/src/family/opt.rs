//! OPT (Zhang et al. 2022).

use super::{Family, Names, QkvNames, usual_scale};
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
    let (n_layers, d_model) = (config.layers("num_hidden_layers")?, config.size("hidden_size")?);
    let d_embedding = config.optional_size("word_embed_proj_dim")?.unwrap_or(d_model);
    if d_embedding != d_model {
        let problem = format!(
            "\"word_embed_proj_dim\" ({d_embedding}) differs from \"hidden_size\" ({d_model}), as in opt-350m; \
             projected embeddings are not supported"
        );
        return Err(ModelError::Config { problem });
    }
    let (n_heads, n_kv_heads) = config.heads("num_attention_heads", "num_attention_heads")?;
    let d_head = config.head_width(d_model, n_heads)?;
    let bias = config.flag("enable_bias", true)?;
    Ok(Architecture {
        model_type: "opt".to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: config.size("ffn_dim")?,
        d_vocab: config.size("vocab_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(2048),
        sliding_window: None,
        norm: NormKind::LayerNorm,
        norm_eps: 1e-5,
        post_norms: false,
        positions: Positions::Learned { offset: 2 },
        wiring: Wiring::Sequential,
        attention_scale: usual_scale(d_head, n_layers),
        attention_softcap: None,
        final_softcap: None,
        qk_norm: false,
        activation: config.activation_or("activation_function", Activation::Relu)?,
        gated: false,
        embedding_scale: 1.0,
        bias: Biases { qkv: bias, attention_out: bias, mlp: bias, head: false },
        tied_head: config.flag("tie_word_embeddings", true)?,
    })
}
