//! `manifest.json` on disk.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use super::layout::MANIFEST;
use super::{FolderError, atomic};
use causal_trace_core::Metric;

use crate::manifest::{FORMAT, FORMAT_VERSION, Manifest};

/// What every version of the format has.
#[derive(Deserialize)]
struct Header {
    format: String,
    format_version: u64,
}

/// The manifest of a folder, or `None` where there is none.
pub(super) fn read(folder: &Path) -> Result<Option<Manifest>, FolderError> {
    let path = folder.join(MANIFEST);
    let text = match fs::read(&path) {
        Ok(text) => text,
        // A folder that is a file, or is not there, has no manifest either.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(FolderError::io("read", &path, source)),
    };
    parse(&path, &text).map(Some)
}

fn parse(path: &Path, text: &[u8]) -> Result<Manifest, FolderError> {
    let damaged = |reason: String| FolderError::Manifest { path: path.to_owned(), reason };
    let header: Header = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
    if header.format != FORMAT {
        return Err(FolderError::OtherFormat { path: path.to_owned(), found: header.format });
    }
    if header.format_version > u64::from(FORMAT_VERSION) {
        return Err(FolderError::Newer { path: path.to_owned(), found: header.format_version });
    }
    if (1..u64::from(FORMAT_VERSION)).contains(&header.format_version) {
        return Err(FolderError::Older { path: path.to_owned(), found: header.format_version });
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
    fault(&manifest).map_or(Ok(manifest), |reason| Err(damaged(reason)))
}

/// Writes the manifest of a new folder, unless another process has just done so; gives whether this one counts.
pub(super) fn publish(folder: &Path, manifest: &Manifest) -> Result<bool, FolderError> {
    let path = folder.join(MANIFEST);
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| FolderError::UnusableManifest { reason: error.to_string() })?;
    text.push(b'\n');
    atomic::publish(&path, &text)
}

impl Manifest {
    /// This manifest, which stands in a folder, if a sweep with the other one may continue it.
    pub(super) fn agreeing(self, folder: &Path, wanted: &Manifest) -> Result<Manifest, FolderError> {
        let differences = self.differences(wanted);
        if differences.is_empty() {
            Ok(self)
        } else {
            Err(FolderError::OtherSettings { path: folder.to_owned(), differences })
        }
    }
}

/// What is impossible in a manifest.
pub(super) fn fault(manifest: &Manifest) -> Option<String> {
    let Manifest { format, format_version, model, settings, parts, .. } = manifest;
    if format != FORMAT || *format_version != FORMAT_VERSION {
        return Some(format!("its format is {format:?}, version {format_version}"));
    }
    if model.n_layers == 0 || i32::try_from(model.n_layers).is_err() {
        return Some(format!("model.n_layers is {}", model.n_layers));
    }
    if settings.components.is_empty() {
        return Some("settings.components is empty".to_owned());
    }
    if let Some(fault) = metrics_fault(&settings.metrics) {
        return Some(fault);
    }
    if let Some(part) = parts.iter().position(|&facts| facts == 0) {
        return Some(format!("parts[{part}] holds no fact"));
    }
    let total = parts.iter().try_fold(0usize, |sum, &facts| sum.checked_add(facts));
    total.is_none().then(|| "parts holds more facts than can be counted".to_owned())
}

/// The probability is always measured and is not listed; the others are, once each.
fn metrics_fault(metrics: &[Metric]) -> Option<String> {
    let twice = |&(place, metric): &(usize, &Metric)| metrics[..place].contains(metric);
    let wrong =
        |&(place, metric): &(usize, &Metric)| *metric == Metric::Probability || twice(&(place, metric));
    let (_, metric) = metrics.iter().enumerate().find(wrong)?;
    Some(format!("settings.metrics names {metric}, which is measured already"))
}
