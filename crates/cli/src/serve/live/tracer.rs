//! What traces: the model, opened once, and what its traces need.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use causal_trace_core::Precision;
use causal_trace_results::ModelIdentity;
use rayon::ThreadPool;

use crate::args::{ModelArgs, ServeArgs};
use crate::fact_file::FactFile;
use crate::models::{Given, NamedModel};
use crate::printer::Printer;

/// A model, its threads, and the facts whose subjects are known.
pub(crate) struct Tracer {
    pub(super) model: NamedModel,
    /// The model as it was asked for.
    pub(super) given: ModelArgs,
    pub(super) precision: Precision,
    pub(super) facts: FactFile,
    /// Where the facts are; none for the embedded ones.
    pub(super) facts_path: Option<PathBuf>,
    pub(super) pool: ThreadPool,
    identity: OnceLock<ModelIdentity>,
}

impl Tracer {
    /// Opens a model.
    pub(crate) fn open(args: &ServeArgs, printer: &Printer) -> Result<Self> {
        let facts = FactFile::open(args.facts.as_deref(), printer)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.unwrap_or(0)).build();
        let pool = pool.context("cannot start the threads")?;
        let given = Given::of(&args.model, args.memory);
        let model = pool.install(|| NamedModel::open(given, args.precision, printer))?;
        Ok(Tracer {
            model,
            given: args.model.clone(),
            precision: args.precision,
            facts,
            facts_path: args.facts.clone(),
            pool,
            identity: OnceLock::new(),
        })
    }

    /// What a results folder remembers of the model. Its files are read at the first call only.
    pub(super) fn identity(&self) -> Result<ModelIdentity> {
        if let Some(identity) = self.identity.get() {
            return Ok(identity.clone());
        }
        let identity = self.model.identity()?;
        Ok(self.identity.get_or_init(|| identity).clone())
    }
}
