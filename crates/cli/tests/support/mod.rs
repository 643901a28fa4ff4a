//! The real binary, run in a folder of its own, and model folders to break.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests: what is skipped is printed")]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses its part of these helpers"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub const PROMPT: &str = "Vinson Massif is located in the continent of";
pub const SUBJECT: &str = "Vinson Massif";

pub fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family)
}

/// What the program, or a library in it, looks at: colours, the terminal, threads, where models are and come from,
/// where settings are kept.
const ENVIRONMENT: [&str; 40] = [
    "ALL_PROXY",
    "all_proxy",
    "CAUSAL_TRACE_ISA",
    "CAUSAL_TRACE_KNOWN_1000_URL",
    "CAUSAL_TRACE_LOG",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "HF_ENDPOINT",
    "HF_HUB_CACHE",
    "HF_HUB_DOWNLOAD_TIMEOUT",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACE_HUB_CACHE",
    "IGNORE_IS_TERMINAL",
    "LINES",
    "NO_COLOR",
    "RAYON_NUM_THREADS",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_JOB_ID",
    "SSL_CERT_FILE",
    "TERM_PROGRAM",
    "TRANSFORMERS_OFFLINE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
];

/// A command in `folder` that nothing of this machine's settings reaches, and that reaches no network.
pub fn isolated(mut command: Command, folder: &Path) -> Command {
    for variable in ENVIRONMENT {
        command.env_remove(variable);
    }
    // As in a job of a cluster, should these tests be one.
    let slurm = std::env::vars_os().map(|(name, _)| name);
    slurm.filter(|name| name.to_string_lossy().starts_with("SLURM_")).for_each(|name| {
        command.env_remove(name);
    });
    command.current_dir(folder).env("HF_HOME", folder.join("no-cache")).env("CAUSAL_TRACE_CONFIG", "");
    command.env("XDG_CACHE_HOME", folder.join("no-cache")).env("HF_HUB_OFFLINE", "1");
    command
}

/// Runs the program in `folder`, where nothing of this machine's settings reaches it.
pub fn causal_trace(folder: &Path, args: &[&str]) -> Output {
    let command = Command::new(assert_cmd::cargo::cargo_bin!("causal-trace"));
    isolated(command, folder).args(args).output().unwrap()
}

/// The shared folder of the project's own machines, which users do not have; `what` is skipped without it.
pub fn shared(what: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if folder.is_dir() {
        return Some(folder.canonicalize().unwrap());
    }
    println!("skipped: no ../shared beside the repository, with {what}");
    None
}

/// The tables of a results folder: names and bytes.
pub fn tables(results: &Path) -> Vec<(String, Vec<u8>)> {
    let mut tables = Vec::new();
    for kind in ["prompts", "sites"] {
        for entry in std::fs::read_dir(results.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{kind}/{}", path.file_name().unwrap().to_str().unwrap());
            tables.push((name, std::fs::read(&path).unwrap()));
        }
    }
    tables.sort();
    tables
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The program is done without an error.
pub fn succeeds(folder: &Path, args: &[&str]) -> Output {
    let output = causal_trace(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    output
}

/// The program fails with the exit code, in one line or two that contain the words, and prints no result.
pub fn fails(folder: &Path, args: &[&str], code: i32, words: &[&str]) {
    refuses(&causal_trace(folder, args), &args.join(" "), code, words);
}

/// What the program answers to a command line that cannot be followed.
pub fn refuses(output: &Output, line: &str, code: i32, words: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{line}: {message}");
    for word in words {
        assert!(message.contains(word), "{line}: '{word}' is not in: {message}");
    }
    assert!(stdout(output).is_empty(), "{line} printed a result");
    assert!(!message.contains('\u{1b}'), "{line}: escape codes in {message:?}");
    assert!(!message.contains("panicked") && !message.contains("stack backtrace"), "{message}");
    if code == 1 {
        let errors = message.lines().filter(|line| !line.starts_with("note:")).count();
        assert!(errors <= 2, "{errors} lines: {message}");
    }
}

/// A copy of a golden model, to be changed.
pub fn copied_model(folder: &Path, family: &str) -> PathBuf {
    let copy = folder.join(family);
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(golden(family).join("model")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::write(copy.join(path.file_name().unwrap()), std::fs::read(&path).unwrap()).unwrap();
    }
    copy
}

/// A copy of a golden model with some fields of its config changed.
pub fn model_with(folder: &Path, family: &str, changes: &[(&str, Value)]) -> PathBuf {
    let copy = copied_model(folder, family);
    let path = copy.join("config.json");
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (name, value) in changes {
        config[*name] = value.clone();
    }
    std::fs::write(&path, config.to_string()).unwrap();
    copy
}
