//! Rows of the prompts table. Columns that follow from others (`total_effect`, the roles) are not read.

use arrow_array::{
    Array, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use causal_trace_core::{Fact, TokenSpan};

use crate::folder::check::prompt_fault;
use crate::folder::columns::{elements, lists, optional, required, text};
use crate::prompt_record::{Outcome, PromptRecord, Skip, TracedPrompt};

/// Appends the records of a batch.
pub(super) fn append(batch: &RecordBatch, records: &mut Vec<PromptRecord>) -> Result<(), String> {
    let (facts, prompts, outcomes) = (Facts::of(batch)?, Prompts::of(batch)?, Outcomes::of(batch)?);
    for row in 0..batch.num_rows() {
        let fact = facts.row(row);
        let id = fact.known_id;
        let named = |fault: String| format!("fact {id}: {fault}");
        let outcome = outcomes.row(row).map_err(named)?;
        let record = prompts.row(row, fact, outcome).map_err(named)?;
        prompt_fault(&record).map_or(Ok(()), |fault| Err(named(fault)))?;
        records.push(record);
    }
    Ok(())
}

/// Appends the ids of a batch.
pub(super) fn append_ids(batch: &RecordBatch, ids: &mut Vec<i64>) -> Result<(), String> {
    ids.extend(required::<Int64Array>(batch, "id")?.values());
    Ok(())
}

/// What the fact file said.
struct Facts<'a> {
    id: &'a Int64Array,
    prompt: &'a StringArray,
    subject: &'a StringArray,
    attribute: &'a StringArray,
    template: &'a StringArray,
    prediction: &'a StringArray,
    relation_id: &'a StringArray,
    relation: &'a StringArray,
}

impl<'a> Facts<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        Ok(Facts {
            id: required(batch, "id")?,
            prompt: required(batch, "prompt")?,
            subject: required(batch, "subject")?,
            attribute: required(batch, "attribute")?,
            template: optional(batch, "template")?,
            prediction: optional(batch, "prediction")?,
            relation_id: optional(batch, "relation_id")?,
            relation: optional(batch, "relation")?,
        })
    }

    fn row(&self, row: usize) -> Fact {
        Fact {
            known_id: self.id.value(row),
            subject: self.subject.value(row).to_owned(),
            attribute: self.attribute.value(row).to_owned(),
            prompt: self.prompt.value(row).to_owned(),
            template: text(self.template, row),
            prediction: text(self.prediction, row),
            relation_id: text(self.relation_id, row),
            relation: text(self.relation, row),
        }
    }
}

/// How the model saw it.
struct Prompts<'a> {
    ids: (&'a ListArray, &'a Int32Array),
    tokens: (&'a ListArray, &'a StringArray),
    subject_start: &'a Int32Array,
    subject_end: &'a Int32Array,
    subject_occurrences: &'a Int32Array,
}

impl<'a> Prompts<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        Ok(Prompts {
            ids: lists(batch, "token_ids")?,
            tokens: lists(batch, "tokens")?,
            subject_start: optional(batch, "subject_start")?,
            subject_end: optional(batch, "subject_end")?,
            subject_occurrences: required(batch, "subject_occurrences")?,
        })
    }

    fn row(&self, row: usize, fact: Fact, outcome: Outcome) -> Result<PromptRecord, String> {
        let ids = &self.ids.1.values()[elements(self.ids.0, row)];
        let ids: Result<Vec<u32>, _> = ids.iter().map(|&id| natural(id, "token_ids")).collect();
        let end = |column: &Int32Array, name| {
            column
                .is_valid(row)
                .then(|| natural(column.value(row), name).map(|token| token as usize))
                .transpose()
        };
        let subject = match (end(self.subject_start, "subject_start")?, end(self.subject_end, "subject_end")?)
        {
            (Some(start), Some(end)) => Some(TokenSpan { start, end }),
            (None, None) => None,
            _ => return Err("one of subject_start and subject_end is null".to_owned()),
        };
        let tokens = elements(self.tokens.0, row).map(|token| self.tokens.1.value(token).to_owned());
        Ok(PromptRecord {
            fact,
            ids: ids?,
            tokens: tokens.collect(),
            subject,
            subject_occurrences: natural(self.subject_occurrences.value(row), "subject_occurrences")?
                as usize,
            outcome,
        })
    }
}

fn natural(value: i32, name: &str) -> Result<u32, String> {
    u32::try_from(value).map_err(|_| format!("{name} holds {value}"))
}

/// What came of it.
struct Outcomes<'a> {
    answer: &'a StringArray,
    answer_id: &'a Int32Array,
    correct_prediction: &'a BooleanArray,
    clean: &'a Float64Array,
    corrupted: &'a Float64Array,
    corrupted_samples: (&'a ListArray, &'a Float32Array),
    noise_level: &'a Float64Array,
    skipped: &'a StringArray,
    skipped_detail: &'a StringArray,
}

impl<'a> Outcomes<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        Ok(Outcomes {
            answer: optional(batch, "answer")?,
            answer_id: optional(batch, "answer_id")?,
            correct_prediction: optional(batch, "correct_prediction")?,
            clean: optional(batch, "clean")?,
            corrupted: optional(batch, "corrupted")?,
            corrupted_samples: lists(batch, "corrupted_samples")?,
            noise_level: optional(batch, "noise_level")?,
            skipped: optional(batch, "skipped")?,
            skipped_detail: optional(batch, "skipped_detail")?,
        })
    }

    fn row(&self, row: usize) -> Result<Outcome, String> {
        if self.skipped.is_valid(row) {
            let reason = self.skipped.value(row).parse().map_err(|error| format!("{error}"))?;
            let detail = text(self.skipped_detail, row).unwrap_or_default();
            return Ok(Outcome::Skipped(Skip { reason, detail }));
        }
        let value = |array: &dyn Array, name: &str| {
            if array.is_valid(row) {
                Ok(())
            } else {
                Err(format!("it was not skipped, and its {name} is null"))
            }
        };
        value(self.answer, "answer")?;
        value(self.correct_prediction, "correct_prediction")?;
        value(self.clean, "clean")?;
        value(self.corrupted, "corrupted")?;
        let answer_id = self.answer_id.is_valid(row).then(|| natural(self.answer_id.value(row), "answer_id"));
        Ok(Outcome::Traced(TracedPrompt {
            answer: self.answer.value(row).to_owned(),
            answer_id: answer_id.transpose()?,
            correct_prediction: self.correct_prediction.value(row),
            clean: self.clean.value(row),
            corrupted: self.corrupted.value(row),
            corrupted_samples: self.corrupted_samples.1.values()[elements(self.corrupted_samples.0, row)]
                .to_vec(),
            noise_level: self.noise_level.is_valid(row).then(|| self.noise_level.value(row)),
            grids: Vec::new(),
        }))
    }
}
