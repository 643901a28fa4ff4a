//! Facts that a model knows, drawn by a seed.

use anyhow::{Result, bail};
use causal_trace_lm::{LanguageModel, ModelError, top_predictions};
use causal_trace_results::Target;

use crate::args::{Answers, CalibrateArgs};
use crate::fact_file::FactFile;
use crate::printer::Printer;
use crate::progress::Counted;
use crate::sweep::{Pairing, Preparation, Ready, order};

/// Prompts that go through the model together; more where every walk through its layers reads all its files.
const AT_ONCE: usize = 16;
const AT_ONCE_STREAMED: usize = 64;

/// A fact, and the token that the model predicts for it.
pub(crate) struct KnownFact {
    pub(crate) known_id: i64,
    pub(crate) ready: Ready,
    pub(crate) answer: u32,
    /// Its place in the file.
    place: usize,
}

/// The facts of a calibration.
pub(crate) struct Known {
    /// In the file's order.
    pub(crate) facts: Vec<KnownFact>,
    pub(crate) answers: Answers,
    /// How many facts were tried until these were found, and how many of those the model knows.
    pub(crate) tried: usize,
    pub(crate) known: usize,
}

impl Known {
    /// Draws as many facts as are asked for: those that the model knows, or any; where that is not said, any if it knows
    /// none.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn draw(
        lm: &LanguageModel,
        file: &FactFile,
        args: &CalibrateArgs,
        printer: &Printer,
    ) -> Result<Known> {
        let preparation = Preparation { lm, target: Target::Predicted, pairing: Pairing::None };
        let order = order(&[], file.facts.len(), args.seed);
        let (mut chosen, mut others, mut first_reason) = (Vec::new(), Vec::new(), None);
        let (mut tried, mut n_known, mut measurable) = (0, 0, 0);
        let mut bar = Counted::new(printer, "finding facts", order.len());
        let at_once = if lm.model.is_streamed() { AT_ONCE_STREAMED } else { AT_ONCE };
        for places in order.chunks(at_once) {
            if chosen.len() >= args.sample {
                break;
            }
            for (fact, is_known) in predicted(&preparation, file, places, &mut first_reason)? {
                n_known += usize::from(is_known);
                measurable += 1;
                if is_known || args.answers == Some(Answers::Predicted) {
                    chosen.push(fact);
                } else if args.answers.is_none() && others.len() < args.sample {
                    others.push(fact);
                }
            }
            tried += places.len();
            bar.done(places.len() as u64);
        }
        drop(bar);
        let usual = if n_known == 0 { Answers::Predicted } else { Answers::Known };
        let answers = args.answers.unwrap_or(usual);
        let mut facts = if chosen.is_empty() { others } else { chosen };
        if facts.is_empty() {
            let (name, all) = (&file.name, file.facts.len());
            if let (0, Some(reason)) = (measurable, first_reason) {
                bail!(
                    "none of the {all} facts of {name} can be measured with this model; the first: {reason}"
                )
            }
            bail!(
                "the model knows none of the {all} facts of {name}: give facts that it knows with --facts, or take its own \
                 predictions as answers with --answers predicted"
            );
        }
        facts.truncate(args.sample);
        facts.sort_unstable_by_key(|fact| fact.place);
        Ok(Known { facts, answers, tried, known: n_known })
    }
}

/// The predictions for the facts at some places, and whether they are right; of those left out, `first_reason` keeps
/// the first one's.
fn predicted(
    preparation: &Preparation<'_>,
    file: &FactFile,
    places: &[usize],
    first_reason: &mut Option<String>,
) -> Result<Vec<(KnownFact, bool)>> {
    let lm = preparation.lm;
    let mut ready = Vec::new();
    for &place in places {
        match preparation.prepare(file.facts[place].clone()).ready {
            Ok(fact) => ready.push((place, fact)),
            Err(skip) => {
                first_reason.get_or_insert(skip.detail);
            }
        }
    }
    let prompts: Vec<&[u32]> = ready.iter().map(|(_, fact)| &fact.prompt.ids[..]).collect();
    let logits = lm.model.last_logits_of(&prompts)?;
    let fact = |((place, ready), logits): ((usize, Ready), Result<Vec<f32>, ModelError>)| {
        let (answer, _) = top_predictions(&logits?, 1)[0];
        let is_known = ready.is_expected(answer, &lm.tokenizer.token_text(answer));
        Ok((KnownFact { known_id: file.facts[place].known_id, ready, answer, place }, is_known))
    };
    ready.into_iter().zip(logits).map(fact).collect()
}
