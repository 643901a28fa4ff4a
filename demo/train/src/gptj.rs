//! GPT-J: rotary positions, attention and mlp side by side after one norm, an untied head with a bias.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use serde_json::{Value, json};

use crate::model::{EPSILON, HEADS, Initializer, LAYERS, Model, POSITIONS, Parameters, WIDTH, rows};
use crate::ops::{Attention, Gelu, Rotary};
use crate::random::{Dropout, Stream};
use crate::tokenizer::VOCABULARY;

/// Features of each head that are turned by position.
const ROTARY_DIM: usize = 16;

pub struct Gptj {
    parameters: Parameters,
    rotary: Rotary,
}

impl Gptj {
    pub fn new(stream: Stream) -> Result<Self> {
        let mut init = Initializer::new(stream);
        init.matrix("transformer.wte", VOCABULARY, WIDTH)?;
        for layer in 0..LAYERS {
            let block = format!("transformer.h.{layer}");
            init.norm(&format!("{block}.ln_1"))?;
            for projection in ["q_proj", "k_proj", "v_proj"] {
                init.matrix(&format!("{block}.attn.{projection}"), WIDTH, WIDTH)?;
            }
            init.residual_matrix(&format!("{block}.attn.out_proj"), WIDTH, WIDTH)?;
            init.matrix(&format!("{block}.mlp.fc_in"), 4 * WIDTH, WIDTH)?;
            init.bias(&format!("{block}.mlp.fc_in"), 4 * WIDTH)?;
            init.residual_matrix(&format!("{block}.mlp.fc_out"), WIDTH, 4 * WIDTH)?;
            init.bias(&format!("{block}.mlp.fc_out"), WIDTH)?;
        }
        init.norm("transformer.ln_f")?;
        init.matrix("lm_head", VOCABULARY, WIDTH)?;
        init.bias("lm_head", VOCABULARY)?;
        Ok(Self { parameters: init.finish(), rotary: Rotary::new(ROTARY_DIM, POSITIONS) })
    }

    /// Queries, keys and values side by side, in one product.
    fn qkv(&self, x: &Tensor, block: &str) -> Result<Tensor> {
        let weight = |name: &str| self.parameters.get(&format!("{block}.attn.{name}.weight"));
        let weights = Tensor::cat(&[weight("q_proj")?, weight("k_proj")?, weight("v_proj")?], 0)?;
        x.matmul(&weights.t()?)
    }

    fn block(
        &self,
        x: Tensor,
        layer: usize,
        lengths: &Arc<Vec<usize>>,
        dropout: &mut Dropout,
    ) -> Result<Tensor> {
        let (p, block) = (&self.parameters, format!("transformer.h.{layer}"));
        let rotary = Some(self.rotary.clone());
        let normed = p.layer_norm(&x, &format!("{block}.ln_1"))?;
        let attention = Attention { heads: HEADS, lengths: lengths.clone(), rotary };
        let attended = self.qkv(&normed, &block)?.apply_op1(attention)?;
        let attended = dropout.apply(&p.linear(&attended, &format!("{block}.attn.out_proj"))?)?;
        let inner = p.linear_bias(&normed, &format!("{block}.mlp.fc_in"))?.apply_op1(Gelu)?;
        let inner = dropout.apply(&p.linear_bias(&inner, &format!("{block}.mlp.fc_out"))?)?;
        (x + attended)? + inner
    }
}

impl Model for Gptj {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn config(&self) -> Value {
        json!({
            "activation_function": "gelu_new",
            "architectures": ["GPTJForCausalLM"],
            "attn_pdrop": 0.0,
            "bos_token_id": 0,
            "embd_pdrop": 0.1,
            "eos_token_id": 0,
            "initializer_range": Initializer::DEVIATION,
            "layer_norm_epsilon": EPSILON,
            "model_type": "gptj",
            "n_embd": WIDTH,
            "n_head": HEADS,
            "n_inner": null,
            "n_layer": LAYERS,
            "n_positions": POSITIONS,
            "resid_pdrop": 0.1,
            "rotary_dim": ROTARY_DIM,
            "tie_word_embeddings": false,
            "dtype": "float16",
            "vocab_size": VOCABULARY,
        })
    }

    fn embed(&self, tokens: &[u32]) -> Result<Tensor> {
        rows(self.parameters.get("transformer.wte.weight")?, tokens)
    }

    fn states(
        &self,
        embeddings: &Tensor,
        lengths: &Arc<Vec<usize>>,
        dropout: &mut Dropout,
    ) -> Result<Tensor> {
        let mut x = dropout.apply(embeddings)?;
        for layer in 0..LAYERS {
            x = self.block(x, layer, lengths, dropout)?;
        }
        self.parameters.layer_norm(&x, "transformer.ln_f")
    }

    fn logits(&self, states: &Tensor) -> Result<Tensor> {
        self.parameters.linear_bias(states, "lm_head")
    }
}
