//! Which files of a folder make up the model, and which of them holds which tensor.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::WeightsError;

/// The two kinds of weights file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Safetensors,
    Torch,
}

/// How a folder stores its weights.
#[derive(Debug)]
pub(super) enum Layout {
    /// Everything in one file.
    Single(Format, PathBuf),
    /// Several files, and an index that places each tensor in one of them.
    Sharded(Format, Index),
}

/// The index of a sharded checkpoint.
#[derive(Debug)]
pub(super) struct Index {
    /// The index file.
    pub(super) path: PathBuf,
    /// Tensor names by the file they are in.
    pub(super) shards: BTreeMap<String, Vec<String>>,
}

/// The names under which weights are published, in the order of preference.
const PUBLISHED: [(Format, &str); 4] = [
    (Format::Safetensors, "model.safetensors"),
    (Format::Safetensors, "model.safetensors.index.json"),
    (Format::Torch, "pytorch_model.bin"),
    (Format::Torch, "pytorch_model.bin.index.json"),
];

/// The names under which weights are published, the preferred ones first. Those that end in `.json` are indices of shards.
pub fn published_names() -> impl Iterator<Item = &'static str> {
    PUBLISHED.iter().map(|(_, name)| *name)
}

/// Looks for the published names, then for a single safetensors file of any name.
pub(super) fn layout(folder: &Path) -> Result<Layout, WeightsError> {
    if let Some((format, name)) = PUBLISHED.iter().find(|(_, name)| folder.join(name).is_file()) {
        return named(folder, *format, name);
    }
    let files = safetensors_files(folder)?;
    match files.as_slice() {
        [] => Err(WeightsError::NoWeights { folder: folder.to_owned() }),
        [only] => named(folder, Format::Safetensors, only),
        _ => Err(WeightsError::NoIndex { folder: folder.to_owned(), files }),
    }
}

/// The weight files of a folder, in the order of their names; an index is not one of them. Whether they are there is not
/// looked at.
///
/// # Errors
/// When the folder has no weights, or an index is damaged.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    Ok(match layout(folder)? {
        Layout::Single(_, path) => vec![path],
        Layout::Sharded(_, index) => index.shards.keys().map(|shard| folder.join(shard)).collect(),
    })
}

fn named(folder: &Path, format: Format, name: &str) -> Result<Layout, WeightsError> {
    let path = folder.join(name);
    if name.ends_with(".json") {
        Ok(Layout::Sharded(format, read_index(path)?))
    } else {
        Ok(Layout::Single(format, path))
    }
}

/// The names of all safetensors files in the folder, sorted.
fn safetensors_files(folder: &Path) -> Result<Vec<String>, WeightsError> {
    let io = |source| WeightsError::Io { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".safetensors")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn read_index(path: PathBuf) -> Result<Index, WeightsError> {
    let bytes = fs::read(&path).map_err(|source| WeightsError::Io { path: path.clone(), source })?;
    match parse_index(&bytes) {
        Ok(shards) => Ok(Index { path, shards }),
        Err(reason) => Err(WeightsError::Index { path, reason }),
    }
}

/// The shards that an index names, in the order of their names.
///
/// # Errors
/// When the bytes are not an index, or place a tensor outside of the index's folder.
pub fn shards_of(index: &[u8]) -> Result<Vec<String>, String> {
    parse_index(index).map(|shards| shards.into_keys().collect())
}

fn parse_index(bytes: &[u8]) -> Result<BTreeMap<String, Vec<String>>, String> {
    let index: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let map = index.get("weight_map").and_then(|map| map.as_object()).ok_or("it has no 'weight_map'")?;
    let mut shards = BTreeMap::<String, Vec<String>>::new();
    for (tensor, shard) in map {
        let shard = shard.as_str().ok_or_else(|| format!("'{tensor}' is not placed in a file"))?;
        if !stays_inside(shard) {
            return Err(format!("'{tensor}' is placed outside the folder, in '{shard}'"));
        }
        shards.entry(shard.to_owned()).or_default().push(tensor.clone());
    }
    Ok(shards)
}

/// Whether a path from an index leads to a file below the index's own folder.
fn stays_inside(shard: &str) -> bool {
    let mut components = Path::new(shard).components().peekable();
    components.peek().is_some() && components.all(|component| matches!(component, Component::Normal(_)))
}
