//! Text to tokens as the model's own tokenizer makes them, and back to text for display.
//!
//! [`Tokenizer`] reads `tokenizer.json`, or GPT-2's older pair `vocab.json` and `merges.txt`.
//! [`Tokenizer::encode`] keeps each token's place in the text, so that [`subject_span`] finds a subject's
//! tokens by characters. Nothing is ever padded or truncated.

mod error;
mod pieces;
mod qwen2;
mod span;
mod vocab_merges;

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use tokenizers::{Encoding, PostProcessorWrapper};

pub use error::TokenizerError;
pub use span::{SubjectSpan, subject_span};

use pieces::PieceStyle;

/// Punctuation that follows a word without a space between; an answer that begins with it is taken as given.
const CLOSING: &[char] = &['.', ',', ';', ':', '!', '?', ')', ']', '}', '%'];

/// The tokenizer of a model folder.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    style: PieceStyle,
    added: HashSet<u32>,
    special: HashSet<u32>,
    vocab_size: usize,
}

/// A text as the model sees it. All lists have one element per token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Indices into the vocabulary.
    pub ids: Vec<u32>,
    /// The bytes of the text that each token stands for; empty for tokens that the tokenizer added. The
    /// pieces of a character that takes several tokens all have that character's bytes.
    pub offsets: Vec<Range<usize>>,
    /// Whether the token is a special one, added by the tokenizer or written out in the text.
    pub special: Vec<bool>,
    /// Each token's text for display, see [`Tokenizer::token_text`].
    pub texts: Vec<String>,
}

/// A token of the vocabulary with its text for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its index in the vocabulary.
    pub id: u32,
    /// See [`Tokenizer::token_text`].
    pub text: String,
}

impl Tokenizer {
    /// Reads a folder's `tokenizer.json`, or else its `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// If the folder has neither, or they cannot be read or understood.
    pub fn open(folder: &Path) -> Result<Self, TokenizerError> {
        let path = folder.join("tokenizer.json");
        let mut tokenizer = if path.is_file() {
            let bytes =
                fs::read(&path).map_err(|source| TokenizerError::Io { path: path.clone(), source })?;
            Self::parse(&bytes, &path)?
        } else {
            vocab_merges::open(folder)?
        };
        if tokenizer.style == PieceStyle::ByteLevel {
            let malformed =
                |error: tokenizers::Error| TokenizerError::Malformed { path, reason: error.to_string() };
            qwen2::set_steps(&mut tokenizer.inner, folder).map_err(malformed)?;
        }
        Ok(tokenizer)
    }

    /// Reads the contents of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenizerError> {
        Self::parse(bytes, Path::new("the embedded tokenizer.json"))
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, TokenizerError> {
        let malformed = |reason: String| TokenizerError::Malformed { path: path.to_owned(), reason };
        let mut inner =
            tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
        keep_spaces_in_offsets(&mut inner).map_err(|error| malformed(error.to_string()))?;
        inner.with_truncation(None).map_err(|error| malformed(error.to_string()))?;
        inner.with_padding(None);
        let added = inner.get_added_tokens_decoder();
        let special = added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id).collect();
        let largest = inner.get_vocab(true).into_values().max();
        Ok(Tokenizer {
            style: PieceStyle::of(&inner),
            added: added.into_keys().collect(),
            special,
            vocab_size: largest.map_or(0, |id| id as usize + 1),
            inner,
        })
    }

    /// Tokens of a prompt, with the special tokens that this tokenizer adds to every text.
    ///
    /// # Errors
    /// If the prompt is empty, or leaves no tokens.
    pub fn encode(&self, prompt: &str) -> Result<Encoded, TokenizerError> {
        let encoding = self.encoding(prompt, true)?;
        if prompt.is_empty() || encoding.is_empty() {
            return Err(TokenizerError::EmptyPrompt);
        }
        let ids = encoding.get_ids().to_vec();
        let texts: Vec<String> = ids.iter().map(|&id| self.token_text(id)).collect();
        let offsets = encoding.get_offsets().iter().zip(&texts);
        Ok(Encoded {
            offsets: offsets.map(|(&(start, end), text)| place(prompt, start..end, text)).collect(),
            special: self.special_mask(&encoding),
            ids,
            texts,
        })
    }

    /// One more than the largest id, added tokens included: the rows that the embedding must have at least.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// A token's text for display, with the space it begins with. Bytes that are not whole characters are
    /// shown as `<0xE4>`, special tokens as they are written, ids outside the vocabulary as `<id 50300>`.
    #[must_use]
    pub fn token_text(&self, id: u32) -> String {
        match self.inner.id_to_token(id) {
            None => format!("<id {id}>"),
            Some(piece) if self.added.contains(&id) => piece,
            Some(piece) => self.style.text(&piece),
        }
    }

    /// Tokens of an answer as it would follow a prompt: without special tokens, and with one space in front
    /// where word pieces begin with one; a text that is one token only without that space is taken as it is.
    /// Whether several tokens are acceptable is for the caller to say.
    ///
    /// # Errors
    /// If the text is empty, or leaves no tokens.
    pub fn encode_answer(&self, text: &str) -> Result<Vec<Token>, TokenizerError> {
        let bare = text.strip_prefix(' ').unwrap_or(text);
        if bare.trim().is_empty() {
            // A line break is a common prediction.
            return self.token_of_text(text).map(|token| vec![token]).ok_or(TokenizerError::EmptyAnswer);
        }
        if !self.style.words_begin_with_space() || text.starts_with(CLOSING) {
            return self.answer_without_space(text);
        }
        let spaced = self.answer_with_space(bare)?;
        // Endings such as 's, scripts without spaces, vocabularies of single characters: as typed.
        let whole = if spaced.len() > 1 { self.token_of_text(text) } else { None };
        Ok(whole.map_or(spaced, |token| vec![token]))
    }

    /// Some tokenizers put a space in front of every text by themselves, others never do.
    fn answer_with_space(&self, bare: &str) -> Result<Vec<Token>, TokenizerError> {
        let spaced = self.answer_tokens(&format!(" {bare}"))?;
        if !starts_with_spaces(&spaced, 2) {
            return Ok(spaced);
        }
        let unspaced = self.answer_tokens(bare)?;
        Ok(if starts_with_spaces(&unspaced, 1) { unspaced } else { spaced })
    }

    fn answer_without_space(&self, text: &str) -> Result<Vec<Token>, TokenizerError> {
        match self.token_of_text(text) {
            Some(token) => Ok(vec![token]),
            None => self.answer_tokens(text),
        }
    }

    fn answer_tokens(&self, text: &str) -> Result<Vec<Token>, TokenizerError> {
        let encoding = self.encoding(text, false)?;
        if encoding.is_empty() {
            return Err(TokenizerError::EmptyAnswer);
        }
        Ok(encoding.get_ids().iter().map(|&id| Token { id, text: self.token_text(id) }).collect())
    }

    /// The token whose text is exactly this one. A token of a single byte counts only where no other has the text:
    /// tokenizers use it for characters that have no token of their own.
    fn token_of_text(&self, text: &str) -> Option<Token> {
        let ids = (0..self.vocab_size).filter_map(|id| u32::try_from(id).ok());
        let id = ids.filter(|&id| self.token_text(id) == text).min_by_key(|&id| self.is_byte(id))?;
        Some(Token { id, text: text.to_owned() })
    }

    fn is_byte(&self, id: u32) -> bool {
        self.inner.id_to_token(id).is_some_and(|piece| self.style.is_byte(&piece))
    }

    fn encoding(&self, text: &str, add_special_tokens: bool) -> Result<Encoding, TokenizerError> {
        self.inner
            .encode(text, add_special_tokens)
            .map_err(|error| TokenizerError::Encode { text: text.to_owned(), reason: error.to_string() })
    }

    fn special_mask(&self, encoding: &Encoding) -> Vec<bool> {
        let mask = encoding.get_special_tokens_mask().iter();
        mask.zip(encoding.get_ids()).map(|(&added, id)| added == 1 || self.special.contains(id)).collect()
    }
}

fn starts_with_spaces(tokens: &[Token], n: usize) -> bool {
    tokens.iter().flat_map(|token| token.text.chars()).take(n).eq(std::iter::repeat_n(' ', n))
}

/// A token's place in the text. A space that the tokenizer itself put in front of the text stands for
/// nothing in it, though the library gives it the place of the first character.
fn place(text: &str, offsets: Range<usize>, token_text: &str) -> Range<usize> {
    let blank = !token_text.is_empty() && token_text.chars().all(char::is_whitespace);
    let invented = blank && text.get(offsets.clone()).is_some_and(|part| !part.contains(char::is_whitespace));
    if invented { offsets.start..offsets.start } else { offsets }
}

/// Byte-level post-processors may cut the space off a token's offsets; a subject that begins with a space
/// is found all the same if they do not.
fn keep_spaces_in_offsets(tokenizer: &mut tokenizers::Tokenizer) -> serde_json::Result<()> {
    let Some(processor) = tokenizer.get_post_processor() else { return Ok(()) };
    let mut json = serde_json::to_value(processor)?;
    set_everywhere(&mut json, "trim_offsets", &false.into());
    let processor: PostProcessorWrapper = serde_json::from_value(json)?;
    tokenizer.with_post_processor(Some(processor));
    Ok(())
}

fn set_everywhere(json: &mut serde_json::Value, key: &str, value: &serde_json::Value) {
    match json {
        serde_json::Value::Object(object) => {
            if let Some(found) = object.get_mut(key) {
                *found = value.clone();
            }
            object.values_mut().for_each(|inner| set_everywhere(inner, key, value));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| set_everywhere(item, key, value)),
        _ => {}
    }
}
