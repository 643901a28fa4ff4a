//! `causal-trace calibrate`: which noise level for a model.

use anyhow::Result;
use causal_trace_core::NoiseStream;
use causal_trace_report::{Calibrated, Table};

use super::with_threads;
use crate::args::{Answers, CalibrateArgs};
use crate::calibrate::{Found, measure};
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
    let facts = FactFile::open(args.facts.as_deref(), printer)?;
    let (model, out, measured) = with_threads(args.threads, || -> Result<_> {
        let model = NamedModel::open(Given::of(&args.model, args.memory), args.precision, printer)?;
        // After everything that can be found wrong with the input, before the work.
        let out = args.out.as_deref().map(OutputFolder::create).transpose()?;
        let measured = measure(args, &model, &facts, printer)?;
        Ok((model, out, measured))
    })??;
    let found = Found::new(args, &model, &facts, &measured);
    note(&found, args, printer);
    if args.json {
        printer.result(&found.json()?);
    } else {
        show(&found, printer);
    }
    // After the result is shown, so that a full disk does not take it away.
    if let (Some(out), Some(path)) = (&out, &args.out) {
        found.write(out, args)?;
        printer.note(&format!("the page with the curves is {}", path.join("calibrate.html").display()));
    }
    Ok(())
}

/// What weakens the result.
fn note(found: &Found<'_>, args: &CalibrateArgs, printer: &Printer) {
    let n = found.curves.len();
    if found.known.answers == Answers::Predicted && args.answers.is_none() {
        printer.note(&format!(
            "note: the model knows none of the {} facts of {}; its own predictions are taken as the answers \
             (--answers known refuses that)",
            found.known.tried, found.facts.name
        ));
    }
    if n < args.sample {
        let (asked, tried) = (args.sample, found.known.tried);
        printer
            .note(&format!("note: of {tried} facts {n} can be measured, fewer than the {asked} asked for"));
    }
    if n < FEW {
        printer.note(&format!("note: with fewer than {FEW} facts the intervals are too narrow"));
    }
}

fn show(found: &Found<'_>, printer: &Printer) {
    let Calibrated { calibration, subject_deviation, facts, .. } = &found.calibrated;
    let (samples, seed) = (found.args.samples, found.args.seed);
    printer.result(&format!("model  {}", found.model.describe()));
    printer.result(&format!("facts  {}", shown(facts)));
    printer.result(&format!(
        "noise  k x {subject_deviation:.4}, the standard deviation of the subjects' embeddings; {samples} samples, seed \
         {seed}"
    ));
    printer.result(&format!("mean p without noise {:.4}", calibration.clean));
    printer.result("");
    printer.result(&aligned(&found.calibrated.table()));
    for finding in found.calibrated.findings() {
        printer.result("");
        printer.result(&wrapped(&shown(&finding), printer.width()));
    }
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
