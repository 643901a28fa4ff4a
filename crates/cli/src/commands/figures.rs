//! `causal-trace figures`: the figures of a results folder, drawn without its model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use causal_trace_core::Metric;
use causal_trace_report::figures::{
    self, MapStyle, Measure, PromptSide, SummarySide, metric_suffix, prompts_side_by_side,
    summaries_side_by_side,
};
use causal_trace_report::{Figure, PRINT_DPI, Parts};
use causal_trace_results::statistics::{Candidate, Selection, Summary, common_ids};
use causal_trace_results::{Outcome, PromptRecord, ResultsFolder};

use super::summary::{Choice, open, summarise};
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
    let all: Vec<Candidate> =
        folder.prompts().map(|record| Ok(Candidate::from(&record?))).collect::<Result<_>>()?;
    let ids = choice.select.choose_among(&all)?;
    let chosen: Vec<Candidate> =
        all.into_iter().filter(|candidate| ids.contains(&candidate.known_id)).collect();
    let prompts = among(&chosen, args.prompts.as_ref(), USUAL_PROMPTS)?;
    let in_gallery = among(&chosen, args.gallery.as_ref(), USUAL_GALLERY)?;
    refuse_results_folder(&args.out)?;
    let records = records(&folder, &prompts.union(&in_gallery).copied().collect())?;
    let mut figures = averages(&folder, &choice, &chosen, &ids, args.extremes)?;
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
    let parts = Parts { title: !args.no_title, caption: !args.no_caption };
    let mut written = BTreeSet::new();
    for (stem, figure) in &figures {
        written.extend(write(&out, stem, figure, parts, &args.formats)?);
        progress.done(args.formats.len() as u64);
    }
    let in_gallery = in_gallery.iter().filter_map(|id| records.get(id));
    written.extend(write_galleries(&folder, &out, in_gallery, choice.metric, &mut progress)?);
    drop(progress);
    note_others(&args.out, &written, printer)?;
    printer.result(&format!("{} figures and 2 galleries in {}", figures.len(), args.out.display()));
    Ok(())
}

/// The ids of a selection that lie among the chosen ones; without a selection, so many of them at random.
fn among(chosen: &[Candidate], selection: Option<&Selection>, usual: usize) -> Result<BTreeSet<i64>> {
    let usual = || Selection::Random { n: usual.min(chosen.len()), seed: SEED };
    Ok(selection.cloned().unwrap_or_else(usual).choose_among(chosen)?)
}

/// The figures of the averages over all chosen prompts.
fn averages(
    folder: &ResultsFolder,
    choice: &Choice,
    chosen: &[Candidate],
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
        let ids = choice.select.choose_among(chosen)?;
        summarise(folder, &choice, &ids).map(Some)
    };
    let (fewest, most) = (extreme(Selection::LeastTokens(n))?, extreme(Selection::MostTokens(n))?);
    Ok(figures::standard(folder.manifest(), &summary, fewest.as_ref(), most.as_ref())?)
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

/// Writes a figure in some formats; gives the files' names.
fn write(
    out: &OutputFolder,
    stem: &str,
    figure: &Figure,
    parts: Parts,
    formats: &[FigureFormat],
) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for format in formats {
        let (end, bytes) = match format {
            FigureFormat::Svg => ("svg", figure.svg_with(parts)?.into_bytes()),
            FigureFormat::Pdf => ("pdf", figure.pdf_with(parts)?),
            FigureFormat::Png => ("png", figure.png_with(parts, PRINT_DPI)?),
        };
        let name = format!("{stem}.{end}");
        out.write(&name, &bytes)?;
        written.push(name);
    }
    Ok(written)
}

/// The endings of what this command writes.
const ENDINGS: [&str; 4] = ["svg", "pdf", "png", "html"];

/// Says so where the folder holds other figures, which an earlier run may have left.
fn note_others(out: &Path, written: &BTreeSet<String>, printer: &Printer) -> Result<()> {
    let cannot = || format!("cannot read {}", out.display());
    let mut others = Vec::new();
    for entry in std::fs::read_dir(out).with_context(cannot)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            let is_its = |file: &String| file.split_once('/').is_some_and(|(folder, _)| folder == name);
            if name.starts_with("prompt-") && !written.iter().any(is_its) {
                others.push(format!("{name}/"));
            }
        } else if name.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.contains(&end))
            && !written.contains(&name)
        {
            others.push(name);
        }
    }
    others.sort();
    if let Some(first) = others.first() {
        let more = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
        printer.note(&format!(
            "note: {} also holds {first}{more}, which this run did not write: they may show other results",
            out.display()
        ));
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
) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for measure in Measure::ALL {
        let gallery = figures::gallery(folder.manifest(), records.clone(), metric, measure, MapStyle::Plain)?;
        let stem = format!("gallery-{}{}", measure.short(), metric_suffix(metric));
        out.write(&format!("{stem}.pdf"), &gallery.pdf()?)?;
        out.write(&format!("{stem}.html"), gallery.html()?.as_bytes())?;
        written.extend(["pdf", "html"].map(|end| format!("{stem}.{end}")));
        progress.done(2);
    }
    Ok(written)
}
