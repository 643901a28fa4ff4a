//! What the live view asks for, and the options of `trace` that it stands for.

use anyhow::{Result, anyhow};
use causal_trace_core::{Method, TraceConfig, other_orders};
use causal_trace_engine::{TraceError, estimated_operations};
use causal_trace_lm::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};

use super::command::command;
use super::settings::TraceSettings;
use super::words::{answer_in_words, says_subject};
use super::{Jobs, MAX_NUMBERS, MAX_OPERATIONS, MAX_PROMPT_BYTES, Tracer};
use crate::args::{TokenRange, TraceArgs};
use crate::printer::Printer;
use crate::question::Question;
use crate::serve::Problem;

/// What is told of a site beside its samples: its means and their errors.
const NUMBERS_OF_SITE: usize = 4;
/// In how many steps a trace fills in, at most.
const STEPS: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensRequest {
    pub(super) prompt: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    prompt: String,
    subject: (usize, usize),
    answer: Option<u32>,
    counterpart: Option<String>,
    settings: TraceSettings,
}

#[derive(Debug, Serialize)]
pub(crate) struct JobStarted {
    job: String,
    command: String,
}

/// Refuses a prompt that is longer than any is to be.
pub(super) fn check_length(prompt: &str) -> Result<(), Problem> {
    if prompt.len() <= MAX_PROMPT_BYTES {
        return Ok(());
    }
    let n = prompt.len();
    Err(Problem::too_large(format!("the prompt has {n} bytes, and may have {MAX_PROMPT_BYTES}")))
}

impl JobRequest {
    /// Puts the trace into the queue, or says what is wrong with it.
    pub(crate) fn start(&self, tracer: &Tracer, jobs: &Jobs) -> Result<JobStarted, Problem> {
        let options = self.options(tracer)?;
        let question = self.question(tracer, &options)?;
        let command = command(&in_words(options, &question, &tracer.model.lm.tokenizer));
        let job = jobs.add(question)?;
        Ok(JobStarted { job: job.id.clone(), command })
    }

    /// The options of `trace` that ask for the same.
    fn options(&self, tracer: &Tracer) -> Result<TraceArgs, Problem> {
        check_length(&self.prompt)?;
        self.counterpart.as_deref().map_or(Ok(()), check_length)?;
        let (first, end) = self.subject;
        if first >= end {
            return Err(Problem::request("the subject is empty: mark at least one token"));
        }
        let is_pair = self.settings.is_pair();
        if is_pair && self.counterpart.as_deref().is_none_or(str::is_empty) {
            return Err(Problem::request("there is no other prompt: write the prompt of the corrupted run"));
        }
        Ok(TraceArgs {
            model: tracer.given.clone(),
            prompt: Some(self.prompt.clone()),
            subject_tokens: Some(TokenRange { first, end }),
            answer_id: self.answer,
            counterpart: self.counterpart.clone().filter(|_| is_pair),
            facts: tracer.facts_path.clone(),
            method: self.settings.method(tracer.precision)?,
            ..TraceArgs::default()
        })
    }

    /// The trace, ready to be done.
    fn question(&self, tracer: &Tracer, options: &TraceArgs) -> Result<Question, Problem> {
        let facts = || Ok(tracer.facts.clone());
        let question = Question::new(options, &tracer.model, facts, &Printer::new(true));
        let mut question = question.map_err(|error| Problem::of(&error))?;
        question.config.steps = STEPS;
        check_ids(&question, tracer)?;
        check_corruption(&question)?;
        check_numbers(&question, tracer)?;
        let (case, config) = (question.case(), &question.config);
        tracer.model.check_memory(&case, config).map_err(|error| Problem::of(&error))?;
        check_operations(&question, tracer)?;
        Ok(question)
    }
}

/// The options with texts in the place of numbers where these say the same.
fn in_words(options: TraceArgs, question: &Question, tokenizer: &Tokenizer) -> TraceArgs {
    let Question { prompt, asked, .. } = question;
    let is_said = says_subject(prompt, tokenizer);
    let answer = asked.and_then(|id| answer_in_words(id, tokenizer));
    TraceArgs {
        subject: is_said.then(|| prompt.subject.clone()),
        subject_tokens: options.subject_tokens.filter(|_| !is_said),
        answer_id: options.answer_id.filter(|_| answer.is_none()),
        answer,
        ..options
    }
}

/// Refuses prompts that the model does not take and answers that it does not have, before they wait in a queue.
fn check_ids(question: &Question, tracer: &Tracer) -> Result<(), Problem> {
    let model = &tracer.model.lm.model;
    let prompts = std::iter::once(&question.prompt).chain(&question.counterpart);
    for prompt in prompts {
        model.check_prompt(&prompt.ids).map_err(|error| Problem::of(&error.into()))?;
    }
    let d_vocab = model.architecture().d_vocab;
    match question.asked {
        Some(id) if id as usize >= d_vocab => {
            Err(Problem::of(&anyhow!("the answer's token {id} is none of the model's {d_vocab}")))
        }
        _ => Ok(()),
    }
}

/// Refuses what the engine would refuse for its tokens.
fn check_corruption(question: &Question) -> Result<(), Problem> {
    let Question { prompt, counterpart, config: TraceConfig { corruption, .. }, .. } = question;
    let subject = corruption.span(prompt.subject_span, prompt.seq_len());
    let error = match counterpart {
        Some(other) if other.seq_len() != prompt.seq_len() || other.ids == prompt.ids => {
            TraceError::NotAligned { prompt: prompt.tokens.clone(), counterpart: other.tokens.clone() }
        }
        None if corruption.method == Method::Shuffle && other_orders(&prompt.ids[subject.range()]) == 0 => {
            TraceError::NothingToShuffle { tokens: subject.len() }
        }
        _ => return Ok(()),
    };
    Err(Problem::of(&error.into()))
}

/// Refuses more numbers than a server should keep.
fn check_numbers(question: &Question, tracer: &Tracer) -> Result<(), Problem> {
    let config = &question.config;
    let n_layers = tracer.model.lm.model.architecture().n_layers;
    let sites = question.prompt.seq_len() * n_layers * config.components.len();
    match sites * config.all_metrics().count() * (config.corruption.samples + NUMBERS_OF_SITE) {
        n if n > MAX_NUMBERS => too_much(&format!("this trace has {n} numbers, and may have {MAX_NUMBERS}")),
        _ => Ok(()),
    }
}

/// Refuses more work than somebody waits for.
fn check_operations(question: &Question, tracer: &Tracer) -> Result<(), Problem> {
    match estimated_operations(&tracer.model.lm.model, &question.case(), &question.config) {
        n if n > MAX_OPERATIONS => {
            too_much(&format!("this trace takes {n:.0e} operations, which may be hours"))
        }
        _ => Ok(()),
    }
}

fn too_much(what: &str) -> Result<(), Problem> {
    let advice = "choose fewer components, samples or metrics, or trace it with `causal-trace trace`";
    Err(Problem::too_large(format!("{what}: {advice}")))
}
