//! Why a model cannot be used, or not with a prompt.

use std::path::PathBuf;

use crate::tokenizer::TokenizerError;
use crate::weights::WeightsError;

/// Why a model cannot be used, or not with a prompt.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the folder cannot be read.
    #[error("cannot read {path}: {source}; expected a model folder in Hugging Face layout (config.json, weights, tokenizer.json)", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.json` does not describe a model that this program can compute.
    #[error("config.json: {problem}")]
    Config {
        /// Field, value and what was expected.
        problem: String,
    },
    /// Another architecture.
    #[error("config.json: model_type \"{model_type}\" is not supported; supported are {supported}")]
    UnknownModelType {
        /// What the config says.
        model_type: String,
        /// The known ones, separated by commas.
        supported: String,
    },
    /// Weights are missing, misshapen or damaged.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The tokenizer is missing or damaged.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer has ids that the embedding lacks.
    #[error(
        "the tokenizer knows {tokenizer} tokens but the model embeds only {embedding}: \
         they belong to different models; take both from one folder"
    )]
    TokenizerMismatch {
        /// Largest id of the tokenizer, plus one.
        tokenizer: usize,
        /// Rows of the embedding.
        embedding: usize,
    },
    /// The prompt does not fit.
    #[error(
        "the prompt has {tokens} tokens, but the model's context holds {max_positions}: use a shorter prompt"
    )]
    TooLong {
        /// The prompt's tokens.
        tokens: usize,
        /// The context.
        max_positions: usize,
    },
    /// Some layers would not see the whole prompt.
    #[error(
        "the prompt has {tokens} tokens, but layers of this model attend to the last {window} only \
         (sliding_window), which is not supported: use a shorter prompt"
    )]
    BeyondWindow {
        /// The prompt's tokens.
        tokens: usize,
        /// The window.
        window: usize,
    },
    /// There are no tokens at all.
    #[error("the prompt has no tokens")]
    EmptyPrompt,
    /// A token id outside the embedding.
    #[error("token id {id} is outside the model's vocabulary of {d_vocab}")]
    TokenOutside {
        /// The id.
        id: u32,
        /// Rows of the embedding.
        d_vocab: usize,
    },
    /// The system refused a thread.
    #[error("cannot start the threads that read the model's layers: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// Layers were asked for after an error had ended the walk: a fault of this program.
    #[error("internal fault: no more layers are read after an error; please report it")]
    LayersEnded,
    /// The result is not a finite number.
    #[error(
        "the model's output for this prompt is not a finite number: its weights or its config are damaged"
    )]
    NotFinite,
}
