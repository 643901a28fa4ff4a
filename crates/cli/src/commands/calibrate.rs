//! `causal-trace calibrate`: which noise level for a model.

use anyhow::Result;
use causal_trace_core::{NoiseStream, Precision};
use causal_trace_report::page::quoted;
use causal_trace_report::{Calibrated, PRINT_DPI, Provenance, Table, figures};
use causal_trace_results::FactsIdentity;
use causal_trace_results::statistics::{Calibration, CalibrationPoint, FactCurve};
use serde::Serialize;

use super::with_threads;
use crate::args::{Answers, CalibrateArgs};
use crate::calibrate::{Known, Measured, measure};
use crate::fact_file::FactFile;
use crate::models::{Given, NamedModel};
use crate::output_folder::{OutputFolder, refuse_results_folder};
use crate::printer::{Printer, shown};
use crate::usage::Usage;

/// Below so many facts a percentile interval is too narrow.
const FEW: usize = 20;

pub(crate) fn run(args: &CalibrateArgs, printer: &Printer) -> Result<()> {
    if args.noise_stream == Some(NoiseStream::Rome) && args.seed > u64::from(u32::MAX) {
        let problem = format!(
            "--seed {} is too large for the noise stream of rome: NumPy takes seeds below 2^32",
            args.seed
        );
        return Err(Usage(problem).into());
    }
    args.out.as_deref().map_or(Ok(()), refuse_results_folder)?;
    let facts = FactFile::open(args.facts.as_deref())?;
    let (model, out, measured) = with_threads(args.threads, || -> Result<_> {
        let model = NamedModel::open(Given::new(&args.model.model, args.memory), args.precision, printer)?;
        // After everything that can be found wrong with the input, before the work.
        let out = args.out.as_deref().map(OutputFolder::create).transpose()?;
        let measured = measure(args, &model, &facts, printer)?;
        Ok((model, out, measured))
    })??;
    let found = Found::new(args, &model, &facts, &measured);
    found.note(args, printer);
    if args.json {
        printer.result(&found.json()?);
    } else {
        found.show(printer);
    }
    // After the result is shown, so that a full disk does not take it away.
    if let (Some(out), Some(path)) = (&out, &args.out) {
        found.write(out, args)?;
        printer.note(&format!("the page with the curves is {}", path.join("calibrate.html").display()));
    }
    Ok(())
}

/// A calibration with all that describes it.
struct Found<'a> {
    model: &'a NamedModel,
    facts: FactsIdentity,
    args: &'a CalibrateArgs,
    known: &'a Known,
    curves: &'a [FactCurve],
    calibrated: Calibrated,
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
    fn new(args: &'a CalibrateArgs, model: &'a NamedModel, facts: &FactFile, measured: &'a Measured) -> Self {
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

    /// What weakens the result.
    fn note(&self, args: &CalibrateArgs, printer: &Printer) {
        let n = self.curves.len();
        if self.known.answers == Answers::Predicted && args.answers.is_none() {
            printer.note(&format!(
                "note: the model knows none of the {} facts of {}; its own predictions are taken as the answers \
                 (--answers known refuses that)",
                self.known.tried, self.facts.name
            ));
        }
        if n < args.sample {
            let (asked, tried) = (args.sample, self.known.tried);
            printer.note(&format!(
                "note: of {tried} facts {n} can be measured, fewer than the {asked} asked for"
            ));
        }
        if n < FEW {
            printer.note(&format!("note: with fewer than {FEW} facts the intervals are too narrow"));
        }
    }

    fn show(&self, printer: &Printer) {
        let Calibrated { calibration, subject_deviation, facts, .. } = &self.calibrated;
        let (samples, seed) = (self.args.samples, self.args.seed);
        printer.result(&format!("model  {}", self.model.describe()));
        printer.result(&format!("facts  {}", shown(facts)));
        printer.result(&format!(
            "noise  k x {subject_deviation:.4}, the standard deviation of the subjects' embeddings; {samples} samples, seed \
             {seed}"
        ));
        printer.result(&format!("mean p without noise {:.4}", calibration.clean));
        printer.result("");
        printer.result(&aligned(&self.calibrated.table()));
        for finding in self.calibrated.findings() {
            printer.result("");
            printer.result(&wrapped(&shown(&finding), printer.width()));
        }
    }

    fn json(&self) -> Result<String> {
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

    fn write(&self, out: &OutputFolder, args: &CalibrateArgs) -> Result<()> {
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

/// A table whose columns are as wide as their widest text, all to the right.
fn aligned((head, rows): &Table) -> String {
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &&Vec<String>| {
        let cells: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        cells.join("  ")
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A sentence in lines of the terminal's width.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrapped("a bb ccc dddd", 6), "a bb\nccc\ndddd");
        assert_eq!(wrapped("unbreakable", 3), "unbreakable");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let table = (vec!["k", "effect"], vec![vec!["10".to_owned(), "0.1".to_owned()]]);
        assert_eq!(aligned(&table), " k  effect\n10     0.1");
    }
}
