//! The rows of the token embedding.

use std::sync::Arc;

use crate::ModelError;
use crate::checkpoint::Checkpoint;
use crate::kernels::gather;

/// Where the token embedding is.
#[derive(Debug, Clone)]
pub(crate) enum TokenEmbedding {
    /// `[d_vocab, d_model]`, row-major.
    Resident(Arc<Vec<f32>>),
    /// In its file, from which single rows are read.
    Streamed(Arc<Checkpoint>),
}

impl TokenEmbedding {
    /// Copies the rows of some tokens: `[ids.len(), d_model]`.
    pub(crate) fn copy_rows(&self, ids: &[u32], d_model: usize, out: &mut [f32]) -> Result<(), ModelError> {
        match self {
            TokenEmbedding::Resident(table) => {
                gather(table, d_model, ids.iter().map(|&id| id as usize), out);
                Ok(())
            }
            TokenEmbedding::Streamed(checkpoint) => checkpoint.embeddings(ids, out),
        }
    }
}
