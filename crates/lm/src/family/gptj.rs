//! GPT-J (Wang and Komatsuzaki 2021).

use super::{Family, Names, QkvNames, usual_scale};
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
    let (n_layers, d_model) = (config.layers("n_layer")?, config.size("n_embd")?);
    let (n_heads, n_kv_heads) = config.heads("n_head", "n_head")?;
    let d_head = config.head_width(d_model, n_heads)?;
    let d_rotary = config.number_unless_null("rotary_dim", 64.0)?.map_or(d_head, |width| width as usize);
    if d_rotary > d_head || d_rotary % 2 == 1 {
        let problem = format!("\"rotary_dim\" is {d_rotary}, expected an even number up to {d_head}");
        return Err(ModelError::Config { problem });
    }
    Ok(Architecture {
        model_type: "gptj".to_owned(),
        n_layers,
        d_model,
        n_heads,
        n_kv_heads,
        d_head,
        d_mlp: config.optional_size("n_inner")?.unwrap_or(4 * d_model),
        d_vocab: config.size("vocab_size")?,
        max_positions: config.optional_size("n_positions")?.unwrap_or(2048),
        sliding_window: None,
        norm: NormKind::LayerNorm,
        norm_eps: config.optional_number("layer_norm_epsilon")?.unwrap_or(1e-5),
        post_norms: false,
        positions: Positions::Rotary(Rope::new(d_rotary, 10_000.0, RopePairs::Neighbours, RopeScaling::None)),
        wiring: Wiring::ParallelSharedNorm,
        attention_scale: usual_scale(d_head, n_layers),
        attention_softcap: None,
        final_softcap: None,
        qk_norm: false,
        activation: config.activation_or("activation_function", Activation::GeluTanh)?,
        gated: false,
        embedding_scale: 1.0,
        bias: Biases { qkv: false, attention_out: false, mlp: true, head: true },
        tied_head: config.flag("tie_word_embeddings", false)?,
    })
}
