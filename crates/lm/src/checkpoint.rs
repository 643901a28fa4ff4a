//! A model's tensors where they are stored, from which any part of it can be made.

use crate::architecture::Architecture;
use crate::family::{self, Names};
use crate::head::Head;
use crate::load::Builder;
use crate::tensor::Tensor;
use crate::weights::Weights;
use crate::{Block, Config, ModelError};
use causal_trace_core::Precision;

/// A model's tensors where they are stored, and what they are called there.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    weights: Weights,
    names: &'static Names,
    prefix: &'static str,
    pub(crate) architecture: Architecture,
    pub(crate) precision: Precision,
}

impl Checkpoint {
    /// Finds out how the tensors of a checkpoint are named.
    pub(crate) fn new(config: &Config, weights: Weights, precision: Precision) -> Result<Self, ModelError> {
        let family = family::of(config)?;
        let architecture = (family.architecture)(config)?;
        let names = &family.names;
        let holds_embedding =
            |prefix: &&&'static str| weights.contains(&format!("{prefix}{}.weight", names.embedding));
        // Without any, the first one makes the error name the usual tensor.
        let prefix = names.prefixes.iter().find(holds_embedding).unwrap_or(&names.prefixes[0]);
        Ok(Checkpoint { prefix, names, architecture, precision, weights })
    }

    /// Makes something of the tensors.
    pub(crate) fn build<T>(
        &self,
        make: impl FnOnce(Builder<'_, '_>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let mut tensor = |name: &str, shape: &[usize]| {
            let view = self.weights.tensor(name)?;
            view.expect_shape(shape)?;
            Tensor::of(view)
        };
        make(Builder {
            architecture: &self.architecture,
            names: self.names,
            prefix: self.prefix,
            precision: self.precision,
            tensor: &mut tensor,
        })
    }

    /// One block.
    pub(crate) fn block(&self, layer: usize) -> Result<Block, ModelError> {
        self.build(|mut builder| builder.block(layer))
    }

    /// The final norm and the head.
    pub(crate) fn head(&self) -> Result<Head, ModelError> {
        self.build(|mut builder| builder.head(None))
    }

    /// Some rows of the token embedding, `[ids.len(), d_model]`.
    pub(crate) fn embeddings(&self, ids: &[u32], out: &mut [f32]) -> Result<(), ModelError> {
        let Architecture { d_model, d_vocab, .. } = self.architecture;
        let table = self.weights.tensor(&format!("{}{}.weight", self.prefix, self.names.embedding))?;
        table.expect_shape(&[d_vocab, d_model])?;
        for (&id, row) in ids.iter().zip(out.chunks_exact_mut(d_model)) {
            let id = id as usize;
            table.copy_rows(id..id + 1, row)?;
            table.check_finite(row)?;
        }
        Ok(())
    }
}
