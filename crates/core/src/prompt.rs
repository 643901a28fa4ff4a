//! A prompt as the model sees it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A half-open span of tokens, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSpan {
    /// The first token inside.
    pub start: usize,
    /// The first token after it.
    pub end: usize,
}

impl TokenSpan {
    /// Number of tokens inside.
    #[must_use]
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether no token is inside.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The same as a range.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Range<usize>> for TokenSpan {
    fn from(range: Range<usize>) -> Self {
        TokenSpan { start: range.start, end: range.end }
    }
}

/// A prompt split into tokens, with the subject located in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The text that was tokenized.
    pub text: String,
    /// The subject as it stands in the text.
    pub subject: String,
    /// Token ids, special tokens included; never padded.
    pub ids: Vec<u32>,
    /// Each token as a person reads it.
    pub tokens: Vec<String>,
    /// The subject's tokens.
    pub subject_span: TokenSpan,
}

impl Prompt {
    /// Number of tokens.
    #[must_use]
    pub fn seq_len(&self) -> usize {
        self.ids.len()
    }
}
