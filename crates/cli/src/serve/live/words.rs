//! What of a trace can be said in words, as a fact or a command line says it.

use causal_trace_core::Prompt;
use causal_trace_lm::tokenizer::Tokenizer;

use crate::prompts::located;

/// Whether the subject's text leads to the tokens that are marked: it may occur before, or begin within a token.
pub(super) fn says_subject(prompt: &Prompt, tokenizer: &Tokenizer) -> bool {
    let encoded = tokenizer.encode(&prompt.text).ok();
    let located = encoded.and_then(|encoded| located(encoded, &prompt.text, &prompt.subject).ok());
    located.is_some_and(|located| located.prompt.subject_span == prompt.subject_span)
}

/// An answer's text, if it leads to the same token.
pub(super) fn answer_in_words(id: u32, tokenizer: &Tokenizer) -> Option<String> {
    let text = tokenizer.token_text(id).trim().to_owned();
    let encoded = tokenizer.encode_answer(&text).ok()?;
    matches!(&encoded[..], [token] if token.id == id).then_some(text)
}
