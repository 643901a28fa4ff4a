//! `causal-trace import`: ROME's case files into a results folder.

use anyhow::Result;
use causal_trace_results::interchange::import_rome;
use causal_trace_results::{FolderWriter, Outcome};

use crate::args::{ImportArgs, ImportFormat};
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::usage::Usage;

pub(crate) fn run(args: &ImportArgs, printer: &Printer) -> Result<()> {
    if args.model_name.trim().is_empty() {
        return Err(Usage("--model-name is empty: figures say which model they show".to_owned()).into());
    }
    refuse_among_tables(&args.out)?;
    let (manifest, records) = match args.from {
        ImportFormat::Rome => import_rome(&args.folder, &args.model_name)?,
    };
    let mut writer = FolderWriter::create(&args.out, &manifest)?;
    let missing = writer.missing_parts();
    let mut rest = &records[..];
    for (part, &len) in manifest.parts.iter().enumerate() {
        let (records, later) = rest.split_at(len);
        rest = later;
        if missing.contains(&part) {
            writer.write_part(part, records)?;
        }
    }
    let traced = records.iter().filter(|record| matches!(record.outcome, Outcome::Traced(_))).count();
    let skipped = records.len() - traced;
    printer.result(&format!(
        "{traced} prompts ({skipped} skipped) of {} layers in {}",
        manifest.model.n_layers,
        args.out.display()
    ));
    Ok(())
}
