//! `causal-trace reproduce`: a published experiment, or one of your own, from start to figures.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use causal_trace_report::page::quoted;

use super::with_threads;
use crate::args::{PrecisionChoice, ReproduceArgs};
use crate::experiment::{Done, Entry, Estimator, Job, Models, Page, all, open, text_of};
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
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(&entry.name));
    refuse_results_folder(&path)?;
    let results = path.join(RESULTS);
    let models = Models::open(&asked, [&entry.experiment], Some(&results), printer)?;
    let job = Job::new(&entry.experiment, &asked, &models, &results, printer)?;
    // After everything that can be found wrong with the input, before the work.
    let out = OutputFolder::create(&path)?;
    let done = job.run(printer)?;
    refuse_nothing(&done)?;
    let page = Page::new(&entry, done, &command(args, &entry))?;
    page.write(&out, printer)?;
    if args.json {
        printer.result(&serde_json::to_string_pretty(&page.to_json())?);
    } else {
        printer.result(&page.summary());
    }
    printer.note(&format!("the page with its figures is {}", path.join("README.md").display()));
    Ok(())
}

/// An experiment none of whose prompts could be traced has nothing to show.
fn refuse_nothing(done: &[Done]) -> Result<()> {
    let mut left_out = BTreeSet::new();
    for run in done {
        if run.n_traced()? > 0 {
            return Ok(());
        }
        left_out.insert(run.left_out()?);
    }
    let reasons = left_out.into_iter().collect::<Vec<_>>().join("; ");
    let results = done.first().map_or(String::new(), |run| run.path().display().to_string());
    bail!(
        "nothing was traced: every fact was left out ({reasons}); `causal-trace summary {results} --skipped` lists them"
    )
}

/// The command that does the same again.
fn command(args: &ReproduceArgs, entry: &Entry) -> String {
    let mut words =
        vec!["causal-trace".to_owned(), "reproduce".to_owned(), quoted(&entry.given).into_owned()];
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), quoted(value).into_owned()]);
    add("--model", &args.model);
    if let Some(revision) = &args.revision {
        add("--revision", revision);
    }
    if entry.experiment.needs_second_model() {
        add("--second-model", &args.second_model);
        if let Some(revision) = &args.second_revision {
            add("--second-revision", revision);
        }
    }
    if let Some(facts) = &args.facts {
        add("--facts", &facts.display().to_string());
    }
    if args.precision != PrecisionChoice::default() {
        add("--precision", &args.precision.to_string());
    }
    if let Some(limit) = args.limit {
        add("--limit", &limit.to_string());
    }
    words.join(" ")
}

/// Every experiment, or one, with its line and about how long it takes.
fn list(name: Option<&str>, args: &ReproduceArgs, printer: &Printer) -> Result<()> {
    let entries = match name {
        Some(name) => vec![open(name)?],
        None => all()?,
    };
    let asked = args.asked();
    let models = Models::open(&asked, entries.iter().map(|entry| &entry.experiment), None, printer)?;
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
    for (entry, seconds) in &listed {
        match seconds {
            Err(error) if name.is_some() => printer.note(&format!("note: on {}, {error:#}", args.model)),
            Err(_) => printer.note(&format!(
                "note: {0} cannot run on {1}; `reproduce --list {0}` says why",
                entry.name, args.model
            )),
            Ok(_) => {}
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
