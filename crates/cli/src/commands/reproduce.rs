//! `causal-trace reproduce`: a published experiment, or one of your own, from start to figures.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::with_threads;
use crate::args::ReproduceArgs;
use crate::experiment::{Entry, Estimator, Job, Models, Page, all, open, text_of};
use crate::output_folder::{OutputFolder, refuse_results_folder};
use crate::printer::Printer;
use crate::sweep::duration;

/// Where a page and its figures are, and the results folders of its runs.
const RESULTS: &str = "results";

pub(crate) fn run(args: &ReproduceArgs, printer: &Printer) -> Result<()> {
    if let Some(name) = &args.print {
        printer.result(text_of(name)?);
        return Ok(());
    }
    match &args.experiment {
        Some(name) if !args.list => with_threads(args.threads, || reproduce(name, args, printer))?,
        name => with_threads(args.threads, || list(name.as_deref(), args, printer))?,
    }
}

fn reproduce(name: &str, args: &ReproduceArgs, printer: &Printer) -> Result<()> {
    let entry = open(name)?;
    let asked = args.asked();
    let models = Models::open(&asked, [&entry.experiment], printer)?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(&entry.name));
    refuse_results_folder(&path)?;
    let job = Job::new(&entry.experiment, &asked, &models, &path.join(RESULTS), printer)?;
    // After everything that can be found wrong with the input, before the work.
    let out = OutputFolder::create(&path)?;
    let page = Page::new(&entry, job.run(printer)?, &command(args, &entry))?;
    page.write(&out, printer)?;
    if args.json {
        printer.result(&serde_json::to_string_pretty(&page.to_json())?);
    } else {
        printer.result(&page.summary());
    }
    printer.note(&format!("the page with its figures is {}", path.join("README.md").display()));
    Ok(())
}

/// The command that does the same again.
fn command(args: &ReproduceArgs, entry: &Entry) -> String {
    let mut words = vec!["causal-trace".to_owned(), "reproduce".to_owned(), quoted(&entry.given)];
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), quoted(value)]);
    add("--model", &args.model);
    if entry.experiment.needs_second_model() {
        add("--second-model", &args.second_model);
    }
    if let Some(facts) = &args.facts {
        add("--facts", &facts.display().to_string());
    }
    if let Some(limit) = args.limit {
        add("--limit", &limit.to_string());
    }
    words.join(" ")
}

/// A word that a shell takes as one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Every experiment, or one, with its line and about how long it takes.
fn list(name: Option<&str>, args: &ReproduceArgs, printer: &Printer) -> Result<()> {
    let entries = match name {
        Some(name) => vec![open(name)?],
        None => all()?,
    };
    let asked = args.asked();
    let models = Models::open(&asked, entries.iter().map(|entry| &entry.experiment), printer)?;
    let mut estimator = Estimator::new(&asked, &models);
    let mut listed = Vec::new();
    for entry in &entries {
        // A prefix that this model's tokenizer cuts differently is no reason to hide the others.
        let seconds = estimator.seconds(&entry.experiment).with_context(|| entry.name.clone());
        listed.push((entry, seconds));
    }
    if args.json {
        let values: Vec<serde_json::Value> =
            listed.iter().map(|(entry, seconds)| json(entry, seconds)).collect();
        printer.result(&serde_json::to_string_pretty(&values)?);
        return Ok(());
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    printer.result(&format!("{:<width$}  {:<12}  {:<14}  what it shows", "name", "from", "takes"));
    for (entry, seconds) in &listed {
        let takes = match seconds {
            Ok(seconds) => format!("about {}", duration(*seconds)),
            Err(_) => "cannot run".to_owned(),
        };
        let source = entry.experiment.source.name();
        printer.result(&format!(
            "{:<width$}  {source:<12}  {takes:<14}  {}",
            entry.name, entry.experiment.shows
        ));
    }
    for (_, seconds) in &listed {
        if let Err(error) = seconds {
            printer.note(&format!("note: on {}, {error:#}", args.model));
        }
    }
    Ok(())
}

fn json(entry: &Entry, seconds: &Result<f64>) -> serde_json::Value {
    let experiment = &entry.experiment;
    serde_json::json!({
        "name": entry.name,
        "source": experiment.source.name(),
        "title": experiment.title,
        "shows": experiment.shows,
        "runs": experiment.runs.len(),
        "seconds": seconds.as_ref().ok(),
        "problem": seconds.as_ref().err().map(|error| format!("{error:#}")),
    })
}
