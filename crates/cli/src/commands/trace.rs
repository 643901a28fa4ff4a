//! `causal-trace trace`: one prompt.

use anyhow::{Context, Result};
use causal_trace_core::{
    Component, Direction, Grid, Method, Metric, MetricBaseline, Precision, Prompt, TraceConfig, TraceRecord,
    Window, other_orders,
};
use causal_trace_engine::{Answer, Case, TraceError, trace_case};
use causal_trace_lm::kernels::faster_than_f32;
use causal_trace_lm::top_predictions;
use causal_trace_report::figures::metric_suffix;
use causal_trace_report::{HeatMap, PRINT_DPI, terminal_map};
use causal_trace_results::{CaseFile, ComponentEffects, Counterpart, NoiseSource, Strongest, TraceFile};

use super::with_threads;
use crate::args::{CorruptionChoice, MethodArgs, PrecisionChoice, TraceArgs};
use crate::auto_precision::{Trial, fastest, probabilities};
use crate::fact_file::FactFile;
use crate::models::{Given, NamedModel};
use crate::output_folder::OutputFolder;
use crate::printer::{Printer, shown};
use crate::progress::WithProgress;
use crate::prompts::Tokenized;
use crate::usage::Usage;
use crate::{demo, prompts, settings};

/// A finished trace and all that describes it.
struct Traced {
    model: NamedModel,
    record: TraceRecord,
    counterpart: Option<Prompt>,
    subject_occurrences: usize,
    noise: Option<NoiseSource>,
    answer: String,
    foil: Option<String>,
    correct_prediction: bool,
    out: Option<OutputFolder>,
}

pub(crate) fn run(args: &TraceArgs, printer: &Printer) -> Result<()> {
    let traced = with_threads(args.method.threads, || trace(args, printer))??;
    let file = traced.file();
    if args.json {
        printer.result(&serde_json::to_string_pretty(&file)?);
    } else {
        traced.show(&file, printer)?;
    }
    // After the result is shown, so that a full disk does not take it away.
    if let Some(out) = &traced.out {
        traced.write(out, &file)?;
    }
    if let Some(path) = &args.out {
        printer.note(&format!("figures and numbers are in {}", path.display()));
    }
    Ok(())
}

fn trace(args: &TraceArgs, printer: &Printer) -> Result<Traced> {
    let method = method(args)?;
    let choice = method.precision.unwrap_or_default();
    let given = Given::new(&args.model.model, method.memory);
    let model = NamedModel::open(given, choice.at_first(), printer)?;
    let Tokenized { prompt, subject_occurrences } = prompt(args, &model, printer)?;
    let token = |text: &Option<String>, what| {
        text.as_ref().map(|text| prompts::single_token(&model.lm.tokenizer, text, what)).transpose()
    };
    let (asked, foil) = (token(&args.answer, "answer")?, token(&args.foil, "foil")?);
    let counterpart =
        args.counterpart.as_ref().map(|text| counterpart(text, &prompt, &model, printer)).transpose()?;
    let facts = || FactFile::open(args.facts.as_deref());
    let (config, noise) = settings::resolve(&method, &model, facts)?;
    let n_layers = model.lm.model.architecture().n_layers;
    settings::note_wide_window(&config, n_layers, printer);
    note_few_orders(&config, &prompt, printer);
    let answer = asked.map_or(Answer::Predicted, Answer::Token);
    let case = Case { prompt: &prompt, answer, foil, counterpart: counterpart.as_ref() };
    model.check_memory(&case, &config)?;
    // After everything that can be found wrong with the input, before the work.
    let out = args.out.as_deref().map(OutputFolder::create).transpose()?;
    let model = match choice {
        PrecisionChoice::Named(_) => model,
        PrecisionChoice::Auto => fastest_on(case, &config, model, given, printer)?,
    };
    let mut record = TraceRecord::unmeasured(prompt.clone(), config.clone(), n_layers);
    let mut sink = WithProgress::new(&mut record, printer);
    trace_case(&model.lm.model, case, &config, &mut sink)?;
    drop(sink);
    let correct_prediction = match asked {
        None => true,
        Some(id) => top_predictions(&model.lm.model.last_logits(&prompt.ids)?, 1)[0].0 == id,
    };
    let text = |id| model.lm.tokenizer.token_text(id);
    let (answer, foil) = (text(record.baseline.answer_id), record.baseline.foil_id.map(text));
    Ok(Traced {
        model,
        record,
        counterpart,
        subject_occurrences,
        noise,
        answer,
        foil,
        correct_prediction,
        out,
    })
}

/// The model at the fastest precision that is accurate enough on this prompt.
fn fastest_on(
    case: Case<'_>,
    config: &TraceConfig,
    exact: NamedModel,
    given: Given<'_>,
    printer: &Printer,
) -> Result<NamedModel> {
    let traced = |model: &NamedModel, answer: Answer| {
        let n_layers = model.lm.model.architecture().n_layers;
        let mut record = TraceRecord::unmeasured(case.prompt.clone(), config.clone(), n_layers);
        trace_case(&model.lm.model, Case { answer, ..case }, config, &mut record).map(|()| record)
    };
    let trial = Trial {
        reference: |exact: &NamedModel| {
            let record = traced(exact, case.answer)?;
            Ok(Some((record.baseline.answer_id, probabilities(&record))))
        },
        open: |precision| NamedModel::open(given, precision, printer),
        measure: |model: &NamedModel, &answer: &u32| match traced(model, Answer::Token(answer)) {
            Ok(record) => Ok(Some(probabilities(&record))),
            Err(TraceError::NotFinite { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        },
    };
    fastest(faster_than_f32(), exact, trial, printer)
}

/// The options of the method: a counterpart means pairs, and only a counterpart does.
fn method(args: &TraceArgs) -> Result<MethodArgs, Usage> {
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
        // Alignment is the engine's to check.
        ids: encoded.ids,
        tokens: encoded.texts,
        subject_span: prompt.subject_span,
    })
}

fn prompt(args: &TraceArgs, model: &NamedModel, printer: &Printer) -> Result<Tokenized> {
    match (&args.prompt, &args.subject) {
        (Some(text), Some(subject)) => prompts::tokenize(&model.lm.tokenizer, text, subject, printer),
        _ if model.embedded() => {
            let fact = demo::first_fact()?;
            prompts::tokenize(&model.lm.tokenizer, &fact.prompt, &fact.subject, printer)
        }
        _ => {
            let problem =
                format!("nothing to trace on {}: give --prompt TEXT and --subject TEXT", model.name);
            Err(Usage(problem).into())
        }
    }
}

impl Traced {
    fn file(&self) -> TraceFile {
        TraceFile {
            causal_trace: env!("CARGO_PKG_VERSION").to_owned(),
            model: self.model.to_json(),
            prompt: self.record.prompt.clone(),
            subject_occurrences: self.subject_occurrences,
            config: self.record.config.clone(),
            precision: self.model.lm.model.precision(),
            noise: self.noise.clone(),
            counterpart: self.counterpart.as_ref().map(|Prompt { text, ids, tokens, .. }| Counterpart {
                text: text.clone(),
                ids: ids.clone(),
                tokens: tokens.clone(),
            }),
            foil: self.foil.clone(),
            answer: self.answer.clone(),
            correct_prediction: self.correct_prediction,
            baseline: self.record.baseline.clone(),
            total_effect: self.record.baseline.total_effect(),
            components: ComponentEffects::of(&self.record),
        }
    }

    fn write(&self, out: &OutputFolder, file: &TraceFile) -> Result<()> {
        for case in CaseFile::of(&self.record, &self.answer, self.correct_prediction) {
            let name = format!("trace{}.npz", case.component.file_suffix());
            out.write(&name, &case.to_bytes().context("cannot encode the npz file")?)?;
        }
        for grid in &self.record.grids {
            let name = format!("trace{}{}", grid.component.file_suffix(), metric_suffix(grid.metric));
            let map = self.heat_map(grid)?;
            out.write(&format!("{name}.svg"), map.svg()?.as_bytes())?;
            out.write(&format!("{name}.png"), &map.png(PRINT_DPI)?)?;
            out.write(&format!("{name}.pdf"), &map.pdf()?)?;
        }
        out.write("trace.json", format!("{}\n", serde_json::to_string_pretty(file)?).as_bytes())
    }

    fn heat_map(&self, grid: &Grid) -> Result<HeatMap> {
        let TraceRecord { prompt, config, .. } = &self.record;
        let (clean, corrupted) = self.baseline_in(grid.metric)?;
        let foil = match &self.foil {
            Some(foil) if grid.metric == Metric::LogitDifference => format!("foil '{}', ", foil.trim()),
            _ => String::new(),
        };
        Ok(HeatMap {
            component: grid.component,
            metric: grid.metric,
            window: grid.component.window(config.window, config.residual_window).width,
            model: self.model.name.clone(),
            tokens: prompt.tokens.clone(),
            subject: prompt.subject_span.range(),
            n_layers: grid.n_layers,
            values: grid.means(),
            clean,
            corrupted: causal_trace_core::effect::mean(corrupted) as f32,
            answer: self.answer.clone(),
            direction: config.direction,
            note: format!("{foil}{}", self.note()),
        })
    }

    /// A metric of the clean and of each corrupted run.
    fn baseline_in(&self, metric: Metric) -> Result<(f32, &[f32])> {
        self.record.baseline.of(metric).with_context(|| format!("{metric} was not measured"))
    }

    /// What one must know to read the numbers, in one line.
    fn note(&self) -> String {
        let corruption = &self.record.config.corruption;
        let made = match &corruption.method {
            Method::Counterpart => match &self.counterpart {
                Some(other) => format!("corrupted run: {}", other.text.trim()),
                None => "another prompt".to_owned(),
            },
            Method::Shuffle => format!("{} shuffles, seed {}", corruption.samples, corruption.seed),
            Method::RandomEmbedding { .. } => {
                format!("{} random embeddings, seed {}", corruption.samples, corruption.seed)
            }
            Method::Noise { level, .. } => {
                let rule = self.noise.as_ref().map_or("", |noise| &noise.rule);
                format!("{} samples, noise {level:.4} ({rule}), seed {}", corruption.samples, corruption.seed)
            }
        };
        let precision = match self.model.lm.model.precision() {
            Precision::F32 => String::new(),
            other => format!(", {other}"),
        };
        format!("{made}{precision}, causal-trace {}", env!("CARGO_PKG_VERSION"))
    }

    fn show(&self, file: &TraceFile, printer: &Printer) -> Result<()> {
        let TraceRecord { prompt, config, baseline, .. } = &self.record;
        let corrupted = causal_trace_core::effect::mean(&baseline.corrupted);
        let prediction = if self.correct_prediction { "" } else { " (not the model's own prediction)" };
        printer.result(&format!("{} |{}|{prediction}", shown(&prompt.text), shown(&self.answer)));
        printer.result(&format!("model      {}", self.model.describe()));
        printer.result(&format!(
            "subject    {} (tokens {} to {} of {})",
            shown(&prompt.subject),
            prompt.subject_span.start,
            prompt.subject_span.end - 1,
            prompt.seq_len()
        ));
        let corruption = settings::describe_corruption(config, self.noise.as_ref());
        let other =
            self.counterpart.as_ref().map_or(String::new(), |other| format!(": {}", shown(&other.text)));
        printer.result(&format!("corrupted  {corruption}{other}"));
        printer.result(&format!(
            "p = {:.4} clean, p* = {corrupted:.4} corrupted, total effect {:.4}",
            baseline.clean, file.total_effect
        ));
        if file.total_effect <= 0.0 {
            printer.result("the corruption does not lower p: there is no effect to restore");
        }
        for other in &baseline.others {
            printer.result(&self.other(other));
        }
        for grid in &self.record.grids {
            let is_its = |effects: &&ComponentEffects| {
                (effects.component, effects.metric) == (grid.component, grid.metric)
            };
            let effects = file.components.iter().find(is_its).context("a grid without effects")?;
            printer.result("");
            printer.result(&terminal_map(&self.heat_map(grid)?, printer.color_depth(), printer.width())?);
            let strongest =
                [("strongest", &effects.strongest), ("at the subject", &effects.strongest_at_subject)];
            for (label, site) in strongest {
                if let Some(site) = site.as_ref().filter(|site| site.indirect_effect != 0.0) {
                    printer.result(&self.site(label, grid, site)?);
                }
            }
        }
        Ok(())
    }

    /// Another metric of the clean and the corrupted run.
    fn other(&self, other: &MetricBaseline) -> String {
        let against = match &self.foil {
            Some(foil) if other.metric == Metric::LogitDifference => format!(" to '{}'", shown(foil)),
            _ => String::new(),
        };
        let corrupted = causal_trace_core::effect::mean(&other.corrupted);
        format!("{}{against}: {:.4} clean, {corrupted:.4} corrupted", other.metric.label(), other.clean)
    }

    fn site(&self, label: &str, grid: &Grid, site: &Strongest) -> Result<String> {
        let (clean, corrupted) = self.baseline_in(grid.metric)?;
        let total_effect = causal_trace_core::effect::total_effect(clean, corrupted);
        // A share of an effect that is not there would mean nothing.
        let restored = causal_trace_core::effect::strength(Direction::Denoise, grid.metric, total_effect);
        let share = if restored > 1e-6 {
            format!(", {:.0} % of the total effect", 100.0 * site.indirect_effect / total_effect)
        } else {
            String::new()
        };
        let is_state_after_layer =
            !matches!(grid.component, Component::Mlp | Component::Attention | Component::ResidPre);
        let is_trivial =
            is_state_after_layer && site.token + 1 == grid.seq_len && site.layer + 1 == grid.n_layers;
        let always = if is_trivial { " (always: nothing comes after it)" } else { "" };
        let config = &self.record.config;
        let window = grid.component.window(config.window, config.residual_window);
        let layers = if window == Window::SINGLE { "layer" } else { "window around layer" };
        let name = if grid.metric == Metric::Probability { "p" } else { grid.metric.label() };
        Ok(format!(
            "{label:<15} {layers} {}, token {} '{}' ({}): {name} = {:.4}, indirect effect {:.4}{share}{always}",
            site.layer,
            site.token,
            shown(&self.record.prompt.tokens[site.token]),
            site.hook,
            causal_trace_core::effect::mean(grid.at(site.token, site.layer)),
            site.indirect_effect,
        ))
    }
}
