//! What a model of the hub is called.

use std::fmt;

use anyhow::{Result, bail};

use crate::usage::Usage;

/// The branch that is taken where none is named.
const USUAL_REVISION: &str = "main";
/// What the hub allows for each part of a name.
const LONGEST_PART: usize = 96;

/// A model's name on the hub, as in `EleutherAI/gpt-j-6b`, and the state of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelId {
    name: String,
    /// A branch, a tag or a commit.
    revision: String,
}

impl ModelId {
    /// Checks the form of both.
    ///
    /// # Errors
    /// When no model of the hub can be called so, or no revision.
    pub(crate) fn new(name: &str, revision: Option<&str>) -> Result<Self> {
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 2 || !parts.iter().all(|part| is_part(part)) || name.contains("--") {
            bail!(
                "{name} is neither demo, demo-j, a folder that is there, nor the name of a model on the Hugging Face hub, \
                 as gpt2 or EleutherAI/gpt-j-6b"
            );
        }
        let revision = revision.unwrap_or(USUAL_REVISION);
        if !is_revision(revision) {
            let problem = format!("--revision '{revision}' is not a branch, a tag or a commit, as in main");
            return Err(Usage(problem).into());
        }
        Ok(ModelId { name: name.to_owned(), revision: revision.to_owned() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn revision(&self) -> &str {
        &self.revision
    }

    /// The option for a command line, with a space before it; nothing for the usual revision.
    pub(super) fn revision_option(&self) -> String {
        if self.revision == USUAL_REVISION { String::new() } else { format!(" --revision {}", self.revision) }
    }

    /// Its folder's name in the cache.
    pub(super) fn folder_name(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('/', "--"))
    }

    /// The name of the model whose folder in the cache is called so.
    pub(super) fn name_of_folder(folder: &str) -> Option<String> {
        folder.strip_prefix(PREFIX).map(|name| name.replace("--", "/"))
    }
}

/// What the cache's folders of models begin with.
const PREFIX: &str = "models--";

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.revision == USUAL_REVISION { Ok(()) } else { write!(f, "@{}", self.revision) }
    }
}

fn is_part(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=LONGEST_PART).contains(&part.len())
        && part.chars().all(allowed)
        && !part.contains("..")
        && !part.starts_with(['-', '.'])
        && !part.ends_with(['-', '.'])
}

/// It becomes a path in the cache, which it must not leave.
fn is_revision(revision: &str) -> bool {
    let forbidden =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\\' | ':' | '?' | '*' | '"');
    revision.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(".."))
        && !revision.contains(forbidden)
        && !revision.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_revisions_are_checked() {
        let id = ModelId::new("EleutherAI/pythia-70m", Some("refs/pr/1")).unwrap();
        assert_eq!(id.to_string(), "EleutherAI/pythia-70m@refs/pr/1");
        assert_eq!(id.folder_name(), "models--EleutherAI--pythia-70m");
        assert_eq!(ModelId::name_of_folder(&id.folder_name()).as_deref(), Some("EleutherAI/pythia-70m"));
        assert_eq!(ModelId::new("gpt2", None).unwrap().to_string(), "gpt2");
        for wrong in ["", "a/b/c", "./a", "../a", "/a", "~/a", "a b", "a/", "a--b", "a/..", "C:\\a", "é"] {
            assert!(ModelId::new(wrong, None).is_err(), "{wrong} was accepted");
        }
        for wrong in ["", "..", "a/../b", "/etc", "a b", "-x", "a\0", ".git"] {
            assert!(ModelId::new("gpt2", Some(wrong)).is_err(), "{wrong} was accepted");
        }
    }
}
