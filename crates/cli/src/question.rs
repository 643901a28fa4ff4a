//! A trace as it was asked for, resolved against a model.

use anyhow::Result;
use causal_trace_core::{Method, Metric, Prompt, TraceConfig, other_orders};
use causal_trace_engine::{Answer, Case};
use causal_trace_lm::top_predictions;
use causal_trace_results::{Counterpart, NoiseSource};

use crate::args::{CorruptionChoice, MethodArgs, TraceArgs};
use crate::fact_file::FactFile;
use crate::models::NamedModel;
use crate::printer::Printer;
use crate::prompts::{self, Tokenized};
use crate::usage::Usage;
use crate::{demo, settings};

/// A trace that is ready to be done.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) prompt: Prompt,
    /// How often the subject occurs in the prompt.
    pub(crate) subject_occurrences: usize,
    /// The prompt of the corrupted run, where that is another prompt.
    pub(crate) counterpart: Option<Prompt>,
    /// The answer's token; none for the model's own prediction.
    pub(crate) asked: Option<u32>,
    foil: Option<u32>,
    pub(crate) config: TraceConfig,
    /// Where the noise level comes from, where there is noise.
    pub(crate) noise: Option<NoiseSource>,
}

impl Question {
    /// What some options ask of a model; `facts` are asked for only if their subjects scale the noise.
    pub(crate) fn new(
        args: &TraceArgs,
        model: &NamedModel,
        facts: impl FnOnce() -> Result<FactFile>,
        printer: &Printer,
    ) -> Result<Self> {
        let method = method(args)?;
        let Tokenized { prompt, subject_occurrences } = prompt(args, model, printer)?;
        let tokenizer = &model.lm.tokenizer;
        let token = |text: &Option<String>, what| {
            text.as_ref().map(|text| prompts::single_token(tokenizer, text, what)).transpose()
        };
        let (asked, foil) = (args.answer_id.or(token(&args.answer, "answer")?), token(&args.foil, "foil")?);
        let counterpart =
            args.counterpart.as_ref().map(|text| counterpart(text, &prompt, model, printer)).transpose()?;
        let (config, noise) = settings::resolve(&method, model, facts)?;
        note_few_orders(&config, &prompt, printer);
        Ok(Question { prompt, subject_occurrences, counterpart, asked, foil, config, noise })
    }

    /// What the engine is asked.
    pub(crate) fn case(&self) -> Case<'_> {
        let answer = self.asked.map_or(Answer::Predicted, Answer::Token);
        Case { prompt: &self.prompt, answer, foil: self.foil, counterpart: self.counterpart.as_ref() }
    }

    /// Whether the answer is the model's own prediction.
    pub(crate) fn is_predicted(&self, model: &NamedModel) -> Result<bool> {
        let Some(id) = self.asked else { return Ok(true) };
        Ok(top_predictions(&model.lm.model.last_logits(&self.prompt.ids)?, 1)[0].0 == id)
    }

    /// The prompt of the corrupted run as records have it.
    pub(crate) fn recorded_counterpart(&self) -> Option<Counterpart> {
        self.counterpart.as_ref().map(|Prompt { text, ids, tokens, .. }| Counterpart {
            text: text.clone(),
            ids: ids.clone(),
            tokens: tokens.clone(),
        })
    }
}

/// The options of the method: a counterpart means pairs, and only a counterpart does.
pub(crate) fn method(args: &TraceArgs) -> Result<MethodArgs, Usage> {
    let mut method = args.method.clone();
    let problem = match (args.counterpart.is_some(), method.corruption) {
        (_, Some(CorruptionChoice::Swap)) => {
            "swap takes the subject of another fact, which one prompt does not have: give --counterpart TEXT"
        }
        (false, Some(CorruptionChoice::Pair)) => "--corruption pair needs --counterpart TEXT",
        (true, None | Some(CorruptionChoice::Pair)) => {
            method.corruption = Some(CorruptionChoice::Pair);
            ""
        }
        (true, Some(_)) => "--counterpart belongs to --corruption pair",
        (false, _) => "",
    };
    let measures_difference =
        method.metric.as_ref().is_some_and(|metrics| metrics.contains(&Metric::LogitDifference));
    if !problem.is_empty() {
        Err(Usage(problem.to_owned()))
    } else if args.foil.is_some() && !measures_difference {
        Err(Usage("--foil belongs to --metric logit_difference".to_owned()))
    } else {
        Ok(method)
    }
}

/// Says so where a pair differs, but not in the subject: what is corrupted then is not what is starred.
fn note_other_place(prompt: &Prompt, other: &[u32], printer: &Printer) {
    let subject = prompt.subject_span.range();
    let differing: Vec<usize> =
        (0..prompt.seq_len()).filter(|&token| other.get(token) != Some(&prompt.ids[token])).collect();
    let is_aligned = other.len() == prompt.seq_len() && !differing.is_empty();
    if is_aligned && !differing.iter().any(|token| subject.contains(token)) {
        let tokens: Vec<String> =
            differing.iter().map(|&token| format!("'{}'", prompt.tokens[token])).collect();
        printer.note(&format!(
            "note: the subject '{}' is the same in both prompts, which differ in {}: that is what is corrupted",
            prompt.subject,
            tokens.join(" ")
        ));
    }
}

/// Says so where samples repeat, since the subject has fewer other orders.
fn note_few_orders(config: &TraceConfig, prompt: &Prompt, printer: &Printer) {
    let corruption = &config.corruption;
    let span = corruption.span(prompt.subject_span, prompt.seq_len());
    let orders = other_orders(&prompt.ids[span.range()]);
    if corruption.method == Method::Shuffle && orders > 0 && orders < corruption.samples as u64 {
        let (tokens, plural) = (span.len(), if orders == 1 { "" } else { "s" });
        printer.note(&format!(
            "note: {tokens} tokens have {orders} other order{plural}, so that the {} samples repeat; --samples \
             {orders} does with fewer runs",
            corruption.samples
        ));
    }
}

fn counterpart(text: &str, prompt: &Prompt, model: &NamedModel, printer: &Printer) -> Result<Prompt> {
    let encoded = model.lm.tokenizer.encode(text)?;
    note_other_place(prompt, &encoded.ids, printer);
    Ok(Prompt {
        text: text.to_owned(),
        subject: String::new(),
        ids: encoded.ids,
        tokens: encoded.texts,
        // Alignment is the engine's to check.
        subject_span: prompt.subject_span,
    })
}

fn prompt(args: &TraceArgs, model: &NamedModel, printer: &Printer) -> Result<Tokenized> {
    let tokenizer = &model.lm.tokenizer;
    match (&args.prompt, &args.subject, args.subject_tokens) {
        (Some(text), Some(subject), _) => prompts::tokenize(tokenizer, text, subject, printer),
        (Some(text), None, Some(span)) => prompts::with_span(tokenizer, text, span),
        _ if model.embedded() => {
            let fact = demo::first_fact()?;
            prompts::tokenize(tokenizer, &fact.prompt, &fact.subject, printer)
        }
        _ => {
            let problem =
                format!("nothing to trace on {}: give --prompt TEXT and --subject TEXT", model.name);
            Err(Usage(problem).into())
        }
    }
}
