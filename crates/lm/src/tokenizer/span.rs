//! The subject's tokens, found by the subject's characters.

use std::ops::Range;

use super::{Encoded, TokenizerError};

/// Where the subject is among the tokens of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectSpan {
    /// The tokens that stand for at least one of its characters, at its first occurrence.
    pub tokens: Range<usize>,
    /// How often it occurs in the prompt; the span is that of the first.
    pub occurrences: usize,
}

/// Finds the tokens that overlap the first occurrence of `subject` in `prompt`, whose tokens are `encoded`.
///
/// This is the rule of Meng et al. 2022 (`find_token_range` in ROME's `causal_trace.py`), with characters
/// found in the prompt itself instead of in its tokens decoded one by one, which loses spaces and characters
/// that span several tokens.
///
/// # Errors
/// If the subject is empty, not in the prompt, or no token stands for it.
pub fn subject_span(prompt: &str, encoded: &Encoded, subject: &str) -> Result<SubjectSpan, TokenizerError> {
    if subject.is_empty() {
        return Err(TokenizerError::EmptySubject);
    }
    let (subject_text, tokens) = (subject.to_owned(), encoded.texts.clone());
    let Some(start) = prompt.find(subject) else {
        return Err(TokenizerError::SubjectNotFound { subject: subject_text, tokens });
    };
    let end = start + subject.len();
    let overlaps = |token: &Range<usize>| token.start.max(start) < token.end.min(end);
    let first = encoded.offsets.iter().position(overlaps);
    let last = encoded.offsets.iter().rposition(overlaps);
    let (Some(first), Some(last)) = (first, last) else {
        return Err(TokenizerError::SubjectWithoutTokens { subject: subject_text, tokens });
    };
    Ok(SubjectSpan { tokens: first..last + 1, occurrences: prompt.matches(subject).count() })
}
