//! A whole sweep: what is asked for, how it is cut into parts, and the work on those that are left.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Result;
use causal_trace_core::{Fact, RoleConvention, TraceConfig};
use causal_trace_engine::Answer;
use causal_trace_results::{
    FactsIdentity, FolderWriter, Manifest, ModelIdentity, Outcome, PromptRecord, Target, cut_into_parts,
};

use super::{Interrupt, Made, Pairing, Preparation, Prepared, SweepProgress, Work, share};
use crate::args::{MethodArgs, Shard};
use crate::fact_file::FactFile;
use crate::models::NamedModel;
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::settings;

/// A part takes about a minute on a processor that does this many operations a second: few of today's do less.
const MOST_OPERATIONS: f64 = 60.0 * 2e10;
/// Facts of a part: so many rows in one product are enough, and so few are lost when the power fails.
const MOST_FACTS: usize = 16;
/// Operations that a streamed model is to do for each of its weights whenever it is read: a processor does about a
/// thousand in the time in which a byte is read and packed.
const OPERATIONS_PER_WEIGHT: f64 = 2000.0;
/// Facts that are traced to see how fast a sweep will be, at most.
const TRIED_FACTS: usize = 24;

/// What a sweep is asked to do.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a NamedModel,
    pub(crate) model_identity: ModelIdentity,
    /// All facts of the file, whose subjects scale the noise.
    pub(crate) facts: FactFile,
    /// Those to be traced, and what they are called in a manifest.
    pub(crate) chosen: Vec<Fact>,
    pub(crate) identity: FactsIdentity,
    pub(crate) method: MethodArgs,
    pub(crate) target: Target,
    pub(crate) roles: RoleConvention,
    /// The results folder.
    pub(crate) out: PathBuf,
}

/// The whole sweep, ready to be done.
pub(crate) struct Sweep<'a> {
    model: &'a NamedModel,
    manifest: Manifest,
    config: TraceConfig,
    parts: Vec<Part>,
    out: PathBuf,
}

/// Some facts that are traced and saved together.
struct Part {
    facts: Vec<Prepared>,
    /// About how many operations they take.
    cost: f64,
}

impl<'a> Sweep<'a> {
    /// Prepares every fact; nothing is written yet.
    pub(crate) fn new(request: Request<'a>, printer: &Printer) -> Result<Self> {
        let Request { model, model_identity, facts, chosen, identity, method, target, roles, out } = request;
        refuse_among_tables(&out)?;
        let pairing = Pairing::new(method.corruption, &facts, method.seed.unwrap_or(1))?;
        let (config, noise) = settings::resolve(&method, model, || Ok(facts))?;
        let n_layers = model.lm.model.architecture().n_layers;
        settings::note_wide_window(&config, n_layers, printer);
        let preparation = Preparation { lm: &model.lm, target, pairing };
        let prepared: Vec<Prepared> = chosen.into_iter().map(|fact| preparation.prepare(fact)).collect();
        let work = Work { lm: &model.lm, config: &config, target };
        prepared.iter().try_for_each(|fact| match &fact.ready {
            Ok(ready) => model.check_memory(&ready.case(Answer::Predicted), &config),
            Err(_) => Ok(()),
        })?;
        let costs: Vec<f64> = prepared.iter().map(|fact| work.cost(fact)).collect();
        let parts = cut_into_parts(&costs, MOST_OPERATIONS, MOST_FACTS);
        let made = Made {
            lm: &model.lm,
            model: model_identity,
            facts: identity,
            target,
            roles,
            counterparts: preparation.pairing.counterparts(),
            config: &config,
            noise,
        };
        let manifest = made.manifest(parts.clone());
        let mut facts = prepared.into_iter().zip(costs);
        let part = |len: usize| {
            let (facts, costs): (Vec<Prepared>, Vec<f64>) = facts.by_ref().take(len).unzip();
            Part { facts, cost: costs.iter().sum() }
        };
        let parts = parts.into_iter().map(part).collect();
        Ok(Sweep { model, manifest, config, parts, out })
    }

    /// About how many operations it takes.
    pub(crate) fn cost(&self) -> f64 {
        self.parts.iter().map(|part| part.cost).sum()
    }

    /// The operations of the costliest fact.
    pub(crate) fn largest_fact(&self) -> f64 {
        let work = self.work();
        let facts = self.parts.iter().flat_map(|part| &part.facts);
        facts.map(|fact| work.cost(fact)).fold(0.0, f64::max)
    }

    /// Traces some facts at even distances, up to about so many operations but at least one fact, and writes nothing;
    /// gives how many operations they take. Those that the model gets wrong take less, as they do in the sweep.
    pub(crate) fn try_out(&self, operations: f64) -> Result<f64> {
        let work = self.work();
        let facts: Vec<&Prepared> = self.parts.iter().flat_map(|part| &part.facts).collect();
        let n = TRIED_FACTS.min(facts.len());
        let mut cost = 0.0;
        for fact in (0..n).map(|place| facts[place * facts.len() / n]) {
            work.trace(&[fact], &mut |_, _| ControlFlow::Continue(()))?;
            cost += work.cost(fact);
            if cost >= operations {
                break;
            }
        }
        Ok(cost)
    }

    /// Where its results are.
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    /// Does what is left of a share; gives how many parts are still left because somebody asked for an end.
    pub(crate) fn run(&self, shard: Shard, interrupt: &Interrupt, printer: &Printer) -> Result<usize> {
        let mut writer = FolderWriter::create(&self.out, &self.manifest)?;
        let costs: Vec<f64> = self.parts.iter().map(|part| part.cost).collect();
        let mine = share(&costs, shard);
        let missing = writer.missing_parts();
        let left: Vec<usize> = mine.iter().copied().filter(|part| missing.contains(part)).collect();
        if left.len() < mine.len() {
            printer.note(&format!("{} of {} parts are there already", mine.len() - left.len(), mine.len()));
        }
        let n_prompts = left.iter().map(|&part| self.parts[part].facts.len()).sum();
        let mut progress = SweepProgress::new(printer, n_prompts, left.iter().map(|&part| costs[part]).sum());
        let mut left = &left[..];
        while !left.is_empty() {
            if interrupt.asked() {
                return Ok(left.len());
            }
            let (together, rest) = left.split_at(self.n_together(left));
            self.trace_parts(together, &mut writer, &mut progress)?;
            left = rest;
        }
        Ok(0)
    }

    /// How many of the next parts are traced together: one, but of a streamed model as many as it takes for its reading
    /// to be hidden behind the work.
    fn n_together(&self, parts: &[usize]) -> usize {
        let model = &self.model.lm.model;
        if !model.is_streamed() {
            return 1;
        }
        let enough = OPERATIONS_PER_WEIGHT * model.architecture().n_parameters() as f64;
        let mut cost = 0.0;
        let more = |&&part: &&usize| {
            let before = cost;
            cost += self.parts[part].cost;
            before < enough
        };
        parts.iter().take_while(more).count()
    }

    fn trace_parts(
        &self,
        parts: &[usize],
        writer: &mut FolderWriter,
        progress: &mut SweepProgress<'_>,
    ) -> Result<()> {
        let facts: Vec<&Prepared> = parts.iter().flat_map(|&part| &self.parts[part].facts).collect();
        let cost: f64 = parts.iter().map(|&part| self.parts[part].cost).sum();
        let sites = facts.iter().map(|fact| self.n_sites(fact)).sum();
        let records = self.work().trace(&facts, &mut |done, total| {
            progress.in_part(done as f64 / total.max(1) as f64, facts.len(), cost, sites);
            ControlFlow::Continue(())
        })?;
        let mut records = &records[..];
        for &part in parts {
            let Part { facts, cost } = &self.parts[part];
            let (of_part, rest) = records.split_at(facts.len());
            writer.write_part(part, of_part)?;
            progress.finish_part(of_part.len(), *cost, measured_sites(of_part));
            records = rest;
        }
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

fn measured_sites(records: &[PromptRecord]) -> usize {
    let sites = |record: &PromptRecord| match &record.outcome {
        Outcome::Traced(traced) => traced.grids.iter().map(|grid| grid.patched.len()).sum(),
        Outcome::Skipped(_) => 0,
    };
    records.iter().map(sites).sum()
}
