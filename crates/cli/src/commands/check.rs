//! `causal-trace check`: whether everything in a results folder is there and right.

use std::path::Path;

use anyhow::{Result, bail};
use causal_trace_results::{Fault, Finding, ResultsFolder};

use crate::args::CheckArgs;
use crate::printer::{Printer, shown};

pub(crate) fn run(args: &CheckArgs, printer: &Printer) -> Result<()> {
    let folder = ResultsFolder::open(&args.results)?;
    let findings = folder.audit(args.claims.expiry)?;
    let aside = if args.repair { folder.set_aside(&findings)? } else { None };
    if args.json {
        printer.result(&serde_json::to_string_pretty(&serde_json::json!({
            "parts": folder.manifest().parts.len(),
            "facts": folder.manifest().parts.iter().sum::<usize>(),
            "findings": findings,
            "moved_to": aside,
        }))?);
    } else {
        findings.iter().for_each(|finding| printer.result(&line(finding)));
        if findings.is_empty() {
            let parts = &folder.manifest().parts;
            let (n_parts, n_facts) = (parts.len(), parts.iter().sum::<usize>());
            printer.result(&format!("{n_facts} facts in {n_parts} parts: everything is there and right"));
        }
    }
    if let Some(aside) = &aside {
        printer.note(&format!("moved to {}; {}", aside.display(), next_step(&folder)));
    }
    if findings.is_empty() || args.repair {
        return Ok(());
    }
    bail!("{}", advice(&args.results, &findings, &folder))
}

fn line(finding: &Finding) -> String {
    let name = match finding.fault {
        Fault::Damaged => "damaged",
        Fault::Duplicated => "duplicated",
        Fault::Foreign => "foreign",
        Fault::Orphaned => "orphaned",
        Fault::Stale => "stale",
        Fault::Leftover => "leftover",
        Fault::Failed => "failed",
        Fault::Missing => "missing",
    };
    format!("{name:<10} {}", shown(&finding.reason))
}

/// What is wrong in short, and what to do about it.
fn advice(path: &Path, findings: &[Finding], folder: &ResultsFolder) -> String {
    let (path, n) = (path.display(), findings.len());
    let things = if n == 1 { "1 thing is".to_owned() } else { format!("{n} things are") };
    if findings.iter().any(|finding| !finding.files.is_empty()) {
        format!("{things} wrong in {path}: `causal-trace check {path} --repair` moves aside what is damaged")
    } else if findings.iter().all(|finding| finding.fault == Fault::Missing) {
        format!("{path} is not complete: {}", next_step(folder))
    } else {
        format!("{things} wrong in {path}: {}", next_step(folder))
    }
}

/// How parts that are missing come back.
fn next_step(folder: &ResultsFolder) -> &'static str {
    if folder.is_swept() {
        "run the same sweep again to compute what is missing"
    } else {
        "merge or import the folder again from its sources to have what is missing"
    }
}
