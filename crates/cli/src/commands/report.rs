//! `causal-trace report`: results folders as one HTML file.

use std::io::{BufWriter, IntoInnerError};

use anyhow::{Context, Result};
use causal_trace_report::page::{FinishedReport, ReportFile, folder_names};
use causal_trace_results::ResultsFolder;

use super::summary::open;
use crate::args::ReportArgs;
use crate::output_folder::{PendingFile, refuse_results_folder};
use crate::printer::Printer;
use crate::progress::Counted;

pub(crate) fn run(args: &ReportArgs, printer: &Printer) -> Result<()> {
    let folders = args.results.iter().map(|path| open(path, printer)).collect::<Result<Vec<_>>>()?;
    refuse_results_folder(&args.out)?;
    // Before the work: a file that cannot be written should not take long to be refused.
    let file = PendingFile::create(&args.out)?;
    let report = collect(args, &folders, printer)?;
    write(&report, file).with_context(|| format!("cannot write {}", args.out.display()))?;
    for (folder, left_out) in &report.left_out {
        printer.note(&format!("note: {folder}: {left_out}"));
    }
    printer.result(&said(args, &report)?);
    Ok(())
}

fn collect(args: &ReportArgs, folders: &[ResultsFolder], printer: &Printer) -> Result<FinishedReport> {
    let mut facts = 0;
    for folder in folders {
        let parts = &folder.manifest().parts;
        facts += folder.complete_parts()?.iter().filter_map(|&part| parts.get(part)).sum::<usize>();
    }
    let mut progress = Counted::new(printer, "reading", facts);
    let mut report = ReportFile::new(args.max_size);
    for ((folder, name), path) in folders.iter().zip(folder_names(&args.results)).zip(&args.results) {
        let added = report.add(folder, &name, &mut |facts| progress.done(facts as u64));
        added.with_context(|| path.display().to_string())?;
    }
    Ok(report.finish()?)
}

fn write(report: &FinishedReport, file: PendingFile) -> Result<()> {
    let mut out = BufWriter::new(file);
    report.write(&mut out)?;
    out.into_inner().map_err(IntoInnerError::into_error)?.finish()
}

/// What was written.
fn said(args: &ReportArgs, report: &FinishedReport) -> Result<String> {
    let FinishedReport { prompts, prompts_with_numbers, has_samples, .. } = *report;
    let (folders, bytes) = (args.results.len(), report.size());
    if args.json {
        return Ok(serde_json::to_string_pretty(&serde_json::json!({
            "file": args.out.to_string_lossy(),
            "bytes": bytes,
            "folders": folders,
            "prompts": prompts,
            "prompts_with_numbers": prompts_with_numbers,
            "samples": has_samples,
        }))?);
    }
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    Ok(format!(
        "{prompts} prompt{} of {folders} folder{} in {} ({:.2} MB)",
        plural(prompts),
        plural(folders),
        args.out.display(),
        bytes as f64 / 1e6
    ))
}
