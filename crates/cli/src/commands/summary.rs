//! `causal-trace summary`: averages of a results folder.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use causal_trace_core::{Metric, RoleConvention};
use causal_trace_results::statistics::{Candidate, Selection, Summariser, Summary, SummaryOptions};
use causal_trace_results::{Outcome, ResultsFolder};

use crate::args::SummaryArgs;
use crate::printer::{Printer, shown};
use crate::summary_table;

/// Which prompts are averaged, in what, and how their tokens are grouped.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// None for those of the folder's settings.
    pub(crate) roles: Option<RoleConvention>,
    pub(crate) select: Selection,
    pub(crate) metric: Metric,
}

impl Default for Choice {
    fn default() -> Self {
        Choice { roles: None, select: Selection::All, metric: Metric::Probability }
    }
}

impl Choice {
    /// Whose roles a folder's averages use.
    pub(crate) fn roles_in(&self, folder: &ResultsFolder) -> RoleConvention {
        self.roles.unwrap_or(folder.manifest().settings.roles)
    }
}

pub(crate) fn run(args: &SummaryArgs, printer: &Printer) -> Result<()> {
    if args.skipped {
        return show_skipped(&args.results, args.json, printer);
    }
    let choice = Choice { metric: args.metric, ..args.choice.choice() };
    show(&args.results, &choice, args.json, printer)
}

/// Lists the facts that were left out.
fn show_skipped(path: &Path, json: bool, printer: &Printer) -> Result<()> {
    let folder = open(path, printer)?;
    let mut listed = Vec::new();
    for record in folder.prompts() {
        let record = record?;
        if let Outcome::Skipped(skip) = &record.outcome {
            let (id, reason, detail) = (record.fact.known_id, skip.reason.name(), &skip.detail);
            if json {
                listed.push(serde_json::json!({"id": id, "reason": reason, "detail": detail}));
            } else {
                printer.result(&format!("{id:>8}  {reason:<18} {}", shown(detail)));
            }
        }
    }
    if json {
        printer.result(&serde_json::to_string_pretty(&listed)?);
    }
    Ok(())
}

/// Prints the averages of a folder.
pub(crate) fn show(path: &Path, choice: &Choice, json: bool, printer: &Printer) -> Result<()> {
    let folder = open(path, printer)?;
    let summary = summarise(&folder, choice, &selected(&folder, &choice.select)?)?;
    if json {
        printer.result(&serde_json::to_string_pretty(&summary)?);
    } else {
        printer.result(&summary_table::table(&summary, folder.manifest()));
    }
    Ok(())
}

/// Opens a folder, and says so where it is not complete.
pub(crate) fn open(path: &Path, printer: &Printer) -> Result<ResultsFolder> {
    let folder = ResultsFolder::open(path)?;
    let (complete, all) = (folder.complete_parts()?.len(), folder.manifest().parts.len());
    if complete < all {
        printer.note(&format!("note: {} holds {complete} of {all} parts", path.display()));
    }
    Ok(folder)
}

/// The ids of the selected prompts.
pub(crate) fn selected(folder: &ResultsFolder, selection: &Selection) -> Result<BTreeSet<i64>> {
    let candidates =
        folder.prompts().map(|record| Ok(Candidate::from(&record?))).collect::<Result<Vec<Candidate>>>()?;
    Ok(selection.choose_among(&candidates)?)
}

/// The averages over some prompts of a folder.
pub(crate) fn summarise(folder: &ResultsFolder, choice: &Choice, ids: &BTreeSet<i64>) -> Result<Summary> {
    let options = SummaryOptions {
        metric: choice.metric,
        roles: choice.roles_in(folder),
        selection: choice.select.to_string(),
        selected: Some(ids.clone()),
        ..SummaryOptions::default()
    };
    let mut summariser = Summariser::new(folder.manifest(), options);
    for record in folder.records() {
        summariser.add(&record?)?;
    }
    Ok(summariser.finish()?)
}
