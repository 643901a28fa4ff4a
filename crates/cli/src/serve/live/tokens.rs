//! What the model sees of a prompt, and what it would say next.

use anyhow::Result;
use causal_trace_lm::tokenizer::{TokenizerError, subject_span};
use causal_trace_lm::top_predictions;
use serde::Serialize;

use super::request::{TokensRequest, check_length};
use super::{Tracer, subject};
use crate::serve::Problem;

/// How many predictions are shown.
const PREDICTIONS: usize = 10;

#[derive(Debug, Serialize)]
pub(crate) struct Tokens {
    tokens: Vec<Token>,
    top: Vec<Prediction>,
    subject: Option<(usize, usize)>,
}

#[derive(Debug, Serialize)]
struct Token {
    id: u32,
    text: String,
    special: bool,
}

#[derive(Debug, Serialize)]
struct Prediction {
    id: u32,
    text: String,
    probability: f32,
}

impl TokensRequest {
    /// A prompt's tokens, a guess at its subject, and the likeliest next tokens, if the model takes the prompt.
    pub(crate) fn answer(&self, tracer: &Tracer) -> Result<Tokens, Problem> {
        let prompt = &self.prompt;
        check_length(prompt)?;
        let (lm, facts) = (&tracer.model.lm, &tracer.facts.facts);
        let encoded = match lm.tokenizer.encode(prompt) {
            Ok(encoded) => encoded,
            Err(TokenizerError::EmptyPrompt) => {
                return Ok(Tokens { tokens: Vec::new(), top: Vec::new(), subject: None });
            }
            Err(error) => return Err(Problem::of(&error.into())),
        };
        let guess = subject::guess(prompt, facts.iter().map(|fact| fact.subject.as_str()));
        let span = guess.and_then(|subject| subject_span(prompt, &encoded, subject).ok());
        // What is too long has no prediction; the page says how long a prompt may be.
        let top = match lm.model.check_prompt(&encoded.ids) {
            Ok(()) => tracer.pool.install(|| lm.model.last_logits(&encoded.ids)).map(Some),
            Err(_) => Ok(None),
        };
        let top = top.map_err(|error| Problem::of(&error.into()))?;
        let top = top.map_or_else(Vec::new, |logits| top_predictions(&logits, PREDICTIONS));
        let tokens = encoded.ids.into_iter().zip(encoded.texts).zip(encoded.special);
        Ok(Tokens {
            tokens: tokens.map(|((id, text), special)| Token { id, text, special }).collect(),
            top: top
                .into_iter()
                .map(|(id, probability)| Prediction { id, text: lm.tokenizer.token_text(id), probability })
                .collect(),
            subject: span.map(|span| (span.tokens.start, span.tokens.end)),
        })
    }
}
