//! From a checkpoint's tensors to a [`Model`].

use std::path::Path;

use causal_trace_core::Precision;

use crate::architecture::Architecture;
use crate::family::{self, Names, QkvNames};
use crate::kernels::{AttentionShape, Linear, Norm};
use crate::tokenizer::Tokenizer;
use crate::weights::{Weights, WeightsError};
use crate::{Block, Config, Model, ModelError, NormKind, Positions};

/// A model with its tokenizer.
#[derive(Debug)]
pub struct LanguageModel {
    /// The network.
    pub model: Model,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
}

impl LanguageModel {
    /// Opens a folder in Hugging Face layout.
    ///
    /// # Errors
    /// When a file is missing or damaged, the architecture is not supported, a tensor is missing or has another
    /// shape than the config says, or the tokenizer has more tokens than the embedding.
    pub fn open(folder: &Path, precision: Precision) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let config = std::fs::read_to_string(&path).map_err(|source| ModelError::Read { path, source })?;
        let config = Config::parse(&config)?;
        // The config before the weights: a model that is not supported is said to be so at once.
        family::of(&config)?;
        Self::checked(build(&config, &Weights::open(folder)?, precision)?, Tokenizer::open(folder)?)
    }

    /// Builds a model that is part of the program.
    ///
    /// # Errors
    /// The same as for [`LanguageModel::open`].
    pub fn from_parts(
        config: &str,
        weights: &Weights,
        tokenizer: &[u8],
        precision: Precision,
    ) -> Result<Self, ModelError> {
        Self::checked(build(&Config::parse(config)?, weights, precision)?, Tokenizer::from_bytes(tokenizer)?)
    }

    fn checked(model: Model, tokenizer: Tokenizer) -> Result<Self, ModelError> {
        let (tokens, embedding) = (tokenizer.vocab_size(), model.architecture.d_vocab);
        if tokens > embedding {
            return Err(ModelError::TokenizerMismatch { tokenizer: tokens, embedding });
        }
        Ok(LanguageModel { model, tokenizer })
    }
}

fn build(config: &Config, weights: &Weights, precision: Precision) -> Result<Model, ModelError> {
    let family = family::of(config)?;
    let architecture = (family.architecture)(config)?;
    let names = &family.names;
    let holds_embedding = |prefix: &&&str| weights.contains(&format!("{prefix}{}.weight", names.embedding));
    // Without any, the first one makes the error name the usual tensor.
    let prefix = names.prefixes.iter().find(holds_embedding).unwrap_or(&names.prefixes[0]);
    let mut tensor = |name: &str, shape: &[usize]| {
        let view = weights.tensor(name)?;
        view.expect_shape(shape)?;
        Ok(view.to_f32())
    };
    Builder { architecture, names: &family.names, prefix, precision, tensor: &mut tensor }.model()
}

impl Model {
    /// A model of any supported family and shape, with weights from `tensor` (called with each tensor's name and
    /// shape): for benchmarks and property tests.
    ///
    /// # Errors
    /// When the config is not one of a supported family.
    pub fn from_source(
        config: &str,
        precision: Precision,
        tensor: &mut dyn FnMut(&str, &[usize]) -> Vec<f32>,
    ) -> Result<Self, ModelError> {
        let config = Config::parse(config)?;
        let family = family::of(&config)?;
        let architecture = (family.architecture)(&config)?;
        let mut source = |name: &str, shape: &[usize]| Ok(tensor(name, shape));
        let (names, prefix) = (&family.names, family.names.prefixes[0]);
        Builder { architecture, names, prefix, precision, tensor: &mut source }.model()
    }
}

type TensorSource<'a> = dyn FnMut(&str, &[usize]) -> Result<Vec<f32>, WeightsError> + 'a;

struct Builder<'a> {
    architecture: Architecture,
    names: &'a Names,
    prefix: &'a str,
    precision: Precision,
    tensor: &'a mut TensorSource<'a>,
}

impl Builder<'_> {
    fn model(mut self) -> Result<Model, ModelError> {
        let (prefix, names) = (self.prefix.to_owned(), *self.names);
        let (d_model, d_vocab) = (self.architecture.d_model, self.architecture.d_vocab);
        let token_embedding =
            (self.tensor)(&format!("{prefix}{}.weight", names.embedding), &[d_vocab, d_model])?;
        let position_embedding = match self.architecture.positions {
            Positions::Rotary(_) => Vec::new(),
            Positions::Learned { offset } => {
                let shape = [self.architecture.max_positions + offset, d_model];
                (self.tensor)(&format!("{prefix}{}.weight", names.positions), &shape)?
            }
        };
        let blocks =
            (0..self.architecture.n_layers).map(|layer| self.block(layer)).collect::<Result<_, _>>()?;
        let final_norm =
            self.norm(&format!("{prefix}{}", names.final_norm), d_model, self.architecture.norm)?;
        let head = if self.architecture.tied_head {
            let bias = self.bias(names.head, d_vocab, self.architecture.bias.head)?;
            Linear::from_out_in(self.precision, &token_embedding, bias, d_model, d_vocab)
        } else {
            let weight = (self.tensor)(&format!("{}.weight", names.head), &[d_vocab, d_model])?;
            let bias = self.bias(names.head, d_vocab, self.architecture.bias.head)?;
            Linear::from_out_in(self.precision, &weight, bias, d_model, d_vocab)
        };
        let architecture = self.architecture;
        let precision = self.precision;
        Ok(Model { architecture, precision, token_embedding, position_embedding, blocks, final_norm, head })
    }

    fn block(&mut self, layer: usize) -> Result<Block, ModelError> {
        let names = *self.names;
        let place = format!("{}{}.{layer}.", self.prefix, names.block);
        let at = |name: &str| format!("{place}{name}");
        let architecture = self.architecture.clone();
        let Architecture { d_model, d_mlp, d_head, norm: kind, bias, .. } = architecture;
        let d_queries = architecture.d_queries();
        let mut optional = |present: bool, name: &str, width: usize| {
            if present { self.norm(&at(name), width, kind).map(Some) } else { Ok(None) }
        };
        let mlp_norm = optional(!names.mlp_norm.is_empty(), names.mlp_norm, d_model)?;
        let attention_post_norm = optional(architecture.post_norms, names.attention_post_norm, d_model)?;
        let mlp_post_norm = optional(architecture.post_norms, names.mlp_post_norm, d_model)?;
        let query_norm = optional(architecture.qk_norm, names.qk_norms[0], d_head)?;
        let key_norm = optional(architecture.qk_norm, names.qk_norms[1], d_head)?;
        Ok(Block {
            wiring: architecture.wiring,
            shape: AttentionShape {
                n_heads: architecture.n_heads,
                n_kv_heads: architecture.n_kv_heads,
                d_head,
                scale: architecture.attention_scale[layer],
                soft_cap: architecture.attention_softcap,
            },
            attention_norm: self.norm(&at(names.attention_norm), d_model, kind)?,
            qkv: self.qkv(&place)?,
            qk_norms: query_norm.zip(key_norm).map(|(query, key)| [query, key]),
            attention_out: self.linear(
                &[at(names.attention_out)],
                d_queries,
                &[d_model],
                bias.attention_out,
            )?,
            attention_post_norm,
            mlp_norm,
            activation: architecture.activation,
            gated: architecture.gated,
            mlp_in: self.linear(
                &names.mlp_in.iter().map(|name| at(name)).collect::<Vec<_>>(),
                d_model,
                &vec![d_mlp; names.mlp_in.len()],
                bias.mlp,
            )?,
            mlp_out: self.linear(&[at(names.mlp_out)], d_mlp, &[d_model], bias.mlp)?,
            mlp_post_norm,
        })
    }

    fn qkv(&mut self, place: &str) -> Result<Linear, ModelError> {
        let d_model = self.architecture.d_model;
        let (d_queries, d_keys) = (self.architecture.d_queries(), self.architecture.d_keys());
        let bias = self.architecture.bias.qkv;
        match self.names.qkv {
            QkvNames::Split(names) => {
                let names = names.map(|name| format!("{place}{name}"));
                self.linear(&names, d_model, &[d_queries, d_keys, d_keys], bias)
            }
            QkvNames::Fused(name) => {
                self.linear(&[format!("{place}{name}")], d_model, &[d_queries + 2 * d_keys], bias)
            }
            QkvNames::FusedByHead(name) => self.qkv_by_head(&format!("{place}{name}"), bias),
        }
    }

    /// Reorders `[head][q, k, v]` to `[q, k, v][head]`.
    fn qkv_by_head(&mut self, name: &str, has_bias: bool) -> Result<Linear, ModelError> {
        let Architecture { d_model, d_head, n_heads, .. } = self.architecture;
        let n_out = 3 * n_heads * d_head;
        let weight = (self.tensor)(&format!("{name}.weight"), &[n_out, d_model])?;
        let bias = self.bias(name, n_out, has_bias)?;
        let reordered = |values: &[f32], width: usize| -> Vec<f32> {
            let piece = d_head * width;
            (0..3)
                .flat_map(|part| (0..n_heads).map(move |head| head * 3 + part))
                .flat_map(|index| values[index * piece..(index + 1) * piece].iter().copied())
                .collect()
        };
        let bias = bias.map(|bias| reordered(&bias, 1));
        Ok(Linear::from_out_in(self.precision, &reordered(&weight, d_model), bias, d_model, n_out))
    }

    /// One linear map from one or several tensors, their outputs after each other.
    fn linear(
        &mut self,
        names: &[String],
        n_in: usize,
        widths: &[usize],
        has_bias: bool,
    ) -> Result<Linear, ModelError> {
        let n_out = widths.iter().sum();
        // No capacity before the tensors have been found to have these shapes: the config may be nonsense.
        let mut weight = Vec::new();
        let mut bias = has_bias.then(Vec::new);
        for (name, &width) in names.iter().zip(widths) {
            let shape = if self.names.transposed { [n_in, width] } else { [width, n_in] };
            weight.append(&mut (self.tensor)(&format!("{name}.weight"), &shape)?);
            if let Some(bias) = &mut bias {
                bias.append(&mut (self.tensor)(&format!("{name}.bias"), &[width])?);
            }
        }
        Ok(if self.names.transposed {
            Linear::from_in_out(self.precision, &weight, bias, n_in, n_out)
        } else {
            Linear::from_out_in(self.precision, &weight, bias, n_in, n_out)
        })
    }

    fn bias(&mut self, name: &str, width: usize, present: bool) -> Result<Option<Vec<f32>>, ModelError> {
        Ok(if present { Some((self.tensor)(&format!("{name}.bias"), &[width])?) } else { None })
    }

    fn norm(&mut self, name: &str, width: usize, kind: NormKind) -> Result<Norm, ModelError> {
        let weight = (self.tensor)(&format!("{name}.weight"), &[width])?;
        let bias = match kind {
            NormKind::LayerNorm => Some((self.tensor)(&format!("{name}.bias"), &[width])?),
            NormKind::Rms | NormKind::RmsUnitOffset => None,
        };
        Ok(Norm::new(kind, self.architecture.norm_eps, weight, bias))
    }
}
