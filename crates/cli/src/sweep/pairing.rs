//! Which prompt a fact's corrupted run has, where it is another prompt.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use causal_trace_core::{Corruption, Fact, Method, NoiseStream, Prompt};
use causal_trace_lm::LanguageModel;
use causal_trace_results::{Counterparts, Skip, SkipReason};

use crate::args::CorruptionChoice;
use crate::fact_file::FactFile;

/// Where the other prompts come from.
#[derive(Debug)]
pub(crate) enum Pairing {
    /// There are none: the corruption is another.
    None,
    /// Every fact brings its own.
    Given,
    /// The subject of another fact of the same relation takes the subject's place.
    Swap {
        /// The facts by relation.
        facts: BTreeMap<String, Vec<Fact>>,
        /// Decides among several.
        seed: u64,
    },
}

/// The other prompt of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) text: String,
    /// The subject that took the fact's place, where one did, and what is true of it.
    pub(crate) subject: Option<String>,
    pub(crate) attribute: Option<String>,
}

impl Pairing {
    /// The pairing that a corruption asks for; the file's facts are those whose subjects may be swapped in.
    ///
    /// # Errors
    /// When none of them has a relation to swap within.
    pub(crate) fn new(choice: Option<CorruptionChoice>, file: &FactFile, seed: u64) -> Result<Self> {
        Ok(match choice {
            Some(CorruptionChoice::Pair) => Pairing::Given,
            Some(CorruptionChoice::Swap) => {
                let mut by_relation: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
                for fact in &file.facts {
                    if let Some(relation) = relation(fact) {
                        by_relation.entry(relation.to_owned()).or_default().push(fact.clone());
                    }
                }
                if by_relation.is_empty() {
                    bail!(
                        "--corruption swap takes another subject of the same relation, but no fact of {} names its \
                         relation: add relation_id to the facts, as in \"relation_id\": \"P17\"",
                        file.name
                    );
                }
                Pairing::Swap { facts: by_relation, seed }
            }
            _ => Pairing::None,
        })
    }

    /// What it is called in a manifest.
    pub(crate) fn counterparts(&self) -> Option<Counterparts> {
        match self {
            Pairing::None => None,
            Pairing::Given => Some(Counterparts::Given),
            Pairing::Swap { .. } => Some(Counterparts::SwappedSubjects),
        }
    }

    /// The other prompt of a fact.
    ///
    /// # Errors
    /// When it needs one and there is none.
    pub(crate) fn pair(
        &self,
        fact: &Fact,
        prompt: &Prompt,
        lm: &LanguageModel,
    ) -> Result<Option<Pair>, Skip> {
        let none = |detail: String| Skip { reason: SkipReason::NoCounterpart, detail };
        match self {
            Pairing::None => Ok(None),
            Pairing::Given => {
                let text = fact.counterpart.clone();
                let text = text.ok_or_else(|| none("the fact has no counterpart".to_owned()))?;
                Ok(Some(Pair { text, subject: None, attribute: None }))
            }
            Pairing::Swap { facts, seed } => {
                let relation =
                    relation(fact).ok_or_else(|| none("the fact has no relation_id".to_owned()))?;
                let others = facts.get(relation).map_or(&[][..], Vec::as_slice);
                let pair = swapped(fact, prompt, others, *seed, lm);
                let detail = format!(
                    "no other fact of {relation} with another answer has a subject that takes the {} tokens of '{}'",
                    prompt.subject_span.len(),
                    fact.subject
                );
                pair.map(Some).ok_or_else(|| none(detail))
            }
        }
    }
}

fn relation(fact: &Fact) -> Option<&str> {
    fact.relation_id.as_deref().or(fact.relation.as_deref())
}

/// The prompt with another fact's subject: the first that fits, in an order drawn for the prompt.
fn swapped(fact: &Fact, prompt: &Prompt, others: &[Fact], seed: u64, lm: &LanguageModel) -> Option<Pair> {
    let order = order(&prompt.ids, others.len(), seed);
    let fits =
        |other: &&Fact| other.attribute.trim() != fact.attribute.trim() && other.subject != fact.subject;
    let others = order.into_iter().map(|index| &others[index]).filter(fits);
    let mut pairs = others.filter_map(|other| {
        let text = fact.prompt.replacen(&fact.subject, &other.subject, 1);
        let encoded = lm.tokenizer.encode(&text).ok()?;
        let span = prompt.subject_span.range();
        let is_aligned = encoded.ids.len() == prompt.ids.len()
            && encoded.ids[..span.start] == prompt.ids[..span.start]
            && encoded.ids[span.end..] == prompt.ids[span.end..];
        let (subject, attribute) = (Some(other.subject.clone()), Some(other.attribute.clone()));
        is_aligned.then_some(Pair { text, subject, attribute })
    });
    pairs.next()
}

/// The numbers below `n` in an order drawn for some tokens.
pub(crate) fn order(ids: &[u32], n: usize, seed: u64) -> Vec<usize> {
    let once = Corruption {
        method: Method::Counterpart,
        extra_tokens: 0,
        stream: NoiseStream::Independent,
        seed,
        samples: 1,
        fresh_for_each_site: false,
    };
    once.draw(ids, 0, |stream| stream.permutation(n)).concat()
}
