//! What a calibration leaves: JSON, CSV, figure and page.

use anyhow::Result;
use causal_trace_core::{NoiseStream, Precision};
use causal_trace_report::page::quoted;
use causal_trace_report::{Calibrated, PRINT_DPI, Provenance, figures};
use causal_trace_results::FactsIdentity;
use causal_trace_results::statistics::{Calibration, CalibrationPoint, FactCurve};
use serde::Serialize;

use super::{Known, Measured};
use crate::args::{Answers, CalibrateArgs};
use crate::fact_file::FactFile;
use crate::models::NamedModel;
use crate::output_folder::OutputFolder;

/// A calibration with all that describes it.
pub(crate) struct Found<'a> {
    pub(crate) model: &'a NamedModel,
    pub(crate) facts: FactsIdentity,
    pub(crate) args: &'a CalibrateArgs,
    pub(crate) known: &'a Known,
    pub(crate) curves: &'a [FactCurve],
    pub(crate) calibrated: Calibrated,
}

/// `calibrate.json`.
#[derive(Serialize)]
struct File<'a> {
    causal_trace: &'static str,
    model: serde_json::Value,
    precision: Precision,
    facts_file: &'a FactsIdentity,
    /// `known` or `predicted`.
    answers: &'static str,
    /// Facts that were tried, and how many of these the model knows.
    tried: usize,
    known: usize,
    subject_deviation: f64,
    samples: usize,
    seed: u64,
    noise_stream: NoiseStream,
    findings: Vec<String>,
    #[serde(flatten)]
    calibration: &'a Calibration,
    by_fact: &'a [FactCurve],
}

impl<'a> Found<'a> {
    /// What follows from what was measured.
    pub(crate) fn new(
        args: &'a CalibrateArgs,
        model: &'a NamedModel,
        facts: &FactFile,
        measured: &'a Measured,
    ) -> Self {
        let Measured { multiples, known, deviation, curves } = measured;
        let selection = format!("sample {} seed {}", known.facts.len(), args.seed);
        let facts = facts.identity(known.facts.len(), selection);
        let answers = match known.answers {
            Answers::Known => "facts that the model knows",
            Answers::Predicted => "the model's own predictions as answers, right or wrong",
        };
        let mut settings = vec![
            Provenance::facts(&facts),
            answers.to_owned(),
            format!("{} samples at every k", args.samples),
            format!("seed {}", args.seed),
        ];
        if args.noise_stream == Some(NoiseStream::Rome) {
            settings.push("NumPy's stream of noise".to_owned());
        }
        if args.precision != Precision::F32 {
            settings.push(args.precision.to_string());
        }
        let provenance = Provenance {
            model: model.name.clone(),
            prompts: curves.len(),
            settings: settings.join(", "),
            program: format!("causal-trace {}", env!("CARGO_PKG_VERSION")),
        };
        let calibrated = Calibrated {
            calibration: Calibration::of(multiples, curves),
            subject_deviation: *deviation,
            facts: chosen(known, &facts.name, args.seed),
            provenance,
        };
        Found { model, facts, args, known, curves, calibrated }
    }

    /// `calibrate.json`.
    pub(crate) fn json(&self) -> Result<String> {
        let file = File {
            causal_trace: env!("CARGO_PKG_VERSION"),
            model: self.model.to_json(),
            precision: self.model.lm.model.precision(),
            facts_file: &self.facts,
            answers: self.known.answers.name(),
            tried: self.known.tried,
            known: self.known.known,
            subject_deviation: self.calibrated.subject_deviation,
            samples: self.args.samples,
            seed: self.args.seed,
            noise_stream: self.args.noise_stream.unwrap_or(NoiseStream::Independent),
            findings: self.calibrated.findings(),
            calibration: &self.calibrated.calibration,
            by_fact: self.curves,
        };
        Ok(serde_json::to_string_pretty(&file)?)
    }

    /// `calibrate.csv`: a row for each multiple.
    fn csv(&self) -> String {
        let head = "multiple,noise_level,total_effect,ci95_low,ci95_high,mean_corrupted,changed,changed_ci95_low,\
                    changed_ci95_high\n";
        let ends = |ends: Option<[f64; 2]>| {
            ends.map_or_else(|| ",".to_owned(), |[low, high]| format!("{low},{high}"))
        };
        let row = |point: &CalibrationPoint| {
            format!(
                "{},{},{},{},{},{},{}\n",
                point.multiple,
                point.multiple * self.calibrated.subject_deviation,
                point.total_effect,
                ends(point.total_effect_ci95),
                point.corrupted,
                point.changed,
                ends(point.changed_ci95)
            )
        };
        let rows: String = self.calibrated.calibration.points.iter().map(row).collect();
        format!("{head}{rows}")
    }

    /// Writes all files.
    pub(crate) fn write(&self, out: &OutputFolder, args: &CalibrateArgs) -> Result<()> {
        let figure = figures::calibration(&self.calibrated)?;
        out.write("calibrate.svg", figure.svg()?.as_bytes())?;
        out.write("calibrate.pdf", &figure.pdf()?)?;
        out.write("calibrate.png", &figure.png(PRINT_DPI)?)?;
        out.write("calibrate.csv", self.csv().as_bytes())?;
        out.write("calibrate.html", self.calibrated.page(&command(args))?.as_bytes())?;
        out.write("calibrate.json", format!("{}\n", self.json()?).as_bytes())
    }
}

/// Which facts were measured, in a sentence.
fn chosen(known: &Known, name: &str, seed: u64) -> String {
    let (n, tried) = (known.facts.len(), known.tried);
    match known.answers {
        Answers::Known => {
            format!(
                "{n} of {name} that the model knows ({} of {tried} tried), drawn by seed {seed}",
                known.known
            )
        }
        Answers::Predicted => format!(
            "{n} of {name}, drawn by seed {seed}; the answers are the model's own predictions (it knows {} of {tried} tried)",
            known.known
        ),
    }
}

/// The command that does the same again.
fn command(args: &CalibrateArgs) -> String {
    let mut words = vec!["causal-trace".to_owned(), "calibrate".to_owned()];
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), quoted(value).into_owned()]);
    add("--model", &args.model.model);
    if let Some(facts) = &args.facts {
        add("--facts", &facts.display().to_string());
    }
    add("--sample", &args.sample.to_string());
    if let Some(answers) = args.answers {
        add("--answers", answers.name());
    }
    let multiples: Vec<String> = args.multiples.0.iter().map(f64::to_string).collect();
    add("--multiples", &multiples.join(","));
    add("--samples", &args.samples.to_string());
    add("--seed", &args.seed.to_string());
    if args.noise_stream == Some(NoiseStream::Rome) {
        add("--noise-stream", "rome");
    }
    if args.precision != Precision::F32 {
        add("--precision", &args.precision.to_string());
    }
    words.join(" ")
}
