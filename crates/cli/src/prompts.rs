//! From texts to tokens.

use anyhow::{Result, bail};
use causal_trace_core::Prompt;
use causal_trace_lm::tokenizer::{Encoded, Tokenizer, TokenizerError, subject_span};

use crate::args::TokenRange;
use crate::printer::Printer;

/// A prompt as the model sees it, with its subject found.
pub(crate) struct Tokenized {
    pub(crate) prompt: Prompt,
    /// How often the subject occurs in the prompt; the first is used.
    pub(crate) subject_occurrences: usize,
}

/// Tokenizes a prompt and finds its subject; says what a person might want to know about them.
pub(crate) fn tokenize(
    tokenizer: &Tokenizer,
    text: &str,
    subject: &str,
    printer: &Printer,
) -> Result<Tokenized> {
    let tokenized = located(tokenizer.encode(text)?, text, subject)?;
    if tokenized.subject_occurrences > 1 {
        printer.note(&format!(
            "note: the subject '{subject}' occurs {} times in the prompt; the first is used",
            tokenized.subject_occurrences
        ));
    }
    if text.ends_with(char::is_whitespace) {
        printer.note("note: the prompt ends in white space, which most models continue badly");
    }
    Ok(tokenized)
}

/// Finds the subject among a prompt's tokens.
pub(crate) fn located(encoded: Encoded, text: &str, subject: &str) -> Result<Tokenized, TokenizerError> {
    let span = subject_span(text, &encoded, subject)?;
    let prompt = Prompt {
        text: text.to_owned(),
        subject: subject.to_owned(),
        ids: encoded.ids,
        tokens: encoded.texts,
        subject_span: span.tokens.into(),
    };
    Ok(Tokenized { prompt, subject_occurrences: span.occurrences })
}

/// A prompt whose subject is marked by its tokens.
pub(crate) fn with_span(tokenizer: &Tokenizer, text: &str, span: TokenRange) -> Result<Tokenized> {
    let encoded = tokenizer.encode(text)?;
    let TokenRange { first, end } = span;
    if end > encoded.ids.len() {
        bail!(
            "the subject's tokens {span} are not in the prompt, which has {}: {}",
            encoded.ids.len(),
            listed(&encoded.texts)
        );
    }
    // A token that the tokenizer added stands for no text.
    let places = || encoded.offsets[first..end].iter().filter(|place| !place.is_empty());
    let start = places().map(|place| place.start).min().unwrap_or(0);
    let subject = text.get(start..places().map(|place| place.end).max().unwrap_or(0)).unwrap_or("").trim();
    let subject_occurrences = if subject.is_empty() { 0 } else { text.matches(subject).count() };
    let prompt = Prompt {
        text: text.to_owned(),
        subject: subject.to_owned(),
        ids: encoded.ids,
        tokens: encoded.texts,
        subject_span: (first..end).into(),
    };
    Ok(Tokenized { prompt, subject_occurrences })
}

fn listed(tokens: &[String]) -> String {
    let pieces: Vec<String> = tokens.iter().map(|token| format!("'{token}'")).collect();
    pieces.join(" ")
}

/// The one token of an answer, or of what it is compared with: `what` is the option's name.
pub(crate) fn single_token(tokenizer: &Tokenizer, text: &str, what: &str) -> Result<u32> {
    match &tokenizer.encode_answer(text)?[..] {
        [token] => Ok(token.id),
        tokens => {
            let texts: Vec<String> = tokens.iter().map(|token| token.text.clone()).collect();
            bail!(
                "the {what} '{text}' is {} tokens ({}); one token is measured, the probability of several as the \
                 product along them is not: give the first of them, or leave --{what} out",
                tokens.len(),
                listed(&texts)
            )
        }
    }
}
