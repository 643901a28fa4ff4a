//! A whole sweep: what is asked for, and how it is cut into parts.

use std::path::{Path, PathBuf};

use anyhow::Result;
use causal_trace_core::{Fact, RoleConvention, TraceConfig};
use causal_trace_engine::Answer;
use causal_trace_results::{FactsIdentity, FolderError, Manifest, ModelIdentity, ResultsFolder, Target};

use super::shares::cut;
use super::{Made, Pairing, Preparation, Prepared, Work};
use crate::args::MethodArgs;
use crate::fact_file::FactFile;
use crate::models::NamedModel;
use crate::output_folder::refuse_among_tables;
use crate::printer::Printer;
use crate::settings;

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
    pub(super) model: &'a NamedModel,
    pub(super) manifest: Manifest,
    pub(super) config: TraceConfig,
    pub(super) parts: Vec<Part>,
    pub(super) out: PathBuf,
}

/// Some facts that are saved together.
pub(super) struct Part {
    pub(super) facts: Vec<Prepared>,
    /// About how many operations they take.
    pub(super) cost: f64,
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
        let parts = cut(&costs);
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

    /// Whether a folder that is there is one of this sweep.
    ///
    /// # Errors
    /// When it was made with other settings; all of them are named.
    pub(crate) fn refuse_other(&self, folder: &ResultsFolder) -> Result<()> {
        let differences = folder.manifest().differences(&self.manifest);
        if differences.is_empty() {
            return Ok(());
        }
        Err(FolderError::OtherSettings { path: self.out.clone(), differences }.into())
    }

    /// Where its results are.
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    pub(super) fn work(&self) -> Work<'_> {
        Work { lm: &self.model.lm, config: &self.config, target: self.manifest.target }
    }

    /// How many sites a fact's trace measures.
    pub(super) fn n_sites(&self, fact: &Prepared) -> usize {
        let n_layers = self.model.lm.model.architecture().n_layers;
        let seq_len = fact.ready.as_ref().map_or(0, |ready| ready.prompt.seq_len());
        self.config.components.len() * seq_len * n_layers
    }
}
