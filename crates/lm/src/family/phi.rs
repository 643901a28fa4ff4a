//! Phi-1, 1.5 and 2 (Li et al. 2023).

use super::{Family, Names, QkvNames, llama, usual_scale};
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
    let (n_layers, d_model) = (config.layers("num_hidden_layers")?, config.size("hidden_size")?);
    let (n_heads, n_kv_heads) = config.heads("num_attention_heads", "num_key_value_heads")?;
    let d_head = config.head_width(d_model, n_heads)?;
    Ok(Architecture {
        model_type: "phi".to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: config.size("intermediate_size")?,
        d_vocab: config.size("vocab_size")?,
        max_positions: config.optional_size("max_position_embeddings")?.unwrap_or(2048),
        sliding_window: None,
        norm: NormKind::LayerNorm,
        norm_eps: config.optional_number("layer_norm_eps")?.unwrap_or(1e-5),
        post_norms: false,
        positions: Positions::Rotary(config.rope(d_head, 0.5)?),
        wiring: Wiring::ParallelSharedNorm,
        attention_scale: usual_scale(d_head, n_layers),
        attention_softcap: None,
        final_softcap: None,
        qk_norm: false,
        activation: config.activation_or("hidden_act", Activation::GeluTanh)?,
        gated: false,
        embedding_scale: 1.0,
        bias: Biases { qkv: true, attention_out: true, mlp: true, head: true },
        tied_head: config.flag("tie_word_embeddings", false)?,
    })
}
