//! Configuration files through the real binary: whose values win, what is said, what is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{isolated, stderr, stdout, succeeds};
use tempfile::{TempDir, tempdir};

/// A folder with a configuration file, and a user who has one.
struct Place {
    folder: TempDir,
    user: TempDir,
}

impl Place {
    fn new(folders: &str, users: &str) -> Self {
        let place = Place { folder: tempdir().unwrap(), user: tempdir().unwrap() };
        if !folders.is_empty() {
            std::fs::write(place.folder.path().join("causal-trace.toml"), folders).unwrap();
        }
        if !users.is_empty() {
            std::fs::create_dir(place.user.path().join("causal-trace")).unwrap();
            std::fs::write(place.user.path().join("causal-trace/config.toml"), users).unwrap();
        }
        place
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command =
            isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), self.folder.path());
        command.env_remove("CAUSAL_TRACE_CONFIG").env("XDG_CONFIG_HOME", self.user.path()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn traced(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["trace", "--json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }

    /// Refuses to trace, in one line with these words.
    fn refuses(&self, words: &[&str]) {
        let output = self.run(&["trace"]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        for word in words {
            assert!(message.contains(word), "'{word}' is not in: {message}");
        }
    }
}

fn corruption(record: &Value, key: &str) -> u64 {
    record["config"]["corruption"][key].as_u64().unwrap()
}

#[test]
fn the_command_line_wins_over_the_folder_and_the_folder_over_the_user() {
    let place = Place::new("samples = 3\n", "samples = 4\nseed = 7\n[trace]\nsamples = 5\n");
    let record = place.traced(&[]);
    assert_eq!((corruption(&record, "samples"), corruption(&record, "seed")), (3, 7));
    assert_eq!(corruption(&place.traced(&["--samples", "2"]), "samples"), 2);
    let users = Place::new("", "samples = 4\n[trace]\nsamples = 5\n");
    assert_eq!(corruption(&users.traced(&[]), "samples"), 5, "a table is for its command");
    for record in [place.traced(&["--no-config"]), Place::new("", "").traced(&[])] {
        assert_eq!((corruption(&record, "samples"), corruption(&record, "seed")), (10, 1));
    }
}

#[test]
fn what_comes_from_a_file_is_said() {
    let place = Place::new("samples = 3\nthreads = 1\nroles = 'rome'\n", "seed = 7\nsamples = 4\n");
    let said = stderr(&place.run(&["trace"]));
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("using causal-trace.toml: samples = 3, threads = 1"));
    let users = place.user.path().join("causal-trace/config.toml");
    assert_eq!(lines.next(), Some(format!("using {}: seed = 7", users.display()).as_str()));
    let said = stderr(&place.run(&["trace", "--samples", "2", "--threads", "1", "--seed", "1"]));
    assert!(!said.contains("using"), "nothing was used: {said}");
    assert_eq!(stderr(&place.run(&["trace", "--quiet"])), "");
    let bare = place.run(&[]);
    assert!(stderr(&bare).contains("samples = 3") && stdout(&bare).contains("3 samples"));
    let help = stdout(&place.run(&["trace", "--help"])).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("[causal-trace.toml: 3]"), "{help}");
    assert!(!stdout(&place.run(&["trace", "--help", "--no-config"])).contains(".toml: 3]"));
}

/// The settings are in the manifest, whoever they come from, so that a changed file cannot change a folder.
#[test]
fn a_changed_file_does_not_change_a_results_folder() {
    let place = Place::new("samples = 2\n", "");
    let sweep = ["sweep", "--limit", "3", "--out", "results", "--quiet"];
    assert_eq!(place.run(&sweep).status.code(), Some(0));
    let written = |samples: &str| {
        std::fs::write(place.folder.path().join("causal-trace.toml"), samples).unwrap();
        place.run(&sweep)
    };
    let other = written("samples = 3\n");
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("samples"), "{}", stderr(&other));
    assert_eq!(written("samples = 2\n").status.code(), Some(0));
    succeeds(place.folder.path(), &[&sweep[..], &["--samples", "2"]].concat());
}

#[test]
fn flags_and_lists() {
    let place = Place::new("component = ['mlp', 'attn']\nno-title = true\n", "");
    let record = place.traced(&[]);
    let components: Vec<&str> = record["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["component"].as_str().unwrap())
        .collect();
    assert_eq!(components, ["mlp", "attn"]);
    let off = Place::new("no-title = false\n", "no-title = true\n");
    assert_eq!(off.run(&["sweep", "--limit", "2", "--samples", "1", "--out", "r"]).status.code(), Some(0));
    let figures = |place: &Place, folder: &Path| {
        let results = folder.join("r");
        let args = ["figures", results.to_str().unwrap(), "--formats", "svg", "--out", "figures"];
        let output = place.run(&args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output).contains("no-title = true")
    };
    assert!(!figures(&off, off.folder.path()), "the folder's false wins over the user's true");
    assert!(figures(&place, off.folder.path()));
}

#[test]
fn a_wrong_file_is_refused_by_name_and_line() {
    for (text, words) in [
        (
            "\nsampels = 3\n",
            &["causal-trace.toml, line 2", "unknown key 'sampels'", "did you mean samples?"][..],
        ),
        ("no_title = true\n", &["line 1", "did you mean no-title?"]),
        ("out = 'x'\n", &["line 1", "unknown key 'out'", "samples"]),
        ("samples = 0\n", &["line 1", "samples = 0", "above 0", "--no-config"]),
        ("samples = [1, 2]\n", &["line 1", "samples takes one value"]),
        ("samples = true\n", &["line 1", "samples", "boolean"]),
        ("# mine\nno-title = 'yes'\n", &["line 2", "no-title takes true or false", "string"]),
        ("preset = 'rome'\n", &["line 1", "unknown key 'preset'"]),
        ("noise-stream = 'romans'\n", &["line 1", "noise-stream = romans", "independent"]),
        ("[sumary]\nroles = 'rome'\n", &["line 1", "unknown table 'sumary'", "did you mean summary?"]),
        ("[tokens]\nsamples = 3\n", &["line 2", "tokens has no option --samples"]),
        ("trace = 3\n", &["line 1", "trace is a command", "[trace]"]),
        ("samples 3\n", &["line 1"]),
        ("seed = 1\nseed = 2\n", &["line 2", "duplicate key"]),
    ] {
        Place::new(text, "").refuses(&[&["error: "], words].concat());
    }
    Place::new("", "sampels = 3\n").refuses(&["config.toml, line 1", "did you mean samples?"]);
    let auto = Place::new("precision = 'auto'\n", "");
    assert_eq!(auto.run(&["trace"]).status.code(), Some(0));
    let tokens = stderr(&auto.run(&["tokens", "--prompt", "Paris is"]));
    assert!(tokens.contains("does not suit tokens") && tokens.contains("as under [trace]"), "{tokens}");
}

#[test]
fn a_wrong_file_keeps_nobody_from_help_and_can_be_left_aside() {
    let place = Place::new("sampels = 3\n", "");
    for args in [&["--help"][..], &["help", "trace"], &["--version"], &["trace", "--no-config"]] {
        assert_eq!(place.run(args).status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn the_variable_names_a_file_or_none() {
    let place = Place::new("samples = 3\n", "seed = 7\n");
    let run = |value: &str| {
        std::fs::write(place.folder.path().join("other.toml"), "\u{feff}samples = 2\r\n").unwrap();
        place.command(&["trace"]).env("CAUSAL_TRACE_CONFIG", value).output().unwrap()
    };
    assert!(stderr(&run("other.toml")).starts_with("using other.toml: samples = 2\n"));
    assert!(!stderr(&run("")).contains("using"));
    let none = run("none.toml");
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("CAUSAL_TRACE_CONFIG") && stderr(&none).contains("none.toml"));
}

/// A default has no say where it would have no meaning; the same as an option is an error.
#[test]
fn a_default_does_not_make_a_command_wrong() {
    let place = Place::new("samples = 3\nnoise = 's2'\nnoise-stream = 'rome'\nseed = 5\n", "");
    let (prompt, other) = ("The capital of France is", "The capital of Italy is");
    let prompts = ["--prompt", prompt, "--subject", "France", "--counterpart", other];
    for (options, used) in [
        (&["--corruption", "shuffle"][..], "noise-stream = rome, samples = 3, seed = 5"),
        (&["--fresh-noise"], "noise = s2, samples = 3, seed = 5"),
        (&prompts, "noise-stream = rome, seed = 5"),
    ] {
        let output = place.run(&[&["trace"], options].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{options:?}: {said}");
        assert_eq!(said.lines().next(), Some(format!("using causal-trace.toml: {used}").as_str()));
        let typed =
            [&["trace", "--noise", "s2", "--noise-stream", "rome", "--samples", "3"], options].concat();
        assert_eq!(place.run(&typed).status.code(), Some(2), "{options:?}");
    }
}
