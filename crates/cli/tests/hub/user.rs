//! Someone with a cache of their own who asks for models.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::server::{COMMIT, Server};
use crate::support::{PROMPT, isolated, stderr, stdout};

pub(crate) struct User {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl User {
    pub(crate) fn of(server: &Server) -> Self {
        let user = User { folder: tempfile::tempdir().unwrap(), variables: Vec::new() };
        user.with("HF_ENDPOINT", &server.address())
            .with("HF_HUB_OFFLINE", "0")
            .with("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The cache's folder of a model.
    pub(crate) fn cached(&self, name: &str) -> PathBuf {
        self.folder().join("no-cache/hub").join(format!("models--{}", name.replace('/', "--")))
    }

    pub(crate) fn snapshot(&self, name: &str) -> PathBuf {
        self.cached(name).join("snapshots").join(COMMIT)
    }

    /// Whether anything is left of an unfinished download.
    pub(crate) fn parts(&self, name: &str) -> Vec<PathBuf> {
        let blobs = std::fs::read_dir(self.cached(name).join("blobs")).into_iter().flatten();
        let paths = blobs.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command =
            isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), self.folder.path());
        command.args(args).envs(self.variables.iter().cloned());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The model's predictions, which are those of the golden model.
    pub(crate) fn predicts(&self, model: &[&str]) -> Output {
        let output = self.run(&[&["tokens", "--prompt", PROMPT, "--json", "--model"], model].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    }

    /// What an error says, in one line.
    pub(crate) fn fails(&self, model: &[&str], words: &[&str]) -> String {
        let output = self.run(&[&["tokens", "--prompt", PROMPT, "--model"], model].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(stdout(&output).is_empty());
        let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
        let [error] = errors[..] else { panic!("{said}") };
        assert_eq!(said.lines().last(), Some(error), "{said}");
        for word in words {
            assert!(error.contains(word), "'{word}' is not in: {error}");
        }
        error.to_owned()
    }
}

/// The predictions in an output, without what the model is called.
pub(crate) fn predictions(output: &Output) -> serde_json::Value {
    let json: serde_json::Value = serde_json::from_str(&stdout(output)).unwrap();
    assert!(json["predictions"][0]["probability"].as_f64().unwrap() > 0.0);
    json["predictions"].clone()
}
