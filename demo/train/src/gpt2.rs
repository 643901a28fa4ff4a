//! GPT-2: learned positions, attention and then mlp, biases everywhere, the head tied to the embedding.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use serde_json::{Value, json};

use crate::model::{
    EPSILON, HEADS, Initializer, LAYERS, Model, POSITIONS, Parameters, WIDTH, positions, rows,
};
use crate::ops::{Attention, Gelu};
use crate::random::{Dropout, Stream};
use crate::tokenizer::VOCABULARY;

pub struct Gpt2 {
    parameters: Parameters,
}

impl Gpt2 {
    pub fn new(stream: Stream) -> Result<Self> {
        let mut init = Initializer::new(stream);
        init.matrix("transformer.wte", VOCABULARY, WIDTH)?;
        init.matrix("transformer.wpe", POSITIONS, WIDTH)?;
        for layer in 0..LAYERS {
            let block = format!("transformer.h.{layer}");
            init.norm(&format!("{block}.ln_1"))?;
            init.matrix(&format!("{block}.attn.c_attn"), WIDTH, 3 * WIDTH)?;
            init.bias(&format!("{block}.attn.c_attn"), 3 * WIDTH)?;
            init.residual_matrix(&format!("{block}.attn.c_proj"), WIDTH, WIDTH)?;
            init.bias(&format!("{block}.attn.c_proj"), WIDTH)?;
            init.norm(&format!("{block}.ln_2"))?;
            init.matrix(&format!("{block}.mlp.c_fc"), WIDTH, 4 * WIDTH)?;
            init.bias(&format!("{block}.mlp.c_fc"), 4 * WIDTH)?;
            init.residual_matrix(&format!("{block}.mlp.c_proj"), 4 * WIDTH, WIDTH)?;
            init.bias(&format!("{block}.mlp.c_proj"), WIDTH)?;
        }
        init.norm("transformer.ln_f")?;
        Ok(Self { parameters: init.finish() })
    }

    fn block(
        &self,
        x: Tensor,
        layer: usize,
        lengths: &Arc<Vec<usize>>,
        dropout: &mut Dropout,
    ) -> Result<Tensor> {
        let (p, block) = (&self.parameters, format!("transformer.h.{layer}"));
        let attention = Attention { heads: HEADS, lengths: lengths.clone(), rotary: None };
        let normed = p.layer_norm(&x, &format!("{block}.ln_1"))?;
        let attended = p.linear_in_out(&normed, &format!("{block}.attn.c_attn"))?.apply_op1(attention)?;
        let x = (x + dropout.apply(&p.linear_in_out(&attended, &format!("{block}.attn.c_proj"))?)?)?;
        let normed = p.layer_norm(&x, &format!("{block}.ln_2"))?;
        let inner = p.linear_in_out(&normed, &format!("{block}.mlp.c_fc"))?.apply_op1(Gelu)?;
        x + dropout.apply(&p.linear_in_out(&inner, &format!("{block}.mlp.c_proj"))?)?
    }
}

impl Model for Gpt2 {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn config(&self) -> Value {
        json!({
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.0,
            "bos_token_id": 0,
            "embd_pdrop": 0.1,
            "eos_token_id": 0,
            "initializer_range": Initializer::DEVIATION,
            "layer_norm_epsilon": EPSILON,
            "model_type": "gpt2",
            "n_embd": WIDTH,
            "n_head": HEADS,
            "n_inner": null,
            "n_layer": LAYERS,
            "n_positions": POSITIONS,
            "resid_pdrop": 0.1,
            "scale_attn_by_inverse_layer_idx": false,
            "scale_attn_weights": true,
            "tie_word_embeddings": true,
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
        let position = rows(self.parameters.get("transformer.wpe.weight")?, &positions(lengths))?;
        let mut x = dropout.apply(&(embeddings + position)?)?;
        for layer in 0..LAYERS {
            x = self.block(x, layer, lengths, dropout)?;
        }
        self.parameters.layer_norm(&x, "transformer.ln_f")
    }

    fn logits(&self, states: &Tensor) -> Result<Tensor> {
        self.parameters.linear(states, "transformer.wte")
    }
}
