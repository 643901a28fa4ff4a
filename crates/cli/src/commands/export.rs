//! `causal-trace export`: a results folder in other forms.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use causal_trace_results::ResultsFolder;
use causal_trace_results::interchange::{CsvExport, JsonExport, rome_cases};

use super::summary;
use crate::args::{ExportArgs, ExportFormat};
use crate::output_folder::{OutputFolder, PendingFile};
use crate::printer::Printer;

pub(crate) fn run(args: &ExportArgs, printer: &Printer) -> Result<()> {
    let folder = summary::open(&args.results, printer)?;
    let out = &args.out;
    let written = match args.to {
        ExportFormat::Rome => rome(&folder, out)?,
        ExportFormat::Csv if out.extension().is_some_and(|extension| extension == "csv") => {
            sites_only(&folder, out)?;
            out.display().to_string()
        }
        ExportFormat::Csv => csv(&folder, out)?,
        ExportFormat::Json => json(&folder, out)?,
    };
    printer.result(&written);
    Ok(())
}

fn rome(folder: &ResultsFolder, out: &Path) -> Result<String> {
    let target = OutputFolder::create(out)?;
    let mut files = 0;
    for record in folder.records() {
        for file in rome_cases(&record?, folder.manifest())? {
            target.write(&file.name, &file.bytes)?;
            files += 1;
        }
    }
    Ok(format!("{files} case files in {}", out.display()))
}

fn csv(folder: &ResultsFolder, out: &Path) -> Result<String> {
    let target = OutputFolder::create(out)?;
    let file = |name: &str| Ok::<_, anyhow::Error>(BufWriter::new(target.pending(name)?));
    let failed = || format!("cannot write to {}", out.display());
    let mut export = CsvExport::new(file("prompts.csv")?, file("sites.csv")?).with_context(failed)?;
    for record in folder.records() {
        export.add(&record?).with_context(failed)?;
    }
    let (prompts, sites) = export.finish().with_context(failed)?;
    for file in [prompts, sites] {
        finish(file)?;
    }
    Ok(format!("prompts.csv and sites.csv in {}", out.display()))
}

fn sites_only(folder: &ResultsFolder, out: &Path) -> Result<()> {
    let failed = || format!("cannot write {}", out.display());
    let sites: Box<dyn Write> = Box::new(std::io::sink());
    let file = PendingFile::create(out)?;
    let mut file = BufWriter::new(file);
    let mut export = CsvExport::new(sites, Box::new(&mut file) as Box<dyn Write>).with_context(failed)?;
    for record in folder.records() {
        export.add(&record?).with_context(failed)?;
    }
    drop(export.finish().with_context(failed)?);
    finish(file)
}

fn json(folder: &ResultsFolder, out: &Path) -> Result<String> {
    let failed = || format!("cannot write {}", out.display());
    let file = BufWriter::new(PendingFile::create(out)?);
    let mut export = JsonExport::new(file, folder.manifest()).with_context(failed)?;
    for record in folder.records() {
        export.add(&record?).with_context(failed)?;
    }
    finish(export.finish().with_context(failed)?)?;
    Ok(out.display().to_string())
}

fn finish(file: BufWriter<PendingFile>) -> Result<()> {
    file.into_inner().map_err(|error| error.into_error()).context("cannot write the export")?.finish()
}
