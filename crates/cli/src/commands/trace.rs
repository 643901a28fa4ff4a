//! `causal-trace trace`: one prompt.

use std::path::Path;

use anyhow::{Context, Result};
use causal_trace_core::{
    Component, Direction, Grid, Method, Metric, MetricBaseline, Precision, TraceConfig, TraceRecord, Window,
};
use causal_trace_engine::{Answer, Case, TraceError, trace_case};
use causal_trace_lm::kernels::faster_than_f32;
use causal_trace_report::figures::metric_suffix;
use causal_trace_report::{HeatMap, PRINT_DPI, terminal_map};
use causal_trace_results::{CaseFile, ComponentEffects, Strongest, TraceFile};

use super::with_threads;
use crate::args::{PrecisionChoice, TraceArgs};
use crate::auto_precision::{Trial, fastest, probabilities};
use crate::fact_file::FactFile;
use crate::models::{Given, NamedModel};
use crate::output_folder::OutputFolder;
use crate::printer::{Printer, shown};
use crate::progress::WithProgress;
use crate::question::{self, Question};
use crate::settings;

/// A finished trace and all that describes it.
struct Traced {
    model: NamedModel,
    question: Question,
    record: TraceRecord,
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
    if let (Some(out), Some(path)) = (&traced.out, &args.out) {
        let written = traced.write(out, &file)?;
        printer.note(&format!("figures and numbers are in {}", path.display()));
        let others = others(path, &written);
        if !others.is_empty() {
            printer.note(&format!("left alone there, of an earlier trace: {}", others.join(", ")));
        }
    }
    Ok(())
}

/// The files of a folder that are named as a trace's, and were not written just now.
fn others(folder: &Path, written: &[String]) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let is_other = |name: &String| {
        let stem = name.split('.').next().unwrap_or_default();
        (stem == "trace" || stem.starts_with("trace_")) && !written.contains(name)
    };
    let mut others: Vec<String> = names.filter(is_other).collect();
    others.sort_unstable();
    others
}

fn trace(args: &TraceArgs, printer: &Printer) -> Result<Traced> {
    // Before the model is opened, which may take long.
    let method = question::method(args)?;
    let choice = method.precision.unwrap_or_default();
    let given = Given::of(&args.model, method.memory);
    let model = NamedModel::open(given, choice.at_first(), printer)?;
    let question = Question::new(args, &model, || FactFile::open(args.facts.as_deref(), printer), printer)?;
    let (case, config) = (question.case(), &question.config);
    let n_layers = model.lm.model.architecture().n_layers;
    settings::note_wide_window(config, n_layers, printer);
    model.check_memory(&case, config)?;
    // After everything that can be found wrong with the input, before the work.
    let out = args.out.as_deref().map(OutputFolder::create).transpose()?;
    let model = match choice {
        PrecisionChoice::Named(_) => model,
        PrecisionChoice::Auto => fastest_on(case, config, model, given, printer)?,
    };
    let mut record = TraceRecord::unmeasured(question.prompt.clone(), config.clone(), n_layers);
    let mut sink = WithProgress::new(&mut record, printer);
    trace_case(&model.lm.model, case, config, &mut sink)?;
    drop(sink);
    let correct_prediction = question.is_predicted(&model)?;
    let text = |id| model.lm.tokenizer.token_text(id);
    let (answer, foil) = (text(record.baseline.answer_id), record.baseline.foil_id.map(text));
    Ok(Traced { model, question, record, answer, foil, correct_prediction, out })
}

/// The model at the fastest precision that is accurate enough on this prompt.
pub(crate) fn fastest_on(
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

impl Traced {
    fn file(&self) -> TraceFile {
        TraceFile {
            causal_trace: env!("CARGO_PKG_VERSION").to_owned(),
            model: self.model.to_json(),
            prompt: self.record.prompt.clone(),
            subject_occurrences: self.question.subject_occurrences,
            config: self.record.config.clone(),
            precision: self.model.lm.model.precision(),
            noise: self.question.noise.clone(),
            counterpart: self.question.recorded_counterpart(),
            foil: self.foil.clone(),
            answer: self.answer.clone(),
            correct_prediction: self.correct_prediction,
            baseline: self.record.baseline.clone(),
            total_effect: self.record.baseline.total_effect(),
            components: ComponentEffects::of(&self.record),
        }
    }

    /// Writes all files; gives their names.
    fn write(&self, out: &OutputFolder, file: &TraceFile) -> Result<Vec<String>> {
        let mut written = Vec::new();
        let mut write = |name: String, bytes: &[u8]| {
            out.write(&name, bytes)?;
            written.push(name);
            anyhow::Ok(())
        };
        for case in CaseFile::of(&self.record, &self.answer, self.correct_prediction) {
            let name = format!("trace{}.npz", case.component.file_suffix());
            write(name, &case.to_bytes().context("cannot encode the npz file")?)?;
        }
        for grid in &self.record.grids {
            let name = format!("trace{}{}", grid.component.file_suffix(), metric_suffix(grid.metric));
            let map = self.heat_map(grid)?;
            write(format!("{name}.svg"), map.svg()?.as_bytes())?;
            write(format!("{name}.png"), &map.png(PRINT_DPI)?)?;
            write(format!("{name}.pdf"), &map.pdf()?)?;
        }
        write("trace.json".to_owned(), format!("{}\n", serde_json::to_string_pretty(file)?).as_bytes())?;
        Ok(written)
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
            Method::Counterpart => match &self.question.counterpart {
                Some(other) => format!("corrupted run: {}", other.text.trim()),
                None => "another prompt".to_owned(),
            },
            Method::Shuffle => format!("{} shuffles, seed {}", corruption.samples, corruption.seed),
            Method::RandomEmbedding { .. } => {
                format!("{} random embeddings, seed {}", corruption.samples, corruption.seed)
            }
            Method::Noise { level, .. } => {
                let rule = self.question.noise.as_ref().map_or("", |noise| &noise.rule);
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
        let corruption = settings::describe_corruption(config, self.question.noise.as_ref());
        let other = self
            .question
            .counterpart
            .as_ref()
            .map_or(String::new(), |other| format!(": {}", shown(&other.text)));
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
