//! A model from the hub into the cache: only the files that are needed.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use causal_trace_lm::Architecture;
use causal_trace_lm::weights::shards_of;
use indicatif::{DecimalBytes, HumanDuration};

use super::cache::CachedModel;
use super::download::Download;
use super::needed::{self, CONFIG};
use super::problem::Problems;
use super::remote::{self, Listing, Remote};
use super::transfer::Transfer;
use super::{Cache, Client, ModelId, Settings};
use crate::printer::Printer;

/// Downloads what the cache lacks of a model; gives the folder with its files.
pub(super) fn fetch(settings: &Settings, cache: &Cache, id: &ModelId, printer: &Printer) -> Result<PathBuf> {
    let (client, model) = (Client::new(settings)?, cache.model(id));
    let problems = Problems { settings, id };
    printer.note(&format!("asking {} for {id}", settings.endpoint));
    let listing =
        remote::listing(&client, &settings.endpoint, id).map_err(|failure| problems.unlisted(&failure))?;
    let download = Download { client: &client, model: &model, commit: &listing.commit, problems: &problems };
    let fetch = Fetch { settings, cache, id, download, model: &model, listing: &listing, printer };
    let weights = fetch.weights()?;
    let folder = model.snapshot(&listing.commit);
    // Before gigabytes are downloaded: what the model is.
    fetch.small(CONFIG)?;
    model.refer(id.revision(), &listing.commit).context("cannot write to the Hugging Face cache")?;
    Architecture::of_folder(&folder).with_context(|| format!("{id} cannot be traced"))?;
    let mut names: Vec<String> = needed::tokenizer(|name| fetch.has(name)).map(str::to_owned).collect();
    if weights.ends_with(".json") {
        fetch.small(weights)?;
        let index =
            std::fs::read(folder.join(weights)).with_context(|| format!("cannot read {weights} of {id}"))?;
        let shards =
            shards_of(&index).map_err(|reason| anyhow!("{weights} of {id} cannot be used: {reason}"))?;
        names.extend(shards);
    } else {
        names.push(weights.to_owned());
    }
    fetch.all(names)?;
    Ok(folder)
}

struct Fetch<'a> {
    settings: &'a Settings,
    cache: &'a Cache,
    id: &'a ModelId,
    download: Download<'a>,
    model: &'a CachedModel,
    listing: &'a Listing,
    printer: &'a Printer,
}

impl<'a> Fetch<'a> {
    fn has(&self, name: &str) -> bool {
        self.listing.names.iter().any(|there| there == name)
    }

    /// The weights' file or index; looks whether all else is there too.
    fn weights(&self) -> Result<&'a str> {
        let (id, endpoint) = (self.id, &self.settings.endpoint);
        let names: Vec<&str> = self.listing.names.iter().map(String::as_str).collect();
        let is_gguf = names.iter().any(|name| name.ends_with(".gguf"));
        let advice = if is_gguf {
            "it has GGUF files, which are not read: take the model that they were made from".to_owned()
        } else {
            format!("see {endpoint}/{} for what it is", id.name())
        };
        if !self.has(CONFIG) {
            bail!("{id} has no {CONFIG}, so that it is not a model for transformers; {advice}");
        }
        let Some(weights) = needed::weights(&names) else {
            bail!("{id} has neither safetensors nor pytorch_model.bin; {advice}");
        };
        if needed::missing_tokenizer(|name| self.has(name)).is_some() {
            bail!(
                "{id} has neither tokenizer.json nor vocab.json and merges.txt: save both with transformers \
                 (AutoTokenizer and AutoModelForCausalLM.from_pretrained(\"{0}\").save_pretrained(\"{1}\")) and give the \
                 folder {1}",
                id.name(),
                id.name().rsplit('/').next().unwrap_or_default()
            );
        }
        Ok(weights)
    }

    fn is_there(&self, name: &str) -> bool {
        self.model.snapshot(&self.listing.commit).join(name).is_file()
    }

    fn describe(&self, name: &str) -> Result<Remote> {
        let Fetch { settings, id, download, listing, .. } = self;
        remote::describe(download.client, &settings.endpoint, id, &listing.commit, name)
            .map_err(|failure| download.problems.undescribed(&failure))
    }

    /// A file that is needed before the others.
    fn small(&self, name: &str) -> Result<()> {
        if self.is_there(name) {
            return Ok(());
        }
        let remote = self.describe(name)?;
        self.download.get(&remote, &mut Transfer::silent(self.printer, remote.size))
    }

    fn all(&self, names: Vec<String>) -> Result<()> {
        let missing = names.iter().filter(|name| !self.is_there(name));
        let files = missing.map(|name| self.describe(name)).collect::<Result<Vec<Remote>>>()?;
        let total = files.iter().map(|file| file.size).sum();
        self.check_disk(&files, total)?;
        let (n, place) = (files.len(), self.cache.folder().display());
        self.printer.note(&format!(
            "downloading {}: {n} file{}, {}, to {place}",
            self.id,
            if n == 1 { "" } else { "s" },
            DecimalBytes(total)
        ));
        let mut transfer = Transfer::new(self.printer, total);
        files.iter().try_for_each(|file| self.download.get(file, &mut transfer))?;
        let (received, time) = transfer.received();
        drop(transfer);
        let seconds = time.as_secs_f64();
        let time = if seconds < 60.0 { format!("{seconds:.1} s") } else { HumanDuration(time).to_string() };
        self.printer.note(&format!("downloaded {} in {time}", DecimalBytes(received)));
        Ok(())
    }

    /// Before anything is downloaded, so that nobody waits an hour to learn that the disk is full.
    fn check_disk(&self, files: &[Remote], total: u64) -> Result<()> {
        let folder = self.cache.folder();
        let Ok(free) = fs4::available_space(folder) else { return Ok(()) };
        let there: u64 = files.iter().map(|file| self.download.there(file)).sum();
        let needed = total - there.min(total);
        if needed <= free {
            return Ok(());
        }
        bail!(
            "{} takes {} more on the disk of {}, which has {} left: free some of it, or set HF_HUB_CACHE to a folder on a \
             larger one",
            self.id,
            DecimalBytes(needed),
            folder.display(),
            DecimalBytes(free)
        )
    }
}
