//! A decoder-only language model as causal tracing needs it: configuration, weights, tokenizer, and one block
//! whose outputs can be read or set.
//!
//! Invariants: this crate knows tokens, layers and sites; it has never heard of tracing. The families
//! (`family/`) contain names and wiring only; there is one [`Block`].

mod architecture;
mod block;
mod checkpoint;
mod config;
mod error;
mod family;
mod fingerprint;
mod head;
pub mod kernels;
mod layers;
mod load;
mod model;
mod rope;
mod sizes;
mod tensor;
mod token_embedding;
pub mod tokenizer;
pub mod weights;

pub use architecture::{Activation, Architecture, Biases, NormKind, Positions, Wiring};
pub use block::{Block, Edit, Scratch};
pub use config::Config;
pub use error::ModelError;
pub use family::supported_model_types;
pub use fingerprint::{Fingerprint, TOKENIZER_FILES, sha256};
pub use head::Head;
pub use layers::Layers;
pub use load::{LanguageModel, Placement};
pub use model::{Model, top_predictions};
pub use rope::{Rope, RopePairs, RopeScaling, RopeTable};
