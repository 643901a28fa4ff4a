//! `causal-trace sweep`: many prompts into a results folder.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use causal_trace_core::Precision;
use causal_trace_results::ResultsFolder;
use causal_trace_results::statistics::StatisticsError;

use super::{summary, with_threads};
use crate::args::{PrecisionChoice, Share, SweepArgs, SweepOptions};
use crate::fact_file::{Choice, FactFile};
use crate::models::{Given, NamedModel};
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::settings;
use crate::slurm::{environment, shard_of_array};
use crate::sweep::{AtWork, FirstFact, Forecast, Interrupt, Request, Sweep, Traced, settled};
use crate::usage::Usage;

pub(crate) fn run(args: &SweepArgs, printer: &Printer) -> Result<()> {
    refuse_among_tables(&args.out)?;
    let share = share(args, printer)?;
    if args.dry_run {
        let text = with_threads(args.options.method.threads, || forecast(args, share, printer))??;
        printer.result(&text);
        return Ok(());
    }
    let traced = with_threads(args.options.method.threads, || sweep(args, share, printer))??;
    traced.refuse_failed()?;
    if traced.left > 0 {
        bail!(
            "interrupted: {} parts of {}{} are left, all that were begun are saved; the same command goes on",
            traced.left,
            if share == Share::ALL { String::new() } else { format!("shard {share} of ") },
            args.out.display()
        );
    }
    if share != Share::ALL && !args.json {
        let folder = ResultsFolder::open(&args.out)?;
        let (complete, all) = (folder.complete_parts()?.len(), folder.manifest().parts.len());
        let out = args.out.display();
        if complete < all {
            printer.result(&format!("shard {share} is done; {complete} of {all} parts of {out} are there"));
            return Ok(());
        }
        // Tasks of an array are many, and a job for the summary follows.
        if share != Share::Any {
            printer.result(&format!(
                "shard {share} is done, and with it all of {out}: causal-trace summary {out}"
            ));
            return Ok(());
        }
    }
    match summary::show(&args.out, &summary::Choice::default(), args.json, printer) {
        // All is done and saved; a share of the facts may well have nothing to average.
        Err(error) if matches!(error.downcast_ref(), Some(StatisticsError::NoPrompts { .. })) => {
            printer.note(&error.to_string());
            Ok(())
        }
        shown => shown,
    }
}

/// The share that is asked for, or that of this task of a Slurm array.
fn share(args: &SweepArgs, printer: &Printer) -> Result<Share> {
    if let Some(share) = args.shard {
        return Ok(share);
    }
    let Some(shard) = shard_of_array(&environment).map_err(Usage)? else {
        return Ok(Share::ALL);
    };
    let share = Share::Ith(shard);
    printer.note(&format!("shard {share}, as this task of a Slurm array (--shard 0/1 for all of it)"));
    Ok(share)
}

/// Does what is left of a share.
fn sweep(args: &SweepArgs, share: Share, printer: &Printer) -> Result<Traced> {
    prepared(&args.options, &args.out, printer, |sweep| {
        let interrupt = Interrupt::announced(printer)?;
        sweep.run(&AtWork::on(share, args.options.claims.expiry), &interrupt, printer)
    })
}

/// What the sweep will take, as JSON or for a person.
fn forecast(args: &SweepArgs, share: Share, printer: &Printer) -> Result<String> {
    let begun = Instant::now();
    let n_shards = match share {
        Share::Ith(shard) if shard.count > 1 => Some(shard.count),
        _ => None,
    };
    let forecast =
        prepared(&args.options, &args.out, printer, |sweep| Forecast::new(sweep, n_shards, begun))?;
    Ok(if args.json { serde_json::to_string_pretty(&forecast)? } else { forecast.table() })
}

/// The whole sweep with its model, for `then`; nothing is written yet.
pub(crate) fn prepared<R>(
    args: &SweepOptions,
    out: &Path,
    printer: &Printer,
    then: impl FnOnce(&Sweep<'_>) -> Result<R>,
) -> Result<R> {
    let facts = FactFile::open(args.facts.as_deref(), printer)?;
    let (chosen, identity) = facts.choose(&choice(args))?;
    let (method, out) = (args.method.clone(), out.to_owned());
    let (target, roles) =
        (settings::target(args.target, method.preset), settings::roles(args.roles, method.preset));
    let given = Given::of(&args.model, args.method.memory);
    let model = match settled(method.precision.unwrap_or_default(), &out, printer) {
        PrecisionChoice::Named(precision) => NamedModel::open(given, precision, printer)?,
        PrecisionChoice::Auto => {
            let first = FirstFact { given, facts: &facts, chosen: &chosen, method: &method, target };
            first.fastest(NamedModel::open(given, Precision::F32, printer)?, printer)?
        }
    };
    let model_identity = model.identity()?;
    let request =
        Request { model: &model, model_identity, facts, chosen, identity, method, target, roles, out };
    then(&Sweep::new(request, printer)?)
}

/// Which facts the options choose.
pub(crate) fn choice(args: &SweepOptions) -> Choice {
    let seed = args.method.seed.unwrap_or(1);
    match (args.limit, &args.ids, args.sample) {
        (Some(n), _, _) => Choice::First(n),
        (_, Some(ids), _) => Choice::Ids(ids.clone()),
        (_, _, Some(n)) => Choice::Sample { n, seed },
        _ => Choice::All,
    }
}
