//! What can be wrong with a tokenizer or with a text given to it.

use std::path::PathBuf;

/// Why a tokenizer could not be opened, or a text not be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The folder has no tokenizer in a form that can be read.
    #[error(
        "no tokenizer in {}: expected tokenizer.json, or vocab.json and merges.txt{}",
        folder.display(), advice(*sentencepiece)
    )]
    NoTokenizer {
        /// The folder that was searched.
        folder: PathBuf,
        /// Whether it has a `tokenizer.model` of SentencePiece.
        sentencepiece: bool,
    },
    /// One half of the pair `vocab.json` and `merges.txt` is missing.
    #[error(
        "{} has {found} but no {missing}: the two belong together, download {missing} too",
        folder.display()
    )]
    HalfOfPair {
        /// The folder that was searched.
        folder: PathBuf,
        /// The file that is there.
        found: &'static str,
        /// The file that is not.
        missing: &'static str,
    },
    /// The operating system refused to read a file.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A tokenizer's file is not of the form it should have.
    #[error("{} is not a tokenizer that can be read ({reason}): download it again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer failed on a text.
    #[error("the tokenizer cannot encode '{text}': {reason}")]
    Encode {
        /// The text.
        text: String,
        /// The library's reason.
        reason: String,
    },
    /// A prompt without tokens.
    #[error("the prompt is empty: give a text that ends where the model is to continue")]
    EmptyPrompt,
    /// An answer without tokens.
    #[error("the answer is empty: give one word, or leave it out to use the model's own prediction")]
    EmptyAnswer,
    /// A subject without characters.
    #[error("the subject is empty: give the part of the prompt that is to be corrupted")]
    EmptySubject,
    /// The subject's characters do not occur in the prompt.
    #[error(
        "the subject '{subject}' is not in the prompt; its tokens are {}: write the subject exactly as the \
         prompt does",
        quoted(tokens)
    )]
    SubjectNotFound {
        /// The subject.
        subject: String,
        /// The prompt's tokens.
        tokens: Vec<String>,
    },
    /// The subject occurs, but no token stands for any of its characters.
    #[error(
        "no token stands for the subject '{subject}'; the prompt's tokens are {}: choose a subject that the \
         tokenizer does not drop",
        quoted(tokens)
    )]
    SubjectWithoutTokens {
        /// The subject.
        subject: String,
        /// The prompt's tokens.
        tokens: Vec<String>,
    },
}

fn advice(sentencepiece: bool) -> &'static str {
    if sentencepiece {
        "; its tokenizer.model (SentencePiece) must first be converted to tokenizer.json, which \
         AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) in Python does"
    } else {
        "; download the model's tokenizer into that folder"
    }
}

fn quoted(tokens: &[String]) -> String {
    tokens.iter().map(|token| format!("'{token}'")).collect::<Vec<_>>().join(" ")
}
