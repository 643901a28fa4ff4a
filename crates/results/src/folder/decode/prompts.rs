//! Rows of the prompts table. Columns that follow from others (`total_effect`, the roles) are not read.

use arrow_array::{
    Array, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use causal_trace_core::{Fact, TokenSpan};

use crate::folder::check::prompt_fault;
use crate::folder::columns::{elements, inner, lists, metric, optional, required, text};
use crate::prompt_record::{Counterpart, OtherMetric, Outcome, PromptRecord, Skip, TracedPrompt};

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
    counterpart: &'a StringArray,
    foil: &'a StringArray,
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
            counterpart: optional(batch, "fact_counterpart")?,
            foil: optional(batch, "fact_foil")?,
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
            counterpart: text(self.counterpart, row),
            foil: text(self.foil, row),
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
    counterpart: &'a StringArray,
    counterpart_ids: (&'a ListArray, &'a Int32Array),
    counterpart_tokens: (&'a ListArray, &'a StringArray),
}

impl<'a> Prompts<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        Ok(Prompts {
            ids: lists(batch, "token_ids")?,
            tokens: lists(batch, "tokens")?,
            subject_start: optional(batch, "subject_start")?,
            subject_end: optional(batch, "subject_end")?,
            subject_occurrences: required(batch, "subject_occurrences")?,
            counterpart: optional(batch, "counterpart")?,
            counterpart_ids: lists(batch, "counterpart_ids")?,
            counterpart_tokens: lists(batch, "counterpart_tokens")?,
        })
    }

    fn row(&self, row: usize, fact: Fact, outcome: Outcome) -> Result<PromptRecord, String> {
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
        Ok(PromptRecord {
            fact,
            ids: naturals(self.ids, row, "token_ids")?,
            tokens: texts(self.tokens, row),
            subject,
            subject_occurrences: natural(self.subject_occurrences.value(row), "subject_occurrences")?
                as usize,
            counterpart: self.counterpart(row)?,
            outcome,
        })
    }

    fn counterpart(&self, row: usize) -> Result<Option<Counterpart>, String> {
        let Some(text) = text(self.counterpart, row) else { return Ok(None) };
        let ids = naturals(self.counterpart_ids, row, "counterpart_ids")?;
        Ok(Some(Counterpart { text, ids, tokens: texts(self.counterpart_tokens, row) }))
    }
}

fn naturals((lists, values): (&ListArray, &Int32Array), row: usize, name: &str) -> Result<Vec<u32>, String> {
    values.values()[elements(lists, row)].iter().map(|&value| natural(value, name)).collect()
}

fn texts((lists, values): (&ListArray, &StringArray), row: usize) -> Vec<String> {
    elements(lists, row).map(|place| values.value(place).to_owned()).collect()
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
    foil: &'a StringArray,
    foil_id: &'a Int32Array,
    others: Others<'a>,
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
            foil: optional(batch, "foil")?,
            foil_id: optional(batch, "foil_id")?,
            others: Others::of(batch)?,
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
            foil: self.foil(row)?,
            others: self.others.row(row)?,
            grids: Vec::new(),
        }))
    }

    fn foil(&self, row: usize) -> Result<Option<(String, u32)>, String> {
        match (text(self.foil, row), self.foil_id.is_valid(row)) {
            (Some(text), true) => Ok(Some((text, natural(self.foil_id.value(row), "foil_id")?))),
            (None, false) => Ok(None),
            _ => Err("one of foil and foil_id is null".to_owned()),
        }
    }
}

/// The clean and the corrupted runs in other metrics than the probability.
struct Others<'a> {
    metrics: (&'a ListArray, &'a StringArray),
    clean: (&'a ListArray, &'a Float64Array),
    corrupted: (&'a ListArray, &'a Float64Array),
    corrupted_samples: (&'a ListArray, &'a ListArray),
    samples: &'a Float32Array,
}

impl<'a> Others<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        let corrupted_samples = lists::<ListArray>(batch, "metrics_corrupted_samples")?;
        Ok(Others {
            metrics: lists(batch, "metrics")?,
            clean: lists(batch, "metrics_clean")?,
            corrupted: lists(batch, "metrics_corrupted")?,
            corrupted_samples,
            samples: inner(corrupted_samples.1, "metrics_corrupted_samples")?,
        })
    }

    fn row(&self, row: usize) -> Result<Vec<OtherMetric>, String> {
        let metrics = texts(self.metrics, row);
        let [clean, corrupted] = [self.clean, self.corrupted].map(|(lists, _)| elements(lists, row));
        let samples = elements(self.corrupted_samples.0, row);
        let lengths = [clean.len(), corrupted.len(), samples.len()];
        if lengths.iter().any(|&length| length != metrics.len()) {
            return Err(format!("it has {} metrics, but numbers for {lengths:?}", metrics.len()));
        }
        let other = |(place, name): (usize, &String)| {
            let samples = elements(self.corrupted_samples.1, samples.start + place);
            Ok(OtherMetric {
                metric: metric(name)?,
                clean: self.clean.1.value(clean.start + place),
                corrupted: self.corrupted.1.value(corrupted.start + place),
                corrupted_samples: self.samples.values()[samples].to_vec(),
            })
        };
        metrics.iter().enumerate().map(other).collect()
    }
}
