//! What `--model` may name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use causal_trace_core::{Precision, TraceConfig};
use causal_trace_engine::{Case, least_memory};
use causal_trace_lm::{Architecture, Fingerprint, LanguageModel, Placement};
use causal_trace_results::ModelIdentity;

use crate::args::ModelArgs;
use crate::demo;
use crate::hub::{self, ModelId};
use crate::memory::{Budget, Shares, described};
use crate::printer::Printer;
use crate::usage::Usage;

/// A model and what it is called in figures.
#[derive(Debug)]
pub(crate) struct NamedModel {
    pub(crate) name: String,
    /// Where it was read from; an embedded model has none.
    folder: Option<PathBuf>,
    pub(crate) lm: LanguageModel,
    /// Bytes for the states of a trace, beside the weights.
    pub(crate) states: usize,
}

/// A model as it was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    /// A name, a folder, or a hub id.
    pub(crate) model: &'a str,
    /// Of a model of the hub; none for its usual one.
    pub(crate) revision: Option<&'a str>,
    pub(crate) budget: Budget,
}

impl<'a> Given<'a> {
    /// With all the memory that was asked for, or is there.
    pub(crate) fn of(args: &'a ModelArgs, memory: Option<usize>) -> Self {
        Given { model: &args.model, revision: args.revision.as_deref(), budget: Budget::new(memory, 1) }
    }
}

impl NamedModel {
    /// Opens an embedded model, a folder, or a model of the hub; says so where its weights do not fit into the budget
    /// and are read from their files again and again.
    pub(crate) fn open(asked: Given<'_>, precision: Precision, printer: &Printer) -> Result<Self> {
        let Given { model: given, revision, budget } = asked;
        if let Some(opened) = demo::model(given, precision) {
            refuse_revision(asked)?;
            let lm = opened?;
            let Shares { states, .. } = budget.shares(lm.model.architecture(), precision, false)?;
            return Ok(NamedModel { name: given.to_owned(), folder: None, lm, states });
        }
        let folder = locate(asked, printer)?;
        let name = match (folder.canonicalize()?.file_name(), revision) {
            (Some(name), _) if Path::new(given).is_dir() => name.to_string_lossy().into_owned(),
            (_, Some(revision)) => format!("{given}@{revision}"),
            (_, None) => given.to_owned(),
        };
        let cannot_open = || format!("cannot open the model {given}");
        let architecture = Architecture::of_folder(&folder).with_context(cannot_open)?;
        let Shares { placement, states } =
            budget.shares(&architecture, precision, true).with_context(cannot_open)?;
        if placement == Placement::Streamed {
            printer.note(&format!(
                "{name}: its weights take {} of memory, more than fits; its layers are read from the files for every \
                 batch of prompts, with {} for states",
                described(architecture.resident_bytes(precision)),
                described(states)
            ));
        }
        let lm = LanguageModel::open(&folder, precision, placement).with_context(cannot_open)?;
        Ok(NamedModel { name, folder: Some(folder), lm, states })
    }

    /// Whether there is memory for the states of a trace.
    ///
    /// # Errors
    /// When there is not; says how much it takes.
    pub(crate) fn check_memory(&self, case: &Case<'_>, config: &TraceConfig) -> Result<()> {
        let least = least_memory(&self.lm.model, case, config);
        if least <= config.memory {
            return Ok(());
        }
        bail!(
            "a prompt of {} tokens takes at least {} of memory beside the weights of {}, and {} are left for it; see \
             --memory",
            case.prompt.seq_len(),
            described(least),
            self.name,
            described(config.memory)
        )
    }

    /// Whether it is part of this program.
    pub(crate) fn embedded(&self) -> bool {
        self.folder.is_none()
    }

    /// What a results folder remembers of the model; reads all its files.
    pub(crate) fn identity(&self) -> Result<ModelIdentity> {
        let architecture = self.lm.model.architecture();
        let fingerprint = match &self.folder {
            Some(folder) => Fingerprint::of_folder(folder)?,
            None => demo::fingerprint(&self.name).context("the embedded model has no name")?,
        };
        Ok(ModelIdentity {
            name: self.name.clone(),
            n_layers: architecture.n_layers,
            model_type: Some(architecture.model_type.clone()),
            d_model: Some(architecture.d_model),
            d_vocab: Some(architecture.d_vocab),
            config_sha256: Some(fingerprint.config),
            weights_sha256: Some(fingerprint.weights),
            tokenizer_sha256: Some(fingerprint.tokenizer),
        })
    }

    /// One line: name, architecture, size; the precision where it is not the usual one.
    pub(crate) fn describe(&self) -> String {
        let architecture = self.lm.model.architecture();
        let parameters = parameters(architecture.n_parameters());
        let precision = match self.lm.model.precision() {
            Precision::F32 => String::new(),
            other => format!(", {other}"),
        };
        format!(
            "{} ({}, {} layers, {parameters} parameters{precision})",
            self.name, architecture.model_type, architecture.n_layers
        )
    }

    /// The same for a JSON record.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let architecture = self.lm.model.architecture();
        serde_json::json!({
            "name": self.name,
            "model_type": architecture.model_type,
            "n_layers": architecture.n_layers,
            "d_model": architecture.d_model,
            "n_heads": architecture.n_heads,
            "n_kv_heads": architecture.n_kv_heads,
            "d_head": architecture.d_head,
            "d_vocab": architecture.d_vocab,
        })
    }
}

/// As in `124.4 M` or `6.05 B`.
pub(crate) fn parameters(n: usize) -> String {
    let n = n as f64;
    if n < 1e9 { format!("{:.1} M", n / 1e6) } else { format!("{:.2} B", n / 1e9) }
}

/// Sees that a model is there, downloaded if need be, and of a kind that can be traced, without opening it.
pub(crate) fn provide(args: &ModelArgs, printer: &Printer) -> Result<()> {
    let given = Given::of(args, None);
    if demo::names().any(|name| name == given.model) {
        return refuse_revision(given);
    }
    let cannot_open = || format!("cannot open the model {}", given.model);
    Architecture::of_folder(&locate(given, printer)?).with_context(cannot_open).map(|_| ())
}

fn locate(given: Given<'_>, printer: &Printer) -> Result<PathBuf> {
    let Given { model, revision, .. } = given;
    let folder = PathBuf::from(model);
    if folder.is_dir() {
        refuse_revision(given)?;
        return Ok(folder);
    }
    if folder.is_file() {
        bail!("--model {model} is a file: give the folder that holds config.json, weights and tokenizer");
    }
    if model.starts_with(['.', '/', '~']) || model.matches('/').count() > 1 || model.is_empty() {
        bail!(
            "there is no folder {model}: give a model folder in Hugging Face layout, the name of a model on the hub, demo or \
             demo-j"
        );
    }
    hub::folder(&ModelId::new(model, revision)?, printer)
}

/// Only models of the hub have revisions.
fn refuse_revision(given: Given<'_>) -> Result<()> {
    match given.revision {
        None => Ok(()),
        Some(revision) => {
            let problem = format!(
                "--revision {revision} is for models of the Hugging Face hub, and {} is none: leave it out",
                given.model
            );
            Err(Usage(problem).into())
        }
    }
}
