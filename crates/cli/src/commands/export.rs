//! `causal-trace export`: a results folder in other forms.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use causal_trace_core::Component;
use causal_trace_results::ResultsFolder;
use causal_trace_results::interchange::{CsvExport, JsonExport, rome_cases};

use super::summary;
use crate::args::{ExportArgs, ExportFormat};
use crate::output_folder::{OutputFolder, PendingFile, refuse_results_folder};
use crate::printer::Printer;

pub(crate) fn run(args: &ExportArgs, printer: &Printer) -> Result<()> {
    let folder = summary::open(&args.results, printer)?;
    let out = &args.out;
    refuse_results_folder(out)?;
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
    refuse_strangers(folder, out)?;
    let mut files = 0;
    for record in folder.records() {
        for file in rome_cases(&record?, folder.manifest())? {
            target.write(&file.name, &file.bytes)?;
            files += 1;
        }
    }
    Ok(format!("{files} case files in {}", out.display()))
}

/// Case files of other facts would be taken for part of these results, by `import` as by ROME's notebooks.
fn refuse_strangers(folder: &ResultsFolder, out: &Path) -> Result<()> {
    let mut ids = BTreeSet::new();
    for record in folder.prompts() {
        ids.insert(record?.fact.known_id);
    }
    let components = &folder.manifest().settings.components;
    for entry in std::fs::read_dir(out).with_context(|| format!("cannot read {}", out.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some((id, component)) = case_of(&name) else { continue };
        if !ids.contains(&id) || !components.contains(&component) {
            bail!("{} holds {name} of other results: choose an empty folder for --out", out.display());
        }
    }
    Ok(())
}

/// The fact and the component of a case file's name.
fn case_of(name: &str) -> Option<(i64, Component)> {
    let stem = name.strip_prefix("knowledge_")?.strip_suffix(".npz")?;
    let component =
        Component::ALL.into_iter().rev().find(|component| stem.ends_with(component.file_suffix()))?;
    Some((stem.strip_suffix(component.file_suffix())?.parse().ok()?, component))
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
