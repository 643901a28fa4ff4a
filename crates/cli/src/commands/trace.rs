//! `causal-trace trace`: one prompt.

use anyhow::{Context, Result};
use causal_trace_core::{Component, Grid, TraceRecord};
use causal_trace_engine::Answer;
use causal_trace_lm::top_predictions;
use causal_trace_report::{HeatMap, PRINT_DPI, terminal_map};
use causal_trace_results::{CaseFile, ComponentEffects, NoiseSource, Strongest, TraceFile};

use super::with_threads;
use crate::args::TraceArgs;
use crate::fact_file::FactFile;
use crate::models::NamedModel;
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
    subject_occurrences: usize,
    noise: NoiseSource,
    answer: String,
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
    let model = NamedModel::open(&args.model.model)?;
    let Tokenized { prompt, subject_occurrences } = prompt(args, &model, printer)?;
    let asked =
        args.answer.as_deref().map(|text| prompts::answer_token(&model.lm.tokenizer, text)).transpose()?;
    let facts = || FactFile::open(args.facts.as_deref());
    let (config, noise) = settings::resolve(&args.method, &model.lm, facts)?;
    let n_layers = model.lm.model.architecture().n_layers;
    settings::note_wide_window(&config, n_layers, printer);
    // After everything that can be found wrong with the input, before the work.
    let out = args.out.as_deref().map(OutputFolder::create).transpose()?;
    let mut record = TraceRecord::unmeasured(prompt, config.clone(), n_layers);
    let prompt = record.prompt.clone();
    let answer = asked.map_or(Answer::Predicted, Answer::Token);
    let mut sink = WithProgress::new(&mut record, printer);
    causal_trace_engine::trace(&model.lm.model, &prompt, answer, &config, &mut sink)?;
    drop(sink);
    let answer_id = record.baseline.answer_id;
    let correct_prediction = match asked {
        None => true,
        Some(id) => top_predictions(&model.lm.model.last_logits(&prompt.ids)?, 1)[0].0 == id,
    };
    let answer = model.lm.tokenizer.token_text(answer_id);
    Ok(Traced { model, record, subject_occurrences, noise, answer, correct_prediction, out })
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
            noise: self.noise.clone(),
            answer: self.answer.clone(),
            correct_prediction: self.correct_prediction,
            baseline: self.record.baseline.clone(),
            total_effect: self.record.baseline.total_effect(),
            components: ComponentEffects::of(&self.record),
        }
    }

    fn write(&self, out: &OutputFolder, file: &TraceFile) -> Result<()> {
        for (case, grid) in
            CaseFile::of(&self.record, &self.answer, self.correct_prediction).iter().zip(&self.record.grids)
        {
            let name = format!("trace{}", grid.component.file_suffix());
            out.write(&format!("{name}.npz"), &case.to_bytes().context("cannot encode the npz file")?)?;
            let map = self.heat_map(grid);
            out.write(&format!("{name}.svg"), map.svg()?.as_bytes())?;
            out.write(&format!("{name}.png"), &map.png(PRINT_DPI)?)?;
            out.write(&format!("{name}.pdf"), &map.pdf()?)?;
        }
        out.write("trace.json", format!("{}\n", serde_json::to_string_pretty(file)?).as_bytes())
    }

    fn heat_map(&self, grid: &Grid) -> HeatMap {
        let TraceRecord { prompt, config, baseline, .. } = &self.record;
        let corruption = &config.corruption;
        HeatMap {
            component: grid.component,
            window: if grid.component.is_windowed() { config.window.width } else { 1 },
            model: self.model.name.clone(),
            tokens: prompt.tokens.clone(),
            subject: prompt.subject_span.range(),
            n_layers: grid.n_layers,
            values: grid.mean_probabilities(),
            clean: baseline.clean,
            corrupted: causal_trace_core::effect::mean(&baseline.corrupted) as f32,
            answer: self.answer.clone(),
            direction: config.direction,
            note: format!(
                "{} samples, noise {:.4} ({}), seed {}, causal-trace {}",
                corruption.samples,
                corruption.level,
                self.noise.rule,
                corruption.seed,
                env!("CARGO_PKG_VERSION")
            ),
        }
    }

    fn show(&self, file: &TraceFile, printer: &Printer) -> Result<()> {
        let TraceRecord { prompt, config, baseline, grids } = &self.record;
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
        printer.result(&format!("corrupted  {}", settings::describe_noise(config, &self.noise)));
        printer.result(&format!(
            "p = {:.4} clean, p* = {corrupted:.4} corrupted, total effect {:.4}",
            baseline.clean, file.total_effect
        ));
        if file.total_effect <= 0.0 {
            printer.result("the corruption does not lower p: there is no effect to restore");
        }
        for (grid, effects) in grids.iter().zip(&file.components) {
            printer.result("");
            printer.result(&terminal_map(&self.heat_map(grid), printer.color_depth(), printer.width())?);
            let strongest =
                [("strongest", &effects.strongest), ("at the subject", &effects.strongest_at_subject)];
            for (label, site) in strongest {
                if let Some(site) = site.as_ref().filter(|site| site.indirect_effect != 0.0) {
                    printer.result(&self.site(label, grid, site, file.total_effect));
                }
            }
        }
        Ok(())
    }

    fn site(&self, label: &str, grid: &Grid, site: &Strongest, total_effect: f64) -> String {
        // A share of an effect that is not there would mean nothing.
        let share = if total_effect > 1e-6 {
            format!(", {:.0} % of the total effect", 100.0 * site.indirect_effect / total_effect)
        } else {
            String::new()
        };
        let is_trivial = grid.component == Component::Residual
            && site.token + 1 == grid.seq_len
            && site.layer + 1 == grid.n_layers;
        let always = if is_trivial { " (always: nothing comes after it)" } else { "" };
        let layers = if grid.component.is_windowed() { "window around layer" } else { "layer" };
        format!(
            "{label:<15} {layers} {}, token {} '{}' ({}): p = {:.4}, indirect effect {:.4}{share}{always}",
            site.layer,
            site.token,
            shown(&self.record.prompt.tokens[site.token]),
            site.hook,
            causal_trace_core::effect::mean(grid.at(site.token, site.layer)),
            site.indirect_effect,
        )
    }
}
