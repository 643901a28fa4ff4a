//! From a checkpoint's tensors to a [`Model`].

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use causal_trace_core::Precision;

use crate::architecture::Architecture;
use crate::checkpoint::Checkpoint;
use crate::family::{self, Names, QkvNames};
use crate::head::Head;
use crate::kernels::{AttentionShape, Linear, Norm, Order};
use crate::layers::Parts;
use crate::tensor::{Rows, Tensor};
use crate::token_embedding::TokenEmbedding;
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

/// Where a model's weights are while it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In memory, packed once.
    Resident,
    /// In their files, of which every walk through the layers reads one layer after the other; see
    /// [`Layers`](crate::Layers).
    Streamed,
}

impl LanguageModel {
    /// Opens a folder in Hugging Face layout.
    ///
    /// # Errors
    /// When a file is missing or damaged, the architecture is not supported, a tensor is missing or has another
    /// shape than the config says, or the tokenizer has more tokens than the embedding. Of the tensors of a streamed
    /// model only those outside the blocks are looked at yet.
    pub fn open(folder: &Path, precision: Precision, placement: Placement) -> Result<Self, ModelError> {
        let begun = Instant::now();
        let config = config_of(folder)?;
        // The config before the weights: a model that is not supported is said to be so at once.
        family::of(&config)?;
        let checkpoint = Checkpoint::new(&config, Weights::open(folder)?, precision)?;
        let opened = Self::checked(model(checkpoint, placement)?, Tokenizer::open(folder)?)?;
        let Architecture { model_type, n_layers, d_model, .. } = &opened.model.architecture;
        tracing::info!(
            ?folder, model_type, n_layers, d_model,
            parameters = opened.model.architecture.n_parameters(),
            %precision, ?placement,
            seconds = begun.elapsed().as_secs_f64(),
            "model opened"
        );
        Ok(opened)
    }

    /// Builds a model that is part of the program.
    ///
    /// # Errors
    /// The same as for [`LanguageModel::open`].
    pub fn from_parts(
        config: &str,
        weights: Weights,
        tokenizer: &[u8],
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let checkpoint = Checkpoint::new(&Config::parse(config)?, weights, precision)?;
        Self::checked(model(checkpoint, Placement::Resident)?, Tokenizer::from_bytes(tokenizer)?)
    }

    fn checked(model: Model, tokenizer: Tokenizer) -> Result<Self, ModelError> {
        let (tokens, embedding) = (tokenizer.vocab_size(), model.architecture.d_vocab);
        if tokens > embedding {
            return Err(ModelError::TokenizerMismatch { tokenizer: tokens, embedding });
        }
        Ok(LanguageModel { model, tokenizer })
    }
}

impl Architecture {
    /// That of a model in a folder in Hugging Face layout, whose weights are not looked at.
    ///
    /// # Errors
    /// When the config is missing, damaged, or not of a supported family.
    pub fn of_folder(folder: &Path) -> Result<Self, ModelError> {
        let config = config_of(folder)?;
        (family::of(&config)?.architecture)(&config)
    }
}

fn config_of(folder: &Path) -> Result<Config, ModelError> {
    let path = folder.join("config.json");
    let config = std::fs::read_to_string(&path).map_err(|source| ModelError::Read { path, source })?;
    Config::parse(&config)
}

fn model(checkpoint: Checkpoint, placement: Placement) -> Result<Model, ModelError> {
    match placement {
        Placement::Resident => checkpoint.build(|builder| builder.model()),
        Placement::Streamed => {
            let position_embedding = checkpoint.build(|mut builder| builder.position_embedding())?;
            checkpoint.embeddings(&[0], &mut vec![0.0; checkpoint.architecture.d_model])?;
            let checkpoint = Arc::new(checkpoint);
            Ok(Model {
                architecture: checkpoint.architecture.clone(),
                precision: checkpoint.precision,
                token_embedding: TokenEmbedding::Streamed(Arc::clone(&checkpoint)),
                position_embedding,
                parts: Parts::Streamed(checkpoint),
            })
        }
    }
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
        let mut source = |name: &str, shape: &[usize]| Ok(Tensor::Values(tensor(name, shape)));
        let (names, prefix) = (&family.names, family.names.prefixes[0]);
        Builder { architecture: &architecture, names, prefix, precision, tensor: &mut source }.model()
    }
}

/// Gives the tensor of that name, which is to have that shape.
type TensorSource<'a, 't> = dyn FnMut(&str, &[usize]) -> Result<Tensor<'t>, WeightsError> + 'a;

/// Makes the parts of a model from tensors.
pub(crate) struct Builder<'a, 't> {
    pub(crate) architecture: &'a Architecture,
    pub(crate) names: &'a Names,
    pub(crate) prefix: &'a str,
    pub(crate) precision: Precision,
    pub(crate) tensor: &'a mut TensorSource<'a, 't>,
}

impl<'t> Builder<'_, 't> {
    fn model(mut self) -> Result<Model, ModelError> {
        let Architecture { d_model, d_vocab, n_layers, .. } = *self.architecture;
        let name = format!("{}{}.weight", self.prefix, self.names.embedding);
        let token_embedding = self.tensor(&name, &[d_vocab, d_model])?;
        let position_embedding = self.position_embedding()?;
        let head = Arc::new(self.head(Some(&token_embedding))?);
        let blocks = (0..n_layers).map(|layer| self.block(layer).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Model {
            architecture: self.architecture.clone(),
            precision: self.precision,
            token_embedding: TokenEmbedding::Resident(Arc::new(token_embedding)),
            position_embedding,
            parts: Parts::Resident { blocks, head },
        })
    }

    /// `[positions, d_model]`, row-major; empty for rotary models.
    fn position_embedding(&mut self) -> Result<Vec<f32>, ModelError> {
        match self.architecture.positions {
            Positions::Rotary(_) => Ok(Vec::new()),
            Positions::Learned { offset } => {
                let shape = [self.architecture.max_positions + offset, self.architecture.d_model];
                self.tensor(&format!("{}{}.weight", self.prefix, self.names.positions), &shape)
            }
        }
    }

    /// The final norm and the unembedding; a tied head is packed from the token embedding, which is read where it is
    /// not in memory.
    pub(crate) fn head(&mut self, embedding: Option<&[f32]>) -> Result<Head, ModelError> {
        let Architecture { d_model, d_vocab, norm, tied_head, final_softcap, bias, .. } = *self.architecture;
        let final_norm = self.norm(&format!("{}{}", self.prefix, self.names.final_norm), d_model, norm)?;
        let bias = self.bias(self.names.head, d_vocab, bias.head)?;
        let map = match embedding.filter(|_| tied_head) {
            Some(embedding) => Linear::from_out_in(self.precision, embedding, bias, d_model, d_vocab),
            None => {
                let name = if tied_head {
                    format!("{}{}.weight", self.prefix, self.names.embedding)
                } else {
                    format!("{}.weight", self.names.head)
                };
                let weight = (self.tensor)(&name, &[d_vocab, d_model])?;
                self.packed(d_model, bias, vec![(&weight, 0..d_vocab)])?
            }
        };
        Ok(Head { norm: final_norm, map, softcap: final_softcap })
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        Ok((self.tensor)(name, shape)?.into_f32()?)
    }

    /// A linear map whose weight is some rows of some tensors `[n_out, n_in]`, never all of them in memory unpacked.
    fn packed(
        &self,
        n_in: usize,
        bias: Option<Vec<f32>>,
        rows: Vec<(&Tensor<'_>, Range<usize>)>,
    ) -> Result<Linear, ModelError> {
        let n_out = rows.iter().map(|(_, rows)| rows.len()).sum();
        let rows = Rows::new(n_in, rows);
        let read = |wanted: Range<usize>, out: &mut [f32]| rows.read(wanted, out);
        Ok(Linear::from_rows(self.precision, Order::OutIn, bias, [n_in, n_out], &read)?)
    }

    pub(crate) fn block(&mut self, layer: usize) -> Result<Block, ModelError> {
        let names = *self.names;
        let place = format!("{}{}.{layer}.", self.prefix, names.block);
        let at = |name: &str| format!("{place}{name}");
        let architecture = self.architecture;
        let Architecture { d_model, d_mlp, d_head, norm: kind, bias, .. } = *architecture;
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
        let Architecture { d_model, d_head, n_heads, .. } = *self.architecture;
        let n_out = 3 * n_heads * d_head;
        let weight = (self.tensor)(&format!("{name}.weight"), &[n_out, d_model])?;
        let bias = self.bias(name, n_out, has_bias)?;
        let pieces = (0..3).flat_map(|part| (0..n_heads).map(move |head| head * 3 + part));
        let pieces: Vec<Range<usize>> = pieces.map(|piece| piece * d_head..(piece + 1) * d_head).collect();
        let bias =
            bias.map(|bias| pieces.iter().flat_map(|piece| bias[piece.clone()].iter().copied()).collect());
        self.packed(d_model, bias, pieces.into_iter().map(|piece| (&weight, piece)).collect())
    }

    /// One linear map from one or several tensors, their outputs after each other.
    fn linear(
        &mut self,
        names: &[String],
        n_in: usize,
        widths: &[usize],
        has_bias: bool,
    ) -> Result<Linear, ModelError> {
        let mut weights = Vec::with_capacity(names.len());
        let mut bias = has_bias.then(Vec::new);
        for (name, &width) in names.iter().zip(widths) {
            let shape = if self.names.transposed { [n_in, width] } else { [width, n_in] };
            weights.push((self.tensor)(&format!("{name}.weight"), &shape)?);
            if let Some(bias) = &mut bias {
                bias.append(&mut self.tensor(&format!("{name}.bias"), &[width])?);
            }
        }
        if self.names.transposed {
            // The only family that keeps them so has every map in one tensor.
            let n_out = widths.iter().sum();
            let rows = Rows::new(n_out, weights.iter().map(|weight| (weight, 0..n_in)).collect());
            let read = |wanted: Range<usize>, out: &mut [f32]| rows.read(wanted, out);
            return Ok(Linear::from_rows(self.precision, Order::InOut, bias, [n_in, n_out], &read)?);
        }
        self.packed(
            n_in,
            bias,
            weights.iter().zip(widths).map(|(weight, &width)| (weight, 0..width)).collect(),
        )
    }

    fn bias(&mut self, name: &str, width: usize, present: bool) -> Result<Option<Vec<f32>>, ModelError> {
        Ok(if present { Some(self.tensor(&format!("{name}.bias"), &[width])?) } else { None })
    }

    fn norm(&mut self, name: &str, width: usize, kind: NormKind) -> Result<Norm, ModelError> {
        let weight = self.tensor(&format!("{name}.weight"), &[width])?;
        let bias = match kind {
            NormKind::LayerNorm => Some(self.tensor(&format!("{name}.bias"), &[width])?),
            NormKind::Rms | NormKind::RmsUnitOffset => None,
        };
        Ok(Norm::new(kind, self.architecture.norm_eps, weight, bias))
    }
}
