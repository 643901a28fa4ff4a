//! GPT-2 (Radford et al. 2019).

use super::{Family, Names, QkvNames};
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
    let (n_layers, d_model) = (config.layers("n_layer")?, config.size("n_embd")?);
    let (n_heads, n_kv_heads) = config.heads("n_head", "n_head")?;
    let d_head = config.head_width(d_model, n_heads)?;
    let base = if config.flag("scale_attn_weights", true)? { 1.0 / (d_head as f32).sqrt() } else { 1.0 };
    let by_layer = config.flag("scale_attn_by_inverse_layer_idx", false)?;
    let attention_scale =
        (0..n_layers).map(|layer| if by_layer { base / (layer + 1) as f32 } else { base }).collect();
    Ok(Architecture {
        model_type: "gpt2".to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: config.optional_size("n_inner")?.unwrap_or(4 * d_model),
        d_vocab: config.size("vocab_size")?,
        max_positions: config.optional_size("n_positions")?.unwrap_or(1024),
        sliding_window: None,
        norm: NormKind::LayerNorm,
        norm_eps: config.optional_number("layer_norm_epsilon")?.unwrap_or(1e-5),
        post_norms: false,
        positions: Positions::Learned { offset: 0 },
        wiring: Wiring::Sequential,
        attention_scale,
        attention_softcap: None,
        final_softcap: None,
        qk_norm: false,
        activation: config.activation_or("activation_function", Activation::GeluTanh)?,
        gated: false,
        embedding_scale: 1.0,
        bias: Biases { qkv: true, attention_out: true, mlp: true, head: false },
        tied_head: config.flag("tie_word_embeddings", true)?,
    })
}
