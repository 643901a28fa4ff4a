//! What is said where a download fails: what is wrong, and what to do next.

use anyhow::{Error, anyhow};
use indicatif::DecimalBytes;

use super::client::{Failure, Refusal};
use super::known_names::suggestion;
use super::remote::Remote;
use super::{ModelId, Settings};

/// Everything that can be said about the download of a model.
pub(super) struct Problems<'a> {
    pub(super) settings: &'a Settings,
    pub(super) id: &'a ModelId,
}

const SIGN_IN: &str = "set HF_TOKEN, or run `hf auth login`";

impl Problems<'_> {
    /// The list of files was not given.
    pub(super) fn unlisted(&self, failure: &Failure) -> Error {
        match failure {
            Failure::Refused(refusal) => self.refused(refusal, true),
            other => self.unreachable(other),
        }
    }

    /// What is known of a file was not given.
    pub(super) fn undescribed(&self, failure: &Failure) -> Error {
        match failure {
            Failure::Refused(refusal) => self.refused(refusal, false),
            other => self.unreachable(other),
        }
    }

    fn refused(&self, refusal: &Refusal, is_listing: bool) -> Error {
        let Refusal { status, code, message } = refusal;
        let (id, Settings { endpoint, token, .. }) = (self.id, self.settings);
        let has_bad_token =
            *status == 401 && (message.contains("Invalid credentials") || message.contains("expired"));
        match (&**code, status) {
            ("GatedRepo", _) => self.gated(message),
            _ if has_bad_token && token.is_some() => {
                let source = token.as_ref().map_or("", |token| &token.source);
                anyhow!(
                    "{endpoint} does not accept the token in {source}: make a new one at {endpoint}/settings/tokens, or \
                     take this one away"
                )
            }
            ("RevisionNotFound", _) => anyhow!(
                "{} has no revision {}: {endpoint}/{}/tree/main lists its branches and tags",
                id.name(),
                id.revision(),
                id.name()
            ),
            ("EntryNotFound", _) => {
                anyhow!("{endpoint} lists a file of {id} that it does not have: try again later")
            }
            ("RepoNotFound", _) => self.missing(),
            (_, 401 | 403 | 404) if is_listing => self.missing(),
            (_, 401 | 403) => self.gated(message),
            (_, 429) => {
                anyhow!("{endpoint} was asked too often: wait some minutes{}", self.sign_in_for_more())
            }
            (_, 500..) => anyhow!("{endpoint} has a problem of its own (status {status}): try again later"),
            _ => {
                let said = if message.is_empty() { String::new() } else { format!(": {message}") };
                anyhow!(
                    "{endpoint} does not give {id} (status {status}){said}; open {endpoint}/{} to see why",
                    id.name()
                )
            }
        }
    }

    fn gated(&self, message: &str) -> Error {
        let (name, Settings { endpoint, token, .. }) = (self.id.name(), self.settings);
        match token {
            None => anyhow!("{name} is gated: accept its licence at {endpoint}/{name}, then {SIGN_IN}"),
            Some(token) => {
                let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
                anyhow!(
                    "{name} is gated, and the account of the token in {} has no access{said}: ask for it at \
                     {endpoint}/{name}, and see that the token may read gated models",
                    token.source
                )
            }
        }
    }

    fn missing(&self) -> Error {
        let (name, Settings { endpoint, token, .. }) = (self.id.name(), self.settings);
        let meant = suggestion(name).map_or(String::new(), |near| format!(": did you mean {near}?"));
        let private = match token {
            None => format!("for a private model {SIGN_IN}"),
            Some(token) => {
                format!("a private model is shown only to a token that may see it (here: {})", token.source)
            }
        };
        anyhow!("there is no folder {name} here and no model {name} on {endpoint}{meant} ({private})")
    }

    fn unreachable(&self, failure: &Failure) -> Error {
        let (id, Settings { endpoint, .. }) = (self.id, self.settings);
        match failure {
            Failure::Network { reason, .. } => {
                let meant =
                    suggestion(id.name()).map_or(String::new(), |near| format!(" (or is it {near}?)"));
                anyhow!(
                    "{id} is not in the Hugging Face cache{meant}, and {endpoint} cannot be reached: {reason}; check the \
                     network (HTTPS_PROXY, HF_ENDPOINT), or copy a model folder here and give its path; `causal-trace \
                     models` lists what is cached"
                )
            }
            Failure::Strange(what) => anyhow!(
                "{endpoint} does not answer as the hub does: {what}; check HF_ENDPOINT and the network's sign-in page"
            ),
            Failure::Refused(refusal) => self.refused(refusal, false),
        }
    }

    fn sign_in_for_more(&self) -> String {
        if self.settings.token.is_some() {
            String::new()
        } else {
            format!(", or {SIGN_IN} to be allowed more")
        }
    }

    /// A file came in part, and no more of it.
    pub(super) fn broken_off(&self, remote: &Remote, len: u64, failure: &Failure) -> Error {
        let reason = match failure {
            Failure::Network { reason, .. } | Failure::Strange(reason) => reason.clone(),
            Failure::Refused(refusal) => format!("status {}", refusal.status),
        };
        anyhow!(
            "the download of {} of {} broke off after {} of {}: {reason}; the same command goes on from there",
            remote.name,
            self.id,
            DecimalBytes(len),
            DecimalBytes(remote.size)
        )
    }

    /// A file came, twice, but not as the hub says that it is.
    pub(super) fn damaged(&self, remote: &Remote) -> Error {
        anyhow!(
            "{} of {} arrived damaged twice (its checksum is not {}): nothing of it is kept; try again, over another network \
             or without a proxy if it comes back",
            remote.name,
            self.id,
            remote.etag
        )
    }

    pub(super) fn unwritable(&self, remote: &Remote) -> String {
        format!("cannot write {} of {} to the cache; what is there is kept", remote.name, self.id)
    }
}
