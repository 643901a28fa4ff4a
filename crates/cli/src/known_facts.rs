//! Fact files by name: ROME's, downloaded once.

use std::path::{Path, PathBuf};

#[cfg(feature = "hub")]
use anyhow::Context;
use anyhow::{Result, anyhow, bail};
use causal_trace_lm::sha256;

use crate::hub::Settings;
use crate::printer::Printer;

/// What `--facts` calls it.
pub(crate) const NAME: &str = "known_1000";
const FILE: &str = "known_1000.json";
/// Where its authors publish it.
const ADDRESS: &str = "https://rome.baulab.info/data/dsets/known_1000.json";
/// Another address for it: a mirror, or a server of the tests.
const OTHER_ADDRESS: &str = "CAUSAL_TRACE_KNOWN_1000_URL";
const SHA256: &str = "61daca55318bb5260c1e62e133debef9102c7b278bbc7b19dd2ac655543f333a";

/// Whether a fact file is meant by its name: not if there is a file that is called so.
pub(crate) fn is_meant(given: &Path) -> bool {
    given == Path::new(NAME) && !given.exists()
}

/// The file, which is downloaded unless it is there.
pub(crate) fn located(printer: &Printer) -> Result<PathBuf> {
    let settings = Settings::from_environment();
    let Some(place) = place() else {
        bail!(
            "there is no home folder for {FILE}: set XDG_CACHE_HOME, or download {} and give its path",
            address()
        );
    };
    match std::fs::read(&place) {
        Ok(bytes) if sha256(&bytes) == SHA256 => return Ok(place),
        Ok(_) => bail!(
            "{} is not ROME's file (its SHA-256 is not {SHA256}): delete it to have it downloaded again, or give the path \
             of the file that is meant",
            place.display()
        ),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot read {}: {error}", place.display())
        }
        Err(_) => {}
    }
    if settings.offline {
        return Err(by_hand("HF_HUB_OFFLINE forbids to download it", &place));
    }
    download(&settings, &place, printer)?;
    Ok(place)
}

#[cfg(feature = "hub")]
fn download(settings: &Settings, place: &Path, printer: &Printer) -> Result<()> {
    use crate::hub::{Client, Failure};

    let address = address();
    printer.note(&format!("downloading {address}"));
    let bytes = Client::new(settings)?.bytes(&address).map_err(|failure| {
        let reason = match failure {
            Failure::Refused(refusal) => format!("its server does not give it (status {})", refusal.status),
            Failure::Network { reason, .. } | Failure::Strange(reason) => {
                format!("its server cannot be reached ({reason})")
            }
        };
        by_hand(&reason, place)
    })?;
    let found = sha256(&bytes);
    if found != SHA256 {
        bail!(
            "what {address} gave is not ROME's file: {} bytes with SHA-256 {found} instead of {SHA256}; try again, or look at \
             it and give its path if it is what you want",
            bytes.len()
        );
    }
    let folder = place.parent().unwrap_or(place);
    let unwritable = || format!("cannot write {}", place.display());
    std::fs::create_dir_all(folder).with_context(unwritable)?;
    // Whole or not at all, whoever else is doing the same.
    let pending = folder.join(format!(".{FILE}-{}", std::process::id()));
    std::fs::write(&pending, bytes).with_context(unwritable)?;
    std::fs::rename(&pending, place).with_context(unwritable)
}

#[cfg(not(feature = "hub"))]
fn download(_: &Settings, place: &Path, _: &Printer) -> Result<()> {
    Err(by_hand("this program was built without downloads (the feature hub)", place))
}

fn by_hand(reason: &str, place: &Path) -> anyhow::Error {
    let place = place.display();
    anyhow!("{NAME}: {reason}: get {} in another way and put it at {place}, or give its path", address())
}

fn address() -> String {
    std::env::var(OTHER_ADDRESS)
        .ok()
        .filter(|address| !address.is_empty())
        .unwrap_or_else(|| ADDRESS.to_owned())
}

/// `$XDG_CACHE_HOME/causal-trace/known_1000.json`, or below `~/.cache`.
fn place() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
    Some(cache.join("causal-trace").join(FILE))
}
