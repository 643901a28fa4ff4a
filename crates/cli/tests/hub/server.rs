//! A server that answers as the hub does: a list of files, their properties as headers, small files from itself and large ones
//! from another host to which it refers.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::repository::{Repository, etag, is_large};
use crate::wire::{self, Answer, Fault, Seen};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "hf_the_right_one";

/// Who gets a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    All,
    /// Those whose account has accepted the licence.
    Gated,
    /// Nobody else knows that it is there.
    Private,
}

#[derive(Default)]
struct State {
    /// By model and commit.
    models: BTreeMap<(String, String), (Repository, Access)>,
    /// Commits by model and branch.
    branches: BTreeMap<(String, String), String>,
    /// Other names of models.
    moved: BTreeMap<String, String>,
    /// Faults of paths that end so, each for so many requests.
    faults: Vec<(String, Fault, usize)>,
    /// Lengths that are not those of the files.
    claimed: BTreeMap<String, u64>,
    seen: Vec<Seen>,
}

pub(crate) struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A client may go away at any time.
                std::thread::spawn(move || answer(stream, port, &state).ok());
            }
        });
        Server { port, state }
    }

    /// With one model.
    pub(crate) fn of(name: &str, repository: Repository) -> Self {
        let server = Server::start();
        server.add(name, "main", COMMIT, repository, Access::All);
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn add(&self, name: &str, branch: &str, commit: &str, repository: Repository, access: Access) {
        let mut state = self.state.lock().unwrap();
        state.models.insert((name.to_owned(), commit.to_owned()), (repository, access));
        state.branches.insert((name.to_owned(), branch.to_owned()), commit.to_owned());
    }

    pub(crate) fn rename(&self, old: &str, new: &str) {
        self.state.lock().unwrap().moved.insert(old.to_owned(), new.to_owned());
    }

    /// Has the bytes of a file, or of all files whose names end so, come with a fault so many times.
    pub(crate) fn fail(&self, name: &str, fault: Fault, times: usize) {
        self.state.lock().unwrap().faults.push((name.to_owned(), fault, times));
    }

    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    pub(crate) fn claim(&self, name: &str, len: u64) {
        self.state.lock().unwrap().claimed.insert(name.to_owned(), len);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Requests for the bytes of files whose names end so.
    pub(crate) fn downloads(&self, name: &str) -> Vec<Seen> {
        let asked = |seen: &Seen| {
            seen.method == "GET" && seen.path.ends_with(name) && !seen.path.starts_with("/api/models")
        };
        // A reference to another place is not a download.
        let is_final = |seen: &Seen| seen.path.starts_with("/cdn/") || !is_large(&seen.path);
        self.seen().into_iter().filter(|seen| asked(seen) && is_final(seen)).collect()
    }

    pub(crate) fn forget(&self) {
        self.state.lock().unwrap().seen.clear();
    }
}

fn answer(mut stream: TcpStream, port: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let seen = wire::read(&stream)?;
    let (answer, fault) = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        let answer = state.answer(&seen, port);
        // What goes wrong are files, not references to them.
        let is_file = seen.method == "GET" && answer.status == 200;
        let fault = if is_file { state.take_fault(&seen.path) } else { None };
        (answer, fault)
    };
    wire::write(&mut stream, &seen, answer, fault)
}

impl State {
    fn take_fault(&mut self, path: &str) -> Option<Fault> {
        let found = self.faults.iter_mut().find(|(name, _, left)| path.ends_with(&**name) && *left > 0);
        found.map(|(_, fault, left)| {
            *left -= 1;
            *fault
        })
    }

    fn answer(&self, seen: &Seen, port: u16) -> Answer {
        if let Some(path) = seen.path.strip_prefix("/api/models/") {
            return self.list(path, seen);
        }
        if let Some(path) = seen.path.strip_prefix("/cdn/") {
            return self.bytes(path);
        }
        if let Some(path) = seen.path.strip_prefix("/api/resolve-cache/models/") {
            let parts: Vec<&str> = path.splitn(4, '/').collect();
            return match parts[..] {
                [owner, name, commit, file] => self.small(&format!("{owner}/{name}"), commit, file),
                _ => Answer::new(404),
            };
        }
        match seen.path.trim_start_matches('/').split_once("/resolve/") {
            Some((model, path)) => match path.split_once('/') {
                Some((commit, file)) => self.resolve(model, commit, file, seen, port),
                None => Answer::new(404),
            },
            None => Answer::new(404),
        }
    }

    fn list(&self, path: &str, seen: &Seen) -> Answer {
        let Some((model, revision)) = path.split_once("/revision/") else { return Answer::new(404) };
        if let Some(new) = self.moved.get(model) {
            return Answer::new(307).with("Location", format!("/api/models/{new}/revision/{revision}"));
        }
        let is_known = self.models.iter().any(|((name, _), (_, access))| {
            name == model && (*access != Access::Private || is_allowed(seen))
        });
        if let Some(refusal) = wrong_token(seen) {
            return refusal;
        }
        if !is_known {
            // The hub does not tell strangers whether a model is private or not there.
            return match &seen.authorization {
                None => Answer::error(401, "", "Invalid username or password."),
                Some(_) => Answer::error(404, "RepoNotFound", "Repository not found"),
            };
        }
        let revision = revision.replace("%2F", "/");
        let named = self.branches.get(&(model.to_owned(), revision.clone())).unwrap_or(&revision);
        let Some((repository, _)) = self.models.get(&(model.to_owned(), named.clone())) else {
            return Answer::error(404, "RevisionNotFound", "Invalid rev id");
        };
        let siblings: Vec<_> = repository.files.keys().map(|name| json!({ "rfilename": name })).collect();
        let list = json!({ "id": model, "sha": named, "siblings": siblings });
        Answer { body: list.to_string().into_bytes(), ..Answer::new(200) }
    }

    fn resolve(&self, model: &str, commit: &str, file: &str, seen: &Seen, port: u16) -> Answer {
        if let Some(new) = self.moved.get(model) {
            return Answer::new(307).with("Location", format!("/{new}/resolve/{commit}/{file}"));
        }
        let named = self.branches.get(&(model.to_owned(), commit.replace("%2F", "/")));
        let commit = named.map_or(commit, String::as_str);
        let key = (model.to_owned(), commit.to_owned());
        let Some((repository, access)) = self.models.get(&key) else { return Answer::new(404) };
        if *access == Access::Gated && !is_allowed(seen) {
            return match &seen.authorization {
                None => Answer::error(401, "GatedRepo", "Access to this model is restricted"),
                Some(_) => Answer::error(403, "GatedRepo", "You are not in the authorized list"),
            };
        }
        let Some(bytes) = repository.files.get(file) else {
            return Answer::error(404, "EntryNotFound", "Entry not found");
        };
        if is_large(file) {
            let len = self.claimed.get(file).copied().unwrap_or(bytes.len() as u64);
            let etag = etag(file, bytes);
            // Another host, as far as anybody can tell by its name.
            return Answer::new(302)
                .with("Location", format!("http://localhost:{port}/cdn/{model}/{commit}/{file}"))
                .with("ETag", format!("\"{etag}-reference\""))
                .with("X-Linked-ETag", format!("\"{etag}\""))
                .with("X-Linked-Size", len.to_string())
                .with("X-Repo-Commit", commit)
                .with("Accept-Ranges", "bytes");
        }
        // Some small files come at once, others from a place on the same host.
        if file == "config.json" || !model.contains('/') {
            return self.small(model, commit, file);
        }
        Answer::new(307)
            .with("Location", format!("/api/resolve-cache/models/{model}/{commit}/{file}"))
            .with("X-Repo-Commit", commit)
    }

    fn small(&self, model: &str, commit: &str, file: &str) -> Answer {
        let key = (model.to_owned(), commit.to_owned());
        let Some((repository, _)) = self.models.get(&key) else { return Answer::new(404) };
        let bytes = &repository.files[file];
        Answer { body: bytes.clone(), ..Answer::new(200) }
            .with("ETag", format!("\"{}\"", etag(file, bytes)))
            .with("X-Repo-Commit", commit)
            .with("Accept-Ranges", "bytes")
    }

    fn bytes(&self, path: &str) -> Answer {
        let found = self.models.iter().find_map(|((model, commit), (repository, _))| {
            let file = path.strip_prefix(&format!("{model}/{commit}/"))?;
            repository.files.get(file)
        });
        found.map_or(Answer::new(404), |bytes| {
            Answer { body: bytes.clone(), ..Answer::new(200) }.with("Accept-Ranges", "bytes")
        })
    }
}

fn is_allowed(seen: &Seen) -> bool {
    seen.authorization.as_deref() == Some(&format!("Bearer {TOKEN}"))
}

fn wrong_token(seen: &Seen) -> Option<Answer> {
    let is_wrong = seen.authorization.as_deref() == Some("Bearer hf_wrong");
    is_wrong.then(|| Answer::error(401, "", "Invalid credentials in Authorization header"))
}
