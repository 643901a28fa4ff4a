//! Some facts of a sweep: which of them the model knows, their traces, the records.

use std::ops::ControlFlow;

use anyhow::Result;
use causal_trace_core::{TraceConfig, TraceRecord};
use causal_trace_engine::{Answer, Case, TraceError, estimated_operations, trace_batch};
use causal_trace_lm::{LanguageModel, ModelError, top_predictions};
use causal_trace_results::{Outcome, PromptRecord, Skip, SkipReason, Target, TracedPrompt};

use super::Prepared;
use super::prepared::Ready;

/// What all parts of a sweep have in common.
pub(crate) struct Work<'a> {
    pub(crate) lm: &'a LanguageModel,
    pub(crate) config: &'a TraceConfig,
    pub(crate) target: Target,
}

/// A fact that is going to be traced.
struct Chosen<'a> {
    /// Its place among the facts.
    place: usize,
    ready: &'a Ready,
    answer: u32,
    correct_prediction: bool,
}

impl Work<'_> {
    /// About how many operations a fact takes; nothing where it is known to be left out.
    pub(crate) fn cost(&self, prepared: &Prepared) -> f64 {
        match &prepared.ready {
            Ok(ready) => {
                // Whose probability is measured does not matter to the work.
                let case = ready.case(Answer::Predicted);
                estimated_operations(&self.lm.model, &case, self.config)
            }
            Err(_) => 0.0,
        }
    }

    /// Traces some facts together; one record for each, in their order.
    ///
    /// # Errors
    /// When a setting is wrong or the engine is at fault; what one fact makes impossible is in its record.
    pub(crate) fn trace(
        &self,
        facts: &[&Prepared],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Vec<PromptRecord>> {
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(facts.len());
        let mut chosen = Vec::new();
        let prompts: Vec<&[u32]> =
            facts.iter().filter_map(|fact| Some(&fact.ready.as_ref().ok()?.prompt.ids[..])).collect();
        let mut logits = self.lm.model.last_logits_of(&prompts)?.into_iter();
        for (place, fact) in facts.iter().enumerate() {
            let ready = fact.ready.as_ref().map_err(Skip::clone);
            // There are logits for every fact that is ready.
            let answer = ready.and_then(|ready| self.choose(place, ready, logits.next()));
            outcomes.push(match answer {
                Ok(answer) => {
                    chosen.push(answer);
                    None
                }
                Err(skip) => Some(Outcome::Skipped(skip)),
            });
        }
        for (chosen, outcome) in chosen.iter().zip(self.trace_chosen(&chosen, progress)?) {
            outcomes[chosen.place] = Some(outcome);
        }
        let records = facts.iter().zip(outcomes);
        Ok(records.filter_map(|(fact, outcome)| Some(fact.record(outcome?))).collect())
    }

    /// Whose probability is measured, if the fact is to be traced at all.
    fn choose<'a>(
        &self,
        place: usize,
        ready: &'a Ready,
        logits: Option<Result<Vec<f32>, ModelError>>,
    ) -> Result<Chosen<'a>, Skip> {
        let not_finite =
            |error: ModelError| Skip { reason: SkipReason::NotFinite, detail: error.to_string() };
        let logits = logits.unwrap_or(Err(ModelError::NotFinite)).map_err(not_finite)?;
        let (predicted, probability) = top_predictions(&logits, 1)[0];
        let expected = &ready.expected;
        let text = self.lm.tokenizer.token_text(predicted);
        let correct = ready.is_expected(predicted, &text);
        match self.target {
            Target::Attribute | Target::LastSubtoken => {
                Ok(Chosen { place, ready, answer: expected.id, correct_prediction: predicted == expected.id })
            }
            Target::Predicted if correct => {
                Ok(Chosen { place, ready, answer: predicted, correct_prediction: true })
            }
            Target::Predicted => {
                let detail = format!("predicted '{text}' ({probability:.4}) instead of '{}'", expected.text);
                Err(Skip { reason: SkipReason::WrongPrediction, detail })
            }
        }
    }

    fn trace_chosen(
        &self,
        chosen: &[Chosen<'_>],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Vec<Outcome>> {
        let n_layers = self.lm.model.architecture().n_layers;
        let cases: Vec<Case<'_>> =
            chosen.iter().map(|chosen| chosen.ready.case(Answer::Token(chosen.answer))).collect();
        let unmeasured =
            |case: &Case<'_>| TraceRecord::unmeasured(case.prompt.clone(), self.config.clone(), n_layers);
        let mut records: Vec<TraceRecord> = cases.iter().map(unmeasured).collect();
        let traced = trace_batch(&self.lm.model, &cases, self.config, &mut records, progress)?;
        let outcomes =
            chosen.iter().zip(traced).zip(&records).map(|((chosen, traced), record)| match traced {
                Ok(()) => {
                    let answer = self.lm.tokenizer.token_text(chosen.answer);
                    let foil = record.baseline.foil_id.map(|id| self.lm.tokenizer.token_text(id));
                    Ok(Outcome::Traced(TracedPrompt::of(record, answer, foil, chosen.correct_prediction)))
                }
                Err(error) => match reason(&error) {
                    Some(reason) => Ok(Outcome::Skipped(Skip { reason, detail: error.to_string() })),
                    None => Err(error.into()),
                },
            });
        outcomes.collect()
    }
}

/// Why a fact is left out that the engine refuses; none where the engine or a setting is at fault.
fn reason(error: &TraceError) -> Option<SkipReason> {
    match error {
        TraceError::NotFinite { .. } => Some(SkipReason::NotFinite),
        TraceError::NotAligned { .. } => Some(SkipReason::NotAligned),
        TraceError::NothingToShuffle { .. } => Some(SkipReason::NothingToShuffle),
        _ => None,
    }
}

impl Ready {
    /// Whether a predicted token is the expected one: by the text without the spaces around it, as ROME compares; but
    /// ROME compares with the whole attribute, and so leaves out every fact whose attribute is several tokens.
    pub(crate) fn is_expected(&self, predicted: u32, text: &str) -> bool {
        predicted == self.expected.id || text.trim() == self.expected.text.trim()
    }

    pub(crate) fn case(&self, answer: Answer) -> Case<'_> {
        let foil = self.foil.as_ref().map(|foil| foil.id);
        Case { prompt: &self.prompt, answer, foil, counterpart: self.counterpart.as_ref() }
    }
}
