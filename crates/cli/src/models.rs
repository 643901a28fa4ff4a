//! What `--model` may name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use causal_trace_core::{Precision, TraceConfig};
use causal_trace_engine::{Case, least_memory};
use causal_trace_lm::{Architecture, Fingerprint, LanguageModel, Placement};
use causal_trace_results::ModelIdentity;

use crate::demo;
use crate::memory::{Budget, Shares, described};
use crate::printer::Printer;

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
    pub(crate) budget: Budget,
}

impl<'a> Given<'a> {
    /// With all the memory that was asked for, or is there.
    pub(crate) fn new(model: &'a str, memory: Option<usize>) -> Self {
        Given { model, budget: Budget::new(memory, 1) }
    }
}

impl NamedModel {
    /// Opens an embedded model, a folder, or a model in the Hugging Face cache; says so where its weights do not fit
    /// into the budget and are read from their files again and again.
    pub(crate) fn open(given: Given<'_>, precision: Precision, printer: &Printer) -> Result<Self> {
        let Given { model: given, budget } = given;
        if let Some(opened) = demo::model(given, precision) {
            let lm = opened?;
            let Shares { states, .. } = budget.shares(lm.model.architecture(), precision, false)?;
            return Ok(NamedModel { name: given.to_owned(), folder: None, lm, states });
        }
        let folder = locate(given)?;
        let name = match folder.canonicalize()?.file_name() {
            Some(name) if Path::new(given).is_dir() => name.to_string_lossy().into_owned(),
            _ => given.to_owned(),
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
        let parameters = architecture.n_parameters() as f64;
        let parameters = if parameters < 1e9 {
            format!("{:.1} M", parameters / 1e6)
        } else {
            format!("{:.2} B", parameters / 1e9)
        };
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

fn locate(given: &str) -> Result<PathBuf> {
    let folder = PathBuf::from(given);
    if folder.is_dir() {
        return Ok(folder);
    }
    if folder.is_file() {
        bail!("--model {given} is a file: give the folder that holds config.json, weights and tokenizer");
    }
    if given.starts_with(['.', '/', '~']) || given.matches('/').count() > 1 || given.is_empty() {
        bail!("there is no folder {given}: give a model folder in Hugging Face layout, demo or demo-j");
    }
    let cache = hub_cache();
    match cache.as_deref().and_then(|cache| cached_snapshot(cache, given)) {
        Some(snapshot) => Ok(snapshot),
        None => bail!(
            "{given} is neither demo, demo-j, a folder, nor a model in the Hugging Face cache ({}): download it first, \
             for example with `hf download {given}`",
            cache.map_or("no home folder".to_owned(), |cache| cache.display().to_string())
        ),
    }
}

/// Where Hugging Face's tools keep downloads: `HF_HUB_CACHE`, `$HF_HOME/hub`, `$XDG_CACHE_HOME/huggingface/hub`,
/// `~/.cache/huggingface/hub`.
fn hub_cache() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("HF_HUB_CACHE")
        .or_else(|| variable("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/huggingface/hub")))
}

/// The snapshot that the cache's `main` points at.
fn cached_snapshot(cache: &Path, id: &str) -> Option<PathBuf> {
    let model = cache.join(format!("models--{}", id.replace('/', "--")));
    let revision = std::fs::read_to_string(model.join("refs/main")).ok()?;
    let snapshot = model.join("snapshots").join(revision.trim());
    snapshot.join("config.json").is_file().then_some(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_read_as_hugging_face_lays_it_out() {
        let cache = tempfile::tempdir().unwrap();
        let model = cache.path().join("models--org--name");
        assert_eq!(cached_snapshot(cache.path(), "org/name"), None);
        std::fs::create_dir_all(model.join("refs")).unwrap();
        std::fs::create_dir_all(model.join("snapshots/abc")).unwrap();
        std::fs::write(model.join("refs/main"), "abc\n").unwrap();
        std::fs::write(model.join("snapshots/abc/config.json"), "{}").unwrap();
        assert_eq!(cached_snapshot(cache.path(), "org/name"), Some(model.join("snapshots/abc")));
    }
}
