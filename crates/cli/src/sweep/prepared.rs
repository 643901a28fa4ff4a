//! A fact as the model will see it, or why it is left out; found before the work begins.

use causal_trace_core::{Fact, Prompt};
use causal_trace_lm::tokenizer::{Encoded, Token, TokenizerError};
use causal_trace_lm::{LanguageModel, ModelError};
use causal_trace_results::{Outcome, PromptRecord, Skip, SkipReason, Target};

use crate::prompts::{self, Tokenized};

/// A fact that is ready to be traced, or is known to be left out.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) fact: Fact,
    ids: Vec<u32>,
    tokens: Vec<String>,
    pub(crate) ready: Result<Ready, Skip>,
}

/// A prompt with its subject found, and the token that is expected after it.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) prompt: Prompt,
    pub(crate) subject_occurrences: usize,
    /// The attribute's first token; under [`Target::Attribute`] its only one.
    pub(crate) expected: Token,
}

/// Tokenizes a fact and finds its subject.
pub(crate) fn prepare(fact: Fact, target: Target, lm: &LanguageModel) -> Prepared {
    match lm.tokenizer.encode(&fact.prompt) {
        Ok(encoded) => {
            let (ids, tokens) = (encoded.ids.clone(), encoded.texts.clone());
            let ready = ready(&fact, encoded, target, lm);
            Prepared { fact, ids, tokens, ready }
        }
        Err(error) => {
            let ready = Err(skip(SkipReason::NotTokenized, &error));
            Prepared { fact, ids: Vec::new(), tokens: Vec::new(), ready }
        }
    }
}

fn ready(fact: &Fact, encoded: Encoded, target: Target, lm: &LanguageModel) -> Result<Ready, Skip> {
    lm.model.check_prompt(&encoded.ids).map_err(|error| match error {
        ModelError::TooLong { .. } | ModelError::BeyondWindow { .. } => skip(SkipReason::TooLong, &error),
        _ => skip(SkipReason::NotTokenized, &error),
    })?;
    let located = prompts::located(encoded, &fact.prompt, &fact.subject);
    let Tokenized { prompt, subject_occurrences } = located.map_err(|error| match error {
        TokenizerError::SubjectNotFound { .. } => skip(SkipReason::SubjectNotFound, &error),
        _ => skip(SkipReason::NotTokenized, &error),
    })?;
    let attribute = lm.tokenizer.encode_answer(&fact.attribute);
    let attribute = attribute.map_err(|error| skip(SkipReason::NotTokenized, &error))?;
    if attribute.first().is_some_and(|first| first.text.trim().is_empty()) {
        // White space says nothing about the fact.
        return Err(several(&attribute));
    }
    match (&attribute[..], target) {
        ([expected], _) | ([expected, ..], Target::Predicted) => {
            Ok(Ready { prompt, subject_occurrences, expected: expected.clone() })
        }
        (tokens, _) => Err(several(tokens)),
    }
}

fn several(tokens: &[Token]) -> Skip {
    let pieces: Vec<String> = tokens.iter().map(|token| format!("'{}'", token.text)).collect();
    let detail = format!("the attribute is {} tokens: {}", tokens.len(), pieces.join(" "));
    Skip { reason: SkipReason::SeveralTokens, detail }
}

fn skip(reason: SkipReason, error: &impl std::fmt::Display) -> Skip {
    Skip { reason, detail: error.to_string() }
}

impl Prepared {
    /// The fact's row in a results folder.
    pub(crate) fn record(&self, outcome: Outcome) -> PromptRecord {
        let ready = self.ready.as_ref().ok();
        PromptRecord {
            fact: self.fact.clone(),
            ids: self.ids.clone(),
            tokens: self.tokens.clone(),
            subject: ready.map(|ready| ready.prompt.subject_span),
            subject_occurrences: ready.map_or(0, |ready| ready.subject_occurrences),
            outcome,
        }
    }
}
