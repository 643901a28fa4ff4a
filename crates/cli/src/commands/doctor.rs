//! `causal-trace doctor`: whether a model and this machine are sound, and what a bug report should hold.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use causal_trace_core::{Baseline, Component, NoiseRule, Precision, Prompt, TraceRecord};
use causal_trace_engine::{Answer, Case, trace_case};
use causal_trace_lm::kernels::{Isa, faster_than_f32};
use causal_trace_lm::top_predictions;
use causal_trace_results::ModelIdentity;
use serde::Serialize;

use super::trace::fastest_on;
use super::with_threads;
use crate::args::{ComponentChoice, DoctorArgs, MethodArgs};
use crate::fact_file::FactFile;
use crate::memory::{Budget, described, peak_bytes};
use crate::models::{Given, NamedModel};
use crate::printer::{Printer, in_one_line, shown};
use crate::settings;

/// The commit that the program was built from, where whoever built it has said so.
const COMMIT: Option<&str> = match option_env!("CAUSAL_TRACE_COMMIT") {
    Some(commit) => Some(commit),
    None => option_env!("GITHUB_SHA"),
};

/// What the model is tried on: short, since every state of it is restored.
const TEXT: &str = "The Eiffel Tower is in";

pub(crate) fn run(args: &DoctorArgs, printer: &Printer) -> Result<()> {
    let found = with_threads(args.threads, || Findings::of(args, printer))?;
    if args.json {
        printer.result(&serde_json::to_string_pretty(&found)?);
    } else {
        found.show(printer);
    }
    match found.checks.iter().filter(|check| !check.passed).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} checks failed, see above", found.checks.len()),
    }
}

/// What is printed, and as JSON.
#[derive(Debug, Serialize)]
struct Findings {
    /// One line for a bug report.
    version_line: String,
    version: &'static str,
    /// The commit it was built from; null where it is not known.
    commit: Option<&'static str>,
    os: &'static str,
    arch: &'static str,
    /// Which instructions the matrix products use, and the best that the processor has.
    instructions: &'static str,
    best_instructions: &'static str,
    threads: usize,
    /// Bytes that the program allows itself; null where the system does not tell what is free.
    memory: Option<usize>,
    /// The most that it has held; null where the system does not tell.
    peak_memory: Option<usize>,
    model: String,
    /// The hashes of its files; null where it could not be opened.
    identity: Option<ModelIdentity>,
    /// What `--precision auto` comes to on the doctor's prompt; null where that was not reached.
    auto_precision: Option<Precision>,
    checks: Vec<Check>,
}

/// Something that must hold.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    passed: bool,
    seconds: f64,
    /// What was found, or what is wrong.
    detail: String,
}

impl Findings {
    fn of(args: &DoctorArgs, printer: &Printer) -> Self {
        let given = Given::of(&args.model, args.memory);
        let (instructions, best) = (Isa::current(), Isa::best());
        let threads = rayon::current_num_threads();
        let mut found = Findings {
            version_line: version_line(instructions, threads),
            version: env!("CARGO_PKG_VERSION"),
            commit: COMMIT,
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            instructions: instructions.name(),
            best_instructions: best.name(),
            threads,
            memory: match given.budget {
                Budget::Of(bytes) => Some(bytes),
                Budget::Unknown => None,
            },
            peak_memory: None,
            model: args.model.model.clone(),
            identity: None,
            auto_precision: None,
            checks: Vec::new(),
        };
        found.examine(given, printer);
        found.peak_memory = peak_bytes();
        found
    }

    /// The checks, each of which needs what those before it found.
    fn examine(&mut self, given: Given<'_>, printer: &Printer) -> Option<()> {
        let exact = Precision::F32;
        let model = self.check("weights", || {
            let model = NamedModel::open(given, exact, printer)?;
            let place = if model.lm.model.is_streamed() { "read when they are needed" } else { "all finite" };
            Ok((format!("{}, {place}", model.describe()), model))
        })?;
        self.model = model.describe();
        self.identity = self.check("files", || {
            let identity = model.identity()?;
            let weights = identity.weights_sha256.clone().unwrap_or_default();
            Ok((format!("weights sha256 {weights}"), identity))
        });
        let prompt = self.check("tokenizer", || {
            let prompt = prompt(&model)?;
            Ok((format!("'{}' is {} tokens", prompt.text, prompt.seq_len()), prompt))
        })?;
        self.check("logits", || {
            let logits = model.lm.model.last_logits(&prompt.ids)?;
            let (id, probability) = top_predictions(&logits, 1)[0];
            let text = model.lm.tokenizer.token_text(id);
            Ok((format!("all finite; after that text '{text}' ({probability:.4})"), ()))
        })?;
        self.check("self-patch", || Ok((self_patch(&model, &prompt)?, ())))?;
        self.auto_precision = self.check("precision", || {
            if faster_than_f32().is_empty() {
                let why = "--precision auto takes f32, since no other is faster on this processor";
                return Ok((why.to_owned(), exact));
            }
            let precision = auto_precision(model, given, &prompt, printer)?;
            Ok((format!("--precision auto takes {precision} on this text"), precision))
        });
        Some(())
    }

    /// Does something that must not fail, and remembers how it went.
    fn check<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<(String, T)>) -> Option<T> {
        let start = Instant::now();
        let done = work();
        let seconds = start.elapsed().as_secs_f64();
        let (passed, detail, value) = match done {
            Ok((detail, value)) => (true, detail, Some(value)),
            Err(error) => (false, in_one_line(&error), None),
        };
        self.checks.push(Check { name, passed, seconds, detail });
        value
    }

    fn show(&self, printer: &Printer) {
        let bytes = |bytes: Option<usize>| bytes.map_or_else(|| "not known".to_owned(), described);
        printer.result(&self.version_line);
        printer.result(&format!("model         {}", shown(&self.model)));
        printer.result(&format!(
            "instructions  {} in use, {} the best of this processor",
            self.instructions, self.best_instructions
        ));
        printer.result(&format!("threads       {}", self.threads));
        printer.result(&format!(
            "memory        {} for weights and states, {} held at most",
            bytes(self.memory),
            bytes(self.peak_memory)
        ));
        printer.result("");
        for Check { name, passed, seconds, detail } in &self.checks {
            let verdict = if *passed { "ok    " } else { "FAILED" };
            printer.result(&format!("{verdict}  {name:<10}  {seconds:>8.3} s  {}", shown(detail)));
        }
    }
}

/// Version, commit, system, processor: one line.
fn version_line(instructions: Isa, threads: usize) -> String {
    let commit = COMMIT.map_or_else(
        || "commit not recorded".to_owned(),
        |commit| format!("commit {}", commit.get(..12).unwrap_or(commit)),
    );
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!(
        "causal-trace {} ({commit}), {os} {arch}, {instructions}, {threads} threads",
        env!("CARGO_PKG_VERSION")
    )
}

/// The short text; all its tokens count as the subject.
fn prompt(model: &NamedModel) -> Result<Prompt> {
    let encoded = model.lm.tokenizer.encode(TEXT)?;
    model.lm.model.check_prompt(&encoded.ids)?;
    let span = (0..encoded.ids.len()).into();
    Ok(Prompt {
        text: TEXT.to_owned(),
        subject: TEXT.to_owned(),
        ids: encoded.ids,
        tokens: encoded.texts,
        subject_span: span,
    })
}

/// Without noise, every state that is restored is the state that is there: no site may change a bit of p.
fn self_patch(model: &NamedModel, prompt: &Prompt) -> Result<String> {
    let method = MethodArgs {
        component: Some(vec![ComponentChoice::All]),
        noise: Some(NoiseRule::Gaussian(0.0)),
        samples: Some(1),
        ..MethodArgs::default()
    };
    let (config, _) = settings::resolve(&method, model, || bail!("no facts are needed without noise"))?;
    let case = Case::new(prompt, Answer::Predicted);
    model.check_memory(&case, &config)?;
    let n_layers = model.lm.model.architecture().n_layers;
    let mut record = TraceRecord::unmeasured(prompt.clone(), config.clone(), n_layers);
    trace_case(&model.lm.model, case, &config, &mut record)?;
    let Baseline { clean, .. } = record.baseline;
    let mut sites = 0;
    for grid in &record.grids {
        sites += grid.samples.len();
        if let Some(at) = grid.samples.iter().position(|value| value.to_bits() != clean.to_bits()) {
            let (component, layer, token) = (grid.component, at % n_layers, at / n_layers);
            bail!(changed(component, layer, token, clean, grid.samples[at]));
        }
    }
    Ok(format!("{sites} sites restored by their own values changed nothing"))
}

fn changed(component: Component, layer: usize, token: usize, clean: f32, found: f32) -> String {
    format!(
        "restoring {component} at layer {layer}, token {token} by its own value changed p from {clean} to {found}: a fault of \
         this program, please report it"
    )
}

/// What `--precision auto` comes to on a prompt.
fn auto_precision(
    model: NamedModel,
    given: Given<'_>,
    prompt: &Prompt,
    printer: &Printer,
) -> Result<Precision> {
    let method = MethodArgs { samples: Some(1), ..MethodArgs::default() };
    let (config, _) = settings::resolve(&method, &model, || FactFile::open(None, printer))?;
    let case = Case::new(prompt, Answer::Predicted);
    model.check_memory(&case, &config)?;
    let model = fastest_on(case, &config, model, given, printer).context("cannot try the precisions")?;
    Ok(model.lm.model.precision())
}
