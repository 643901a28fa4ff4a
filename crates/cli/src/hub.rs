//! Models of the Hugging Face hub by name: from the cache that all of Hugging Face's tools share, and, with the feature
//! `hub`, from the hub itself.
//!
//! A model that is in the cache whole is used without the network. Decision 0019 says why this is not the crate `hf-hub`.

mod cache;
mod id;
#[cfg_attr(not(feature = "hub"), expect(dead_code, reason = "nothing is chosen for a download"))]
mod needed;
#[cfg_attr(all(not(feature = "hub"), not(test)), expect(dead_code, reason = "nobody is asked"))]
mod settings;

#[cfg(feature = "hub")]
mod address;
#[cfg(feature = "hub")]
mod certificates;
#[cfg(feature = "hub")]
mod checksum;
#[cfg(feature = "hub")]
mod client;
#[cfg(feature = "hub")]
mod download;
#[cfg(feature = "hub")]
mod fetch;
#[cfg(feature = "hub")]
mod known_names;
#[cfg(feature = "hub")]
mod lock;
#[cfg(feature = "hub")]
mod part;
#[cfg(feature = "hub")]
mod problem;
#[cfg(feature = "hub")]
mod remote;
#[cfg(feature = "hub")]
mod transfer;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub(crate) use cache::{Cache, Snapshot, missing};
#[cfg(feature = "hub")]
pub(crate) use client::{Client, Failure};
pub(crate) use id::ModelId;
pub(crate) use settings::Settings;

use crate::printer::Printer;

/// The folder with a model's files: the cached one, or one that is downloaded now.
pub(crate) fn folder(id: &ModelId, printer: &Printer) -> Result<PathBuf> {
    let settings = Settings::from_environment();
    let cache = settings.cache.as_ref().context(
        "there is no home folder for the Hugging Face cache: set HF_HOME to a folder for it, or give a model folder",
    )?;
    let missing = match cache.snapshot(id) {
        Snapshot::Whole(folder) => return Ok(folder),
        Snapshot::Partial(missing) => {
            format!("is in the Hugging Face cache without its {}", missing.join(", "))
        }
        Snapshot::Absent => "is not in the Hugging Face cache".to_owned(),
    };
    let place = cache.folder().display();
    if settings.offline {
        bail!(
            "{id} {missing} ({place}), and HF_HUB_OFFLINE forbids to download it: unset it, or run `hf download {}{}` \
             where there is a network and copy that cache here; `causal-trace models` lists what is cached",
            id.name(),
            id.revision_option()
        );
    }
    download(&settings, cache, id, &missing, printer)
}

#[cfg(feature = "hub")]
fn download(
    settings: &Settings,
    cache: &Cache,
    id: &ModelId,
    _missing: &str,
    printer: &Printer,
) -> Result<PathBuf> {
    fetch::fetch(settings, cache, id, printer)
}

#[cfg(not(feature = "hub"))]
fn download(_: &Settings, cache: &Cache, id: &ModelId, missing: &str, _: &Printer) -> Result<PathBuf> {
    let revision = id.revision_option();
    bail!(
        "{id} {missing} ({}), and this program was built without the feature hub: download it with `hf download \
         {}{revision}`, or build with the feature",
        cache.folder().display(),
        id.name()
    )
}
