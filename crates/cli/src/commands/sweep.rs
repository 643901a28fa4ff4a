//! `causal-trace sweep`: many prompts into a results folder.

use anyhow::{Result, bail};
use causal_trace_results::statistics::StatisticsError;
use causal_trace_results::{
    FORMAT, FORMAT_VERSION, FolderWriter, Manifest, Outcome, PromptRecord, Settings, Target, cut_into_parts,
};

use super::{summary, with_threads};
use crate::args::{Shard, SweepArgs, TargetChoice};
use crate::fact_file::{Choice, FactFile};
use crate::models::NamedModel;
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::settings;
use crate::sweep::{Interrupt, Prepared, SweepProgress, Work, prepare, share};

/// A part takes about a minute on a processor that does this many operations a second: few of today's do less.
const MOST_OPERATIONS: f64 = 60.0 * 2e10;
/// Facts of a part: so many rows in one product are enough, and so few are lost when the power fails.
const MOST_FACTS: usize = 16;

/// The whole sweep, ready to be done.
struct Sweep {
    model: NamedModel,
    manifest: Manifest,
    config: causal_trace_core::TraceConfig,
    parts: Vec<Part>,
}

/// Some facts that are traced and saved together.
struct Part {
    facts: Vec<Prepared>,
    /// About how many operations they take.
    cost: f64,
}

pub(crate) fn run(args: &SweepArgs, printer: &Printer) -> Result<()> {
    refuse_among_tables(&args.out)?;
    let left = with_threads(args.method.threads, || Sweep::new(args, printer)?.run(args, printer))??;
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

fn measured_sites(records: &[PromptRecord]) -> usize {
    let sites = |record: &PromptRecord| match &record.outcome {
        Outcome::Traced(traced) => traced.grids.iter().map(|grid| grid.patched.len()).sum(),
        Outcome::Skipped(_) => 0,
    };
    records.iter().map(sites).sum()
}

impl Sweep {
    fn new(args: &SweepArgs, printer: &Printer) -> Result<Self> {
        let facts = FactFile::open(args.facts.as_deref())?;
        let (chosen, identity) = facts.choose(&choice(args))?;
        let model = NamedModel::open(&args.model.model)?;
        let (config, noise) = settings::resolve(&args.method, &model.lm, || Ok(facts))?;
        let n_layers = model.lm.model.architecture().n_layers;
        settings::note_wide_window(&config, n_layers, printer);
        let target = match args.target {
            TargetChoice::Predicted => Target::Predicted,
            TargetChoice::Attribute => Target::Attribute,
        };
        let prepared: Vec<Prepared> =
            chosen.into_iter().map(|fact| prepare(fact, target, &model.lm)).collect();
        let work = Work { lm: &model.lm, config: &config, target };
        let costs: Vec<f64> = prepared.iter().map(|fact| work.cost(fact)).collect();
        let parts = cut_into_parts(&costs, MOST_OPERATIONS, MOST_FACTS);
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            program: concat!("causal-trace ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: model.identity()?,
            facts: vec![identity],
            target,
            settings: Settings {
                components: config.components.clone(),
                window: config.window,
                direction: config.direction,
                corruption: Some(config.corruption),
                noise: Some(noise),
                engine: Some(config.engine),
                precision: Some("f32".to_owned()),
            },
            parts: parts.clone(),
        };
        let mut facts = prepared.into_iter().zip(costs);
        let part = |len: usize| {
            let (facts, costs): (Vec<Prepared>, Vec<f64>) = facts.by_ref().take(len).unzip();
            Part { facts, cost: costs.iter().sum() }
        };
        let parts = parts.into_iter().map(part).collect();
        Ok(Sweep { model, manifest, config, parts })
    }

    /// Does what is left; gives how many parts are still left because somebody asked for an end.
    fn run(&self, args: &SweepArgs, printer: &Printer) -> Result<usize> {
        let mut writer = FolderWriter::create(&args.out, &self.manifest)?;
        let costs: Vec<f64> = self.parts.iter().map(|part| part.cost).collect();
        let mine = share(&costs, args.shard.unwrap_or(Shard { index: 0, count: 1 }));
        let missing = writer.missing_parts();
        let left: Vec<usize> = mine.iter().copied().filter(|part| missing.contains(part)).collect();
        if left.len() < mine.len() {
            printer.note(&format!("{} of {} parts are there already", mine.len() - left.len(), mine.len()));
        }
        let interrupt = listen(printer)?;
        let n_prompts = left.iter().map(|&part| self.parts[part].facts.len()).sum();
        let mut progress = SweepProgress::new(printer, n_prompts, left.iter().map(|&part| costs[part]).sum());
        for (done, &part) in left.iter().enumerate() {
            if interrupt.asked() {
                return Ok(left.len() - done);
            }
            self.trace_part(part, &mut writer, &mut progress)?;
        }
        Ok(0)
    }

    fn trace_part(
        &self,
        part: usize,
        writer: &mut FolderWriter,
        progress: &mut SweepProgress<'_>,
    ) -> Result<()> {
        let Part { facts, cost } = &self.parts[part];
        let sites = facts.iter().map(|fact| self.n_sites(fact)).sum();
        let records = self.work().part(facts, &mut |done, total| {
            progress.in_part(done as f64 / total.max(1) as f64, facts.len(), *cost, sites);
        })?;
        writer.write_part(part, &records)?;
        progress.finish_part(records.len(), *cost, measured_sites(&records));
        Ok(())
    }

    fn work(&self) -> Work<'_> {
        Work { lm: &self.model.lm, config: &self.config, target: self.manifest.target }
    }

    /// How many sites a fact's trace measures.
    fn n_sites(&self, fact: &Prepared) -> usize {
        let n_layers = self.model.lm.model.architecture().n_layers;
        let seq_len = fact.ready.as_ref().map_or(0, |ready| ready.prompt.seq_len());
        self.config.components.len() * seq_len * n_layers
    }
}

fn listen(printer: &Printer) -> Result<Interrupt> {
    let quiet = printer.is_quiet();
    Interrupt::listen(move || {
        Printer::new(quiet).note("finishing and saving the part in hand; Ctrl-C again ends at once");
    })
}

fn choice(args: &SweepArgs) -> Choice {
    let seed = args.method.seed.unwrap_or(1);
    match (args.limit, &args.ids, args.sample) {
        (Some(n), _, _) => Choice::First(n),
        (_, Some(ids), _) => Choice::Ids(ids.clone()),
        (_, _, Some(n)) => Choice::Sample { n, seed },
        _ => Choice::All,
    }
}
