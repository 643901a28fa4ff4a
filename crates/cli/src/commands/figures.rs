//! `causal-trace figures`: the figures of a results folder, drawn without its model.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use causal_trace_core::Metric;
use causal_trace_report::figures::{
    self, MapStyle, Measure, PromptSide, SummarySide, metric_suffix, prompts_side_by_side,
    summaries_side_by_side,
};
use causal_trace_report::{Figure, PRINT_DPI};
use causal_trace_results::statistics::{Candidate, Selection, Summary, common_ids};
use causal_trace_results::{Outcome, PromptRecord, ResultsFolder};

use super::summary::{Choice, open, selected, summarise};
use crate::args::{FigureFormat, FiguresArgs};
use crate::output_folder::{OutputFolder, refuse_results_folder};
use crate::printer::Printer;
use crate::progress::Counted;

/// Prompts with figures of their own, and prompts in the gallery, where nothing else is asked for.
const USUAL_PROMPTS: usize = 4;
const USUAL_GALLERY: usize = 100;
const SEED: u64 = 1;

/// A figure and the stem of its file.
type Named = (String, Figure);

pub(crate) fn run(args: &FiguresArgs, printer: &Printer) -> Result<()> {
    let folder = open(&args.results, printer)?;
    let choice = Choice { metric: args.metric, ..args.choice.choice() };
    let ids = selected(&folder, &choice.select)?;
    let prompts = among(&folder, args.prompts.as_ref(), USUAL_PROMPTS, &ids)?;
    let in_gallery = among(&folder, args.gallery.as_ref(), USUAL_GALLERY, &ids)?;
    refuse_results_folder(&args.out)?;
    let records = records(&folder, &prompts.union(&in_gallery).copied().collect())?;
    let mut figures = averages(&folder, &choice, &ids, args.extremes)?;
    for record in prompts.iter().filter_map(|id| records.get(id)) {
        figures.extend(of_prompt(&folder, record, choice.metric)?);
    }
    if let Some(other) = &args.beside {
        let other = open(other, printer)?;
        figures.extend(beside(&folder, &other, &choice, &ids, &prompts)?);
    }
    let out = OutputFolder::create(&args.out)?;
    let n_files = figures.len() * args.formats.len() + 4;
    let mut progress = Counted::new(printer, "drawing", n_files);
    for (stem, figure) in &figures {
        write(&out, stem, figure, &args.formats, &mut progress)?;
    }
    let in_gallery = in_gallery.iter().filter_map(|id| records.get(id));
    write_galleries(&folder, &out, in_gallery, choice.metric, &mut progress)?;
    drop(progress);
    printer.result(&format!("{} figures and 2 galleries in {}", figures.len(), args.out.display()));
    Ok(())
}

/// The ids of a selection that lie among the chosen ones; without a selection, so many of them at random.
fn among(
    folder: &ResultsFolder,
    selection: Option<&Selection>,
    usual: usize,
    ids: &BTreeSet<i64>,
) -> Result<BTreeSet<i64>> {
    let usual = || Selection::Random { n: usual.min(ids.len()), seed: SEED };
    let candidates = candidates(folder, ids)?;
    Ok(selection.cloned().unwrap_or_else(usual).choose_among(&candidates)?)
}

/// The figures of the averages over all chosen prompts.
fn averages(
    folder: &ResultsFolder,
    choice: &Choice,
    ids: &BTreeSet<i64>,
    extremes: usize,
) -> Result<Vec<Named>> {
    let summary = summarise(folder, choice, ids)?;
    // The two groups have no prompt in common.
    let n = extremes.min(ids.len() / 2);
    let extreme = |select: Selection| -> Result<Option<Summary>> {
        if n == 0 {
            return Ok(None);
        }
        let choice = Choice { select, ..choice.clone() };
        let ids = choice.select.choose_among(&candidates(folder, ids)?)?;
        summarise(folder, &choice, &ids).map(Some)
    };
    let (fewest, most) = (extreme(Selection::LeastTokens(n))?, extreme(Selection::MostTokens(n))?);
    Ok(figures::standard(folder.manifest(), &summary, fewest.as_ref(), most.as_ref())?)
}

/// What a selection needs to know of the chosen prompts.
fn candidates(folder: &ResultsFolder, ids: &BTreeSet<i64>) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for record in folder.prompts() {
        let candidate = Candidate::from(&record?);
        if ids.contains(&candidate.known_id) {
            candidates.push(candidate);
        }
    }
    Ok(candidates)
}

/// One prompt's figures, in a folder of its own.
fn of_prompt(folder: &ResultsFolder, record: &PromptRecord, metric: Metric) -> Result<Vec<Named>> {
    let mut figures = figures::prompt_figures(folder.manifest(), record, metric)?;
    let has_draws = matches!(&record.outcome, Outcome::Traced(traced) if traced.corrupted_samples.len() > 1);
    if has_draws {
        figures.extend(figures::repeated(folder.manifest(), record, metric)?);
    }
    let id = record.fact.known_id;
    Ok(figures.into_iter().map(|(stem, figure)| (format!("prompt-{id}/{stem}"), figure)).collect())
}

/// Averages and prompts of two folders side by side, over the prompts that were traced in both.
fn beside(
    folder: &ResultsFolder,
    other: &ResultsFolder,
    choice: &Choice,
    ids: &BTreeSet<i64>,
    prompts: &BTreeSet<i64>,
) -> Result<Vec<Named>> {
    let heads = |folder: &ResultsFolder| folder.prompts().collect::<Result<Vec<_>, _>>();
    let common: BTreeSet<i64> =
        common_ids(&heads(folder)?, &heads(other)?).intersection(ids).copied().collect();
    if common.is_empty() {
        let (first, second) = (folder.path().display(), other.path().display());
        bail!("{first} and {second} have no traced prompt in common, of the same id, text and subject");
    }
    let (first, second) = (summarise(folder, choice, &common)?, summarise(other, choice, &common)?);
    let side = |folder: &'_ ResultsFolder| folder.manifest().model.name.clone();
    let (first_name, second_name) = (side(folder), side(other));
    let sides = [
        SummarySide { name: &first_name, manifest: folder.manifest(), summary: &first },
        SummarySide { name: &second_name, manifest: other.manifest(), summary: &second },
    ];
    let title = "Two models on the same prompts";
    let (metric, suffix) = (choice.metric, metric_suffix(choice.metric));
    let mut figures = vec![(format!("beside{suffix}"), summaries_side_by_side(title, &sides)?)];
    let drawn: BTreeSet<i64> = prompts.intersection(&common).copied().collect();
    let (mine, theirs) = (records(folder, &drawn)?, records(other, &drawn)?);
    for (id, record) in &mine {
        let Some(their_record) = theirs.get(id) else { continue };
        let sides = [
            PromptSide { manifest: folder.manifest(), record },
            PromptSide { manifest: other.manifest(), record: their_record },
        ];
        for measure in Measure::ALL {
            let stem = format!("beside-prompt-{id}-{}{suffix}", measure.short());
            figures.push((stem, prompts_side_by_side(&sides, metric, measure, MapStyle::Plain)?));
        }
    }
    Ok(figures)
}

/// The records of some ids, by id.
fn records(folder: &ResultsFolder, ids: &BTreeSet<i64>) -> Result<BTreeMap<i64, PromptRecord>> {
    let mut found = BTreeMap::new();
    for record in folder.records() {
        let record = record?;
        if ids.contains(&record.fact.known_id) {
            found.insert(record.fact.known_id, record);
        }
    }
    Ok(found)
}

fn write(
    out: &OutputFolder,
    stem: &str,
    figure: &Figure,
    formats: &[FigureFormat],
    progress: &mut Counted,
) -> Result<()> {
    for format in formats {
        match format {
            FigureFormat::Svg => out.write(&format!("{stem}.svg"), figure.svg()?.as_bytes())?,
            FigureFormat::Pdf => out.write(&format!("{stem}.pdf"), &figure.pdf()?)?,
            FigureFormat::Png => out.write(&format!("{stem}.png"), &figure.png(PRINT_DPI)?)?,
        }
        progress.done(1);
    }
    Ok(())
}

/// Many prompts in one document: indirect effects to print, and to look at in a browser; the same of percent
/// improvements.
fn write_galleries<'a>(
    folder: &ResultsFolder,
    out: &OutputFolder,
    records: impl Iterator<Item = &'a PromptRecord> + Clone,
    metric: Metric,
    progress: &mut Counted,
) -> Result<()> {
    for measure in Measure::ALL {
        let gallery = figures::gallery(folder.manifest(), records.clone(), metric, measure, MapStyle::Plain)?;
        let stem = format!("gallery-{}{}", measure.short(), metric_suffix(metric));
        out.write(&format!("{stem}.pdf"), &gallery.pdf()?)?;
        out.write(&format!("{stem}.html"), gallery.html()?.as_bytes())?;
        progress.done(2);
    }
    Ok(())
}
