//! Sentences before every prompt: true ones in the clean run, others in the corrupted run.

use anyhow::{Result, bail};
use causal_trace_core::Fact;
use causal_trace_lm::tokenizer::Tokenizer;

use super::file::Prefix;

impl Prefix {
    /// That every sentence has as many tokens as its counterpart, and not the same ones; else names the tokens of both.
    pub(super) fn check(&self, run: &str, tokenizer: &Tokenizer) -> Result<()> {
        let (clean, corrupted) = (self.clean.len(), self.corrupted.len());
        if clean == 0 || clean != corrupted {
            bail!(
                "run {run}: the prefix has {clean} clean sentences and {corrupted} corrupted ones: give one for each"
            );
        }
        let mut differs = false;
        for (place, (clean, corrupted)) in self.clean.iter().zip(&self.corrupted).enumerate() {
            // As it stands in the prompt: after a space, but for the first.
            let tokens = |text: &str| {
                let text = if place == 0 { text.to_owned() } else { format!(" {text}") };
                tokenizer.encode(&text)
            };
            let (one, other) = (tokens(clean)?, tokens(corrupted)?);
            if one.ids.len() != other.ids.len() {
                bail!(
                    "run {run}: the sentences of the prefix do not align: {} is {} tokens and {} is {}; change the \
                     words until they are as many",
                    listed(&one.texts),
                    one.ids.len(),
                    listed(&other.texts),
                    other.ids.len()
                );
            }
            differs |= one.ids != other.ids;
        }
        if !differs {
            bail!("run {run}: the prefix is the same in the clean and in the corrupted run");
        }
        Ok(())
    }

    /// A fact after the prefix; none where its subject occurs in the prefix already.
    pub(super) fn before(&self, fact: &Fact) -> Option<Fact> {
        let [clean, corrupted] = [&self.clean, &self.corrupted].map(|sentences| sentences.join(" "));
        if [&clean, &corrupted].iter().any(|text| text.contains(fact.subject.trim())) {
            return None;
        }
        Some(Fact {
            prompt: format!("{clean} {}", fact.prompt),
            counterpart: Some(format!("{corrupted} {}", fact.prompt)),
            // Both told of the prompt without its prefix.
            template: None,
            prediction: None,
            ..fact.clone()
        })
    }
}

fn listed(tokens: &[String]) -> String {
    let quoted: Vec<String> = tokens.iter().map(|token| format!("'{token}'")).collect();
    quoted.join(" ")
}
