//! `causal-trace sweep`: many prompts into a results folder.

use anyhow::{Result, bail};
use causal_trace_core::Precision;
use causal_trace_results::ResultsFolder;
use causal_trace_results::statistics::StatisticsError;

use super::{summary, with_threads};
use crate::args::{PrecisionChoice, Share, SweepArgs};
use crate::fact_file::{Choice, FactFile};
use crate::models::{Given, NamedModel};
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::settings;
use crate::sweep::{AtWork, FirstFact, Interrupt, Request, Sweep, Traced, settled, shard_of_array};
use crate::usage::Usage;

pub(crate) fn run(args: &SweepArgs, printer: &Printer) -> Result<()> {
    refuse_among_tables(&args.out)?;
    let share = share(args, printer)?;
    let traced = with_threads(args.method.threads, || sweep(args, share, printer))??;
    traced.refuse_failed()?;
    if traced.left > 0 {
        bail!(
            "interrupted: {} parts of {} are left, all others are saved; the same command goes on",
            traced.left,
            args.out.display()
        );
    }
    if share != Share::ALL && !args.json {
        let folder = ResultsFolder::open(&args.out)?;
        let (complete, all) = (folder.complete_parts()?.len(), folder.manifest().parts.len());
        if complete < all {
            let out = args.out.display();
            printer.result(&format!("shard {share} is done; {complete} of {all} parts of {out} are there"));
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
    let Some(shard) = shard_of_array(&|name| std::env::var(name).ok()).map_err(Usage)? else {
        return Ok(Share::ALL);
    };
    let share = Share::Ith(shard);
    printer.note(&format!("shard {share}, as this task of a Slurm array (--shard 0/1 for all of it)"));
    Ok(share)
}

/// Does what is left of a share.
fn sweep(args: &SweepArgs, share: Share, printer: &Printer) -> Result<Traced> {
    let facts = FactFile::open(args.facts.as_deref(), printer)?;
    let (chosen, identity) = facts.choose(&choice(args))?;
    let (method, out) = (args.method.clone(), args.out.clone());
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
    let sweep = Sweep::new(request, printer)?;
    let interrupt = Interrupt::announced(printer)?;
    sweep.run(&AtWork::on(share, args.claims.expiry), &interrupt, printer)
}

/// Which facts the options choose.
pub(crate) fn choice(args: &SweepArgs) -> Choice {
    let seed = args.method.seed.unwrap_or(1);
    match (args.limit, &args.ids, args.sample) {
        (Some(n), _, _) => Choice::First(n),
        (_, Some(ids), _) => Choice::Ids(ids.clone()),
        (_, _, Some(n)) => Choice::Sample { n, seed },
        _ => Choice::All,
    }
}
