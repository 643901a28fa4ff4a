//! The embedded models and their facts.

use anyhow::{Context, Result};
use causal_trace_core::{Fact, Precision, parse_facts};
use causal_trace_lm::weights::Weights;
use causal_trace_lm::{Fingerprint, LanguageModel};

const TOKENIZER: &[u8] = include_bytes!("../../../demo/gpt2/tokenizer.json");
/// The facts as they stand in the repository.
pub(crate) const FACTS: &str = include_str!("../../../demo/facts.json");

/// The fact that is traced when none is given.
const FIRST_FACT: &str = "Space Needle";

struct Embedded {
    name: &'static str,
    config: &'static str,
    weights: &'static [u8],
}

const MODELS: [Embedded; 2] = [
    Embedded {
        name: "demo",
        config: include_str!("../../../demo/gpt2/config.json"),
        weights: include_bytes!("../../../demo/gpt2/model.safetensors"),
    },
    Embedded {
        name: "demo-j",
        config: include_str!("../../../demo/gptj/config.json"),
        weights: include_bytes!("../../../demo/gptj/model.safetensors"),
    },
];

/// The embedded model of that name, if there is one.
pub(crate) fn model(name: &str, precision: Precision) -> Option<Result<LanguageModel>> {
    let embedded = MODELS.iter().find(|embedded| embedded.name == name)?;
    let opened = Weights::from_static(name, embedded.weights)
        .map_err(anyhow::Error::from)
        .and_then(|weights| Ok(LanguageModel::from_parts(embedded.config, weights, TOKENIZER, precision)?));
    Some(opened.with_context(|| format!("the embedded model {name} is damaged")))
}

/// The names of the embedded models.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|embedded| embedded.name)
}

/// Bytes of an embedded model's weights.
pub(crate) fn weight_bytes(name: &str) -> Option<u64> {
    MODELS.iter().find(|embedded| embedded.name == name).map(|embedded| embedded.weights.len() as u64)
}

/// What an embedded model is recognised by.
pub(crate) fn fingerprint(name: &str) -> Option<Fingerprint> {
    let embedded = MODELS.iter().find(|embedded| embedded.name == name)?;
    Some(Fingerprint::of_parts(embedded.config, embedded.weights, TOKENIZER))
}

/// The facts that the embedded models know.
pub(crate) fn facts() -> Result<Vec<Fact>> {
    parse_facts(FACTS).context("the embedded facts are damaged")
}

/// The fact that is traced when none is given.
pub(crate) fn first_fact() -> Result<Fact> {
    let facts = facts()?;
    let chosen = facts.iter().position(|fact| fact.subject == FIRST_FACT).unwrap_or(0);
    Ok(facts[chosen].clone())
}
