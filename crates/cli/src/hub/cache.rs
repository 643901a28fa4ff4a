//! The cache of Hugging Face's tools: a folder for each model, with files under the names of their contents (`blobs`), the
//! files of each state of the model as links to them (`snapshots`), and what branches and tags stand for (`refs`).

use std::io;
use std::path::{Path, PathBuf};

use causal_trace_lm::weights;

use super::ModelId;
use super::needed::{self, CONFIG};

/// The cache's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cache(PathBuf);

/// What the cache has of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Snapshot {
    /// All that is needed.
    Whole(PathBuf),
    /// Some files, but not these.
    Partial(Vec<String>),
    Absent,
}

impl Cache {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Cache(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// What there is of a model's revision.
    pub(crate) fn snapshot(&self, id: &ModelId) -> Snapshot {
        let model = self.model(id);
        // A commit stands for itself.
        let named = std::fs::read_to_string(model.reference(id.revision())).ok();
        let commit = named.as_deref().map_or(id.revision(), str::trim);
        if !is_commit(commit) {
            return Snapshot::Absent;
        }
        let folder = model.snapshot(commit);
        if !folder.is_dir() {
            return Snapshot::Absent;
        }
        let missing = missing(&folder);
        if missing.is_empty() { Snapshot::Whole(folder) } else { Snapshot::Partial(missing) }
    }

    pub(super) fn model(&self, id: &ModelId) -> CachedModel {
        let name = id.folder_name();
        CachedModel {
            folder: self.0.join(&name),
            #[cfg(feature = "hub")]
            locks: self.0.join(".locks").join(&name),
        }
    }

    /// Every state of every model that is there, in the order of their names; a state that nothing stands for any more is
    /// called by its commit.
    pub(crate) fn all(&self) -> io::Result<Vec<(ModelId, PathBuf)>> {
        let mut all = Vec::new();
        for name in names_in(&self.0)? {
            let Some(model) = ModelId::name_of_folder(&name) else { continue };
            let folder = self.0.join(&name);
            let references = references(&folder.join("refs"), "");
            for commit in names_in(&folder.join("snapshots"))? {
                let named = references.iter().filter(|(_, stands_for)| *stands_for == commit);
                let mut revisions: Vec<&str> = named.map(|(name, _)| &**name).collect();
                if revisions.is_empty() {
                    revisions.push(&commit);
                }
                for revision in revisions {
                    // Other tools may keep what cannot be asked for here.
                    if let Ok(id) = ModelId::new(&model, Some(revision)) {
                        all.push((id, folder.join("snapshots").join(&commit)));
                    }
                }
            }
        }
        Ok(all)
    }
}

/// A model's folder in the cache.
#[derive(Debug, Clone)]
pub(super) struct CachedModel {
    folder: PathBuf,
    #[cfg(feature = "hub")]
    locks: PathBuf,
}

impl CachedModel {
    pub(super) fn reference(&self, revision: &str) -> PathBuf {
        self.folder.join("refs").join(revision)
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    #[cfg(feature = "hub")]
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    /// Where Hugging Face's own tools lock the same file.
    #[cfg(feature = "hub")]
    pub(super) fn lock(&self, etag: &str) -> PathBuf {
        self.locks.join(format!("{etag}.lock"))
    }

    /// Has a branch or tag stand for a commit.
    #[cfg(feature = "hub")]
    pub(super) fn refer(&self, revision: &str, commit: &str) -> io::Result<()> {
        if revision == commit {
            return Ok(());
        }
        let path = self.reference(revision);
        if std::fs::read_to_string(&path).is_ok_and(|there| there.trim() == commit) {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent)?;
        // Whole or not at all: others may be reading it.
        let pending = parent.join(format!(".causal-trace-{}", std::process::id()));
        std::fs::write(&pending, commit)?;
        std::fs::rename(&pending, &path)
    }

    /// Gives a blob its name in a snapshot.
    #[cfg(feature = "hub")]
    pub(super) fn link(&self, etag: &str, commit: &str, name: &str) -> io::Result<()> {
        let pointer = self.snapshot(commit).join(name);
        if pointer.is_file() {
            return Ok(());
        }
        let parent = pointer.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent)?;
        // One level up for the commit's folder, one for `snapshots`, one for each folder in the name.
        let up = "../".repeat(2 + name.matches('/').count());
        // Exchanged at once: another process may be reading through the link that is there.
        let pending = parent.join(format!(".causal-trace-{}", std::process::id()));
        match symlink(Path::new(&format!("{up}blobs/{etag}")), &pending) {
            Ok(()) => std::fs::rename(&pending, &pointer),
            // Where there are no links, the file itself moves there, as with Hugging Face's tools.
            Err(_) => std::fs::rename(self.blob(etag), &pointer),
        }
    }
}

#[cfg(all(unix, feature = "hub"))]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(all(not(unix), feature = "hub"))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The needed files that a snapshot lacks.
pub(crate) fn missing(folder: &Path) -> Vec<String> {
    let has = |name: &str| folder.join(name).is_file();
    let mut missing = Vec::new();
    if !has(CONFIG) {
        missing.push(CONFIG.to_owned());
    }
    missing.extend(needed::missing_tokenizer(has).map(str::to_owned));
    match weights::files(folder) {
        Ok(files) => {
            let absent = files.iter().filter(|file| !file.is_file());
            let name = |file: &PathBuf| file.strip_prefix(folder).unwrap_or(file).display().to_string();
            missing.extend(absent.map(name));
        }
        Err(_) => missing.push("weights".to_owned()),
    }
    missing
}

/// Whether a text is the full name of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Branches and tags with the commits that they stand for.
fn references(folder: &Path, before: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in names_in(folder).unwrap_or_default() {
        let (path, name) = (folder.join(&name), format!("{before}{name}"));
        if path.is_dir() {
            found.extend(references(&path, &format!("{name}/")));
        } else if let Ok(commit) = std::fs::read_to_string(&path) {
            found.push((name, commit.trim().to_owned()));
        }
    }
    found
}

/// Sorted; of a folder that is not there, none.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn the_cache_is_read_as_hugging_face_lays_it_out() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let id = ModelId::new("org/name", None).unwrap();
        assert_eq!(cache.snapshot(&id), Snapshot::Absent);
        assert_eq!(cache.all().unwrap(), []);
        let model = folder.path().join("models--org--name");
        let snapshot = model.join("snapshots").join(COMMIT);
        std::fs::create_dir_all(model.join("refs/pr")).unwrap();
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::write(model.join("refs/main"), format!("{COMMIT}\n")).unwrap();
        std::fs::write(snapshot.join("config.json"), "{}").unwrap();
        std::fs::write(snapshot.join("tokenizer.json"), "{}").unwrap();
        std::fs::write(
            snapshot.join("model.safetensors.index.json"),
            r#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#,
        )
        .unwrap();
        std::fs::write(snapshot.join("one.safetensors"), "").unwrap();
        assert_eq!(cache.snapshot(&id), Snapshot::Partial(vec!["two.safetensors".to_owned()]));
        std::fs::write(snapshot.join("two.safetensors"), "").unwrap();
        assert_eq!(cache.snapshot(&id), Snapshot::Whole(snapshot.clone()));
        let by_commit = ModelId::new("org/name", Some(COMMIT)).unwrap();
        assert_eq!(cache.snapshot(&by_commit), Snapshot::Whole(snapshot.clone()));
        assert_eq!(cache.all().unwrap(), [(id, snapshot.clone())]);
        std::fs::write(model.join("refs/pr/1"), COMMIT).unwrap();
        let revisions: Vec<String> = cache.all().unwrap().iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(revisions, ["org/name", "org/name@pr/1"]);
        std::fs::remove_dir_all(model.join("refs")).unwrap();
        assert_eq!(cache.all().unwrap(), [(by_commit, snapshot)]);
    }
}
