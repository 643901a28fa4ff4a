//! `causal-trace merge`: one results folder of several.

use anyhow::Result;
use causal_trace_results::{MergeOrder, merge};

use crate::args::MergeArgs;
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;

pub(crate) fn run(args: &MergeArgs, printer: &Printer) -> Result<()> {
    refuse_among_tables(&args.out)?;
    let order = if args.sorted { MergeOrder::Sorted } else { MergeOrder::Named };
    let merged = merge(&args.results, &args.out, order)?;
    printer.result(&format!("{} facts in {} parts in {}", merged.prompts, merged.parts, args.out.display()));
    for missing in &merged.missing {
        let (n, folder) = (missing.parts.len(), missing.folder.display());
        printer.note(&format!(
            "note: {n} parts are missing in {folder}; the sweep that makes it is not complete"
        ));
    }
    Ok(())
}
