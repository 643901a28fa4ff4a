//! A fact as the model will see it, or why it is left out; found before the work begins.

use causal_trace_core::{Fact, Prompt};
use causal_trace_engine::TraceError;
use causal_trace_lm::tokenizer::{Encoded, Token, TokenizerError};
use causal_trace_lm::{LanguageModel, ModelError};
use causal_trace_results::{Counterpart, Outcome, PromptRecord, Skip, SkipReason, Target};

use super::pairing::{Pair, Pairing};
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
    /// The attribute's first token; its only one under [`Target::Attribute`], its last under
    /// [`Target::LastSubtoken`].
    pub(crate) expected: Token,
    /// The prompt of the corrupted run, where that is another prompt.
    pub(crate) counterpart: Option<Prompt>,
    /// The token that the answer's logit is compared with, where one is given.
    pub(crate) foil: Option<Token>,
}

/// How facts become prompts.
pub(crate) struct Preparation<'a> {
    pub(crate) lm: &'a LanguageModel,
    pub(crate) target: Target,
    pub(crate) pairing: Pairing,
}

impl Preparation<'_> {
    /// Tokenizes a fact, finds its subject, and what else its trace needs.
    pub(crate) fn prepare(&self, fact: Fact) -> Prepared {
        match self.tokenized(&fact.prompt, &fact.attribute) {
            Ok((encoded, last)) => {
                let (ids, tokens) = (encoded.ids.clone(), encoded.texts.clone());
                let ready = self.ready(&fact, encoded, last);
                Prepared { fact, ids, tokens, ready }
            }
            Err(error) => {
                let ready = Err(skip(SkipReason::NotTokenized, &error));
                Prepared { fact, ids: Vec::new(), tokens: Vec::new(), ready }
            }
        }
    }

    /// A prompt's tokens; under [`Target::LastSubtoken`] with all of the attribute's but the last, which comes by
    /// itself.
    fn tokenized(&self, prompt: &str, attribute: &str) -> Result<(Encoded, Option<Token>), TokenizerError> {
        if self.target != Target::LastSubtoken {
            return Ok((self.lm.tokenizer.encode(prompt)?, None));
        }
        let mut encoded = self.lm.tokenizer.encode(&format!("{} {}", prompt.trim_end(), attribute.trim()))?;
        let last = encoded.ids.pop().map(|id| Token { id, text: self.lm.tokenizer.token_text(id) });
        encoded.texts.pop();
        encoded.offsets.pop();
        encoded.special.pop();
        Ok((encoded, last))
    }

    fn ready(&self, fact: &Fact, encoded: Encoded, last: Option<Token>) -> Result<Ready, Skip> {
        self.check(&encoded.ids)?;
        let located = prompts::located(encoded, &fact.prompt, &fact.subject);
        let Tokenized { prompt, subject_occurrences } = located.map_err(|error| match error {
            TokenizerError::SubjectNotFound { .. } => skip(SkipReason::SubjectNotFound, &error),
            _ => skip(SkipReason::NotTokenized, &error),
        })?;
        let expected = match last {
            Some(last) => last,
            None => self.expected(&fact.attribute)?,
        };
        let mut foil = fact.foil.as_deref().map(|text| self.single(text, "foil")).transpose()?;
        let pair = self.pairing.pair(fact, &prompt, self.lm)?;
        let counterpart = pair.as_ref().map(|pair| self.counterpart(pair, &prompt, fact)).transpose()?;
        // The other subject's own answer, where it is one token.
        foil = foil.or_else(|| self.single(pair?.attribute.as_deref()?, "foil").ok());
        Ok(Ready { prompt, subject_occurrences, expected, counterpart, foil })
    }

    fn check(&self, ids: &[u32]) -> Result<(), Skip> {
        self.lm.model.check_prompt(ids).map_err(|error| match error {
            ModelError::TooLong { .. } | ModelError::BeyondWindow { .. } => skip(SkipReason::TooLong, &error),
            _ => skip(SkipReason::NotTokenized, &error),
        })
    }

    fn expected(&self, attribute: &str) -> Result<Token, Skip> {
        let attribute = self.lm.tokenizer.encode_answer(attribute);
        let attribute = attribute.map_err(|error| skip(SkipReason::NotTokenized, &error))?;
        if attribute.first().is_some_and(|first| first.text.trim().is_empty()) {
            // White space says nothing about the fact.
            return Err(several("attribute", &attribute));
        }
        match (&attribute[..], self.target) {
            ([expected], _) | ([expected, ..], Target::Predicted) => Ok(expected.clone()),
            (tokens, _) => Err(several("attribute", tokens)),
        }
    }

    fn single(&self, text: &str, what: &str) -> Result<Token, Skip> {
        let tokens = self.lm.tokenizer.encode_answer(text);
        match &tokens.map_err(|error| skip(SkipReason::NotTokenized, &error))?[..] {
            [token] => Ok(token.clone()),
            tokens => Err(several(what, tokens)),
        }
    }

    /// The other prompt, which must have as many tokens; the subject's place is taken from the fact's prompt.
    fn counterpart(&self, pair: &Pair, prompt: &Prompt, fact: &Fact) -> Result<Prompt, Skip> {
        let tokenized = self.tokenized(&pair.text, &fact.attribute);
        let (encoded, _) = tokenized.map_err(|error| skip(SkipReason::NotTokenized, &error))?;
        self.check(&encoded.ids)?;
        if encoded.ids.len() != prompt.ids.len() || encoded.ids == prompt.ids {
            let (prompt, counterpart) = (prompt.tokens.clone(), encoded.texts);
            return Err(skip(SkipReason::NotAligned, &TraceError::NotAligned { prompt, counterpart }));
        }
        Ok(Prompt {
            text: pair.text.clone(),
            subject: pair.subject.clone().unwrap_or_default(),
            ids: encoded.ids,
            tokens: encoded.texts,
            subject_span: prompt.subject_span,
        })
    }
}

fn several(what: &str, tokens: &[Token]) -> Skip {
    let pieces: Vec<String> = tokens.iter().map(|token| format!("'{}'", token.text)).collect();
    let detail = format!("the {what} is {} tokens: {}", tokens.len(), pieces.join(" "));
    Skip { reason: SkipReason::SeveralTokens, detail }
}

fn skip(reason: SkipReason, error: &impl std::fmt::Display) -> Skip {
    Skip { reason, detail: error.to_string() }
}

impl Prepared {
    /// The fact's row in a results folder.
    pub(crate) fn record(&self, outcome: Outcome) -> PromptRecord {
        let ready = self.ready.as_ref().ok();
        let counterpart = ready.and_then(|ready| ready.counterpart.as_ref());
        let counterpart = counterpart.map(|Prompt { text, ids, tokens, .. }| Counterpart {
            text: text.clone(),
            ids: ids.clone(),
            tokens: tokens.clone(),
        });
        PromptRecord {
            fact: self.fact.clone(),
            ids: self.ids.clone(),
            tokens: self.tokens.clone(),
            subject: ready.map(|ready| ready.prompt.subject_span),
            subject_occurrences: ready.map_or(0, |ready| ready.subject_occurrences),
            counterpart,
            outcome,
        }
    }
}
