//! `causal-trace models`: what can be traced without a download, and in how much memory.

use std::path::Path;

use anyhow::{Context, Result};
use causal_trace_core::Precision;
use causal_trace_lm::weights::Weights;
use causal_trace_lm::{Architecture, Placement};
use indicatif::DecimalBytes;
use serde::Serialize;

use crate::args::ModelsArgs;
use crate::demo;
use crate::hub::{self, ModelId, Settings};
use crate::memory::{described, least};
use crate::models::parameters;
use crate::printer::{Printer, in_one_line, shown};

pub(crate) fn run(args: &ModelsArgs, printer: &Printer) -> Result<()> {
    let cache = Settings::from_environment().cache;
    let mut models =
        demo::names().map(|name| embedded(name, args.precision)).collect::<Result<Vec<Listed>>>()?;
    if let Some(cache) = &cache {
        let unreadable = || format!("cannot read the Hugging Face cache {}", cache.folder().display());
        let cached = cache.all().with_context(unreadable)?;
        models.extend(cached.iter().map(|(id, folder)| cached_model(id, folder, args.precision)));
    }
    let folder = cache.as_ref().map(|cache| cache.folder().display().to_string());
    if args.json {
        let json =
            serde_json::json!({ "cache": folder, "precision": args.precision.to_string(), "models": models });
        printer.result(&serde_json::to_string_pretty(&json)?);
        return Ok(());
    }
    printer.result(&table(&models));
    let cache = folder.map_or("no home folder for the cache".to_owned(), |folder| format!("cache {folder}"));
    printer.result(&format!(
        "\nmemory: what a trace takes at least at {}, with all weights in memory, and with their layers read from the files \
         for every batch of prompts (--memory)\n{cache}",
        args.precision
    ));
    Ok(())
}

/// A model in the list.
#[derive(Debug, Serialize)]
struct Listed {
    /// What `--model` takes.
    name: String,
    /// What `--revision` takes.
    revision: Option<String>,
    model_type: Option<String>,
    n_layers: Option<usize>,
    n_parameters: Option<usize>,
    bytes_on_disk: u64,
    /// With all weights in memory.
    memory_bytes: Option<usize>,
    /// With layers read again and again.
    streamed_memory_bytes: Option<usize>,
    traceable: bool,
    /// Why it cannot be traced.
    reason: Option<String>,
    folder: Option<String>,
}

fn embedded(name: &str, precision: Precision) -> Result<Listed> {
    let lm = demo::model(name, precision).context("the embedded model has no name")??;
    let architecture = lm.model.architecture();
    Ok(Listed {
        name: name.to_owned(),
        revision: None,
        model_type: Some(architecture.model_type.clone()),
        n_layers: Some(architecture.n_layers),
        n_parameters: Some(architecture.n_parameters()),
        bytes_on_disk: demo::weight_bytes(name).unwrap_or(0),
        memory_bytes: Some(least(architecture, precision, Placement::Resident)),
        streamed_memory_bytes: None,
        traceable: true,
        reason: None,
        folder: None,
    })
}

fn cached_model(id: &ModelId, folder: &Path, precision: Precision) -> Listed {
    let architecture = Architecture::of_folder(folder);
    let known = architecture.as_ref().ok();
    let reason = untraceable(folder, &architecture);
    let needs = |placement: Placement| known.map(|architecture| least(architecture, precision, placement));
    Listed {
        name: id.name().to_owned(),
        revision: Some(id.revision().to_owned()),
        model_type: known
            .map(|architecture| architecture.model_type.clone())
            .or_else(|| declared_type(folder)),
        n_layers: known.map(|architecture| architecture.n_layers),
        n_parameters: known.map(Architecture::n_parameters),
        bytes_on_disk: bytes_in(folder),
        memory_bytes: needs(Placement::Resident),
        streamed_memory_bytes: needs(Placement::Streamed),
        traceable: reason.is_none(),
        reason,
        folder: Some(folder.display().to_string()),
    }
}

/// Why a folder's model cannot be traced; only the weights' tables of contents are read.
fn untraceable(
    folder: &Path,
    architecture: &Result<Architecture, causal_trace_lm::ModelError>,
) -> Option<String> {
    let missing = hub::missing(folder);
    // Without a config nothing is known; what is not a model for text is more telling than what it lacks.
    if let (Err(error), true) = (architecture, folder.join("config.json").is_file()) {
        return Some(error.to_string());
    }
    if !missing.is_empty() {
        return Some(format!("not whole: {} missing; --model downloads the rest", missing.join(", ")));
    }
    Weights::open(folder).err().map(|error| in_one_line(&error.into()))
}

/// What the config of a model that is not known calls itself.
fn declared_type(folder: &Path) -> Option<String> {
    let config = std::fs::read(folder.join("config.json")).ok()?;
    let config: serde_json::Value = serde_json::from_slice(&config).ok()?;
    config["model_type"].as_str().map(str::to_owned)
}

/// Of the files that links lead to.
fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |path: &Path| match path.metadata() {
        Ok(found) if found.is_dir() => bytes_in(path),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.map(|entry| bytes(&entry.path())).sum()
}

fn table(models: &[Listed]) -> String {
    let header = ["model", "family", "parameters", "on disk", "memory", "layer by layer", "can be traced"];
    let rows = models.iter().map(|model| {
        let optional = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let revision = model.revision.as_deref().filter(|&revision| revision != "main");
        [
            revision.map_or(model.name.clone(), |revision| format!("{} --revision {revision}", model.name)),
            optional(model.model_type.as_deref().map(shown)),
            optional(model.n_parameters.map(parameters)),
            DecimalBytes(model.bytes_on_disk).to_string(),
            optional(model.memory_bytes.map(described)),
            optional(model.streamed_memory_bytes.map(described)),
            model.reason.as_deref().map_or("yes".to_owned(), |reason| format!("no: {}", shown(reason))),
        ]
    });
    let rows: Vec<[String; 7]> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            // Words to the left, numbers to the right.
            0 | 1 => format!("{cell:<width$}"),
            2..6 => format!("{cell:>width$}"),
            _ => cell.clone(),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
