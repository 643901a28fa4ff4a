//! `causal-trace sweep`: many prompts into a results folder.

use anyhow::{Result, bail};
use causal_trace_core::Precision;
use causal_trace_results::statistics::StatisticsError;

use super::{summary, with_threads};
use crate::args::{PrecisionChoice, Shard, SweepArgs};
use crate::fact_file::{Choice, FactFile};
use crate::models::{Given, NamedModel};
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::settings;
use crate::sweep::{FirstFact, Interrupt, Request, Sweep, settled};

pub(crate) fn run(args: &SweepArgs, printer: &Printer) -> Result<()> {
    refuse_among_tables(&args.out)?;
    let left = with_threads(args.method.threads, || sweep(args, printer))??;
    if left > 0 {
        bail!(
            "interrupted: {left} parts of {} are left, all others are saved; the same command goes on",
            args.out.display()
        );
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

/// Does what is left; gives how many parts are still left because somebody asked for an end.
fn sweep(args: &SweepArgs, printer: &Printer) -> Result<usize> {
    let facts = FactFile::open(args.facts.as_deref())?;
    let (chosen, identity) = facts.choose(&choice(args))?;
    let (method, out) = (args.method.clone(), args.out.clone());
    let (target, roles) =
        (settings::target(args.target, method.preset), settings::roles(args.roles, method.preset));
    let given = Given::new(&args.model.model, args.method.memory);
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
    sweep.run(args.shard.unwrap_or(Shard { index: 0, count: 1 }), &interrupt, printer)
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
