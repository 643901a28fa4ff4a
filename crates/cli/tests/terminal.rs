//! Colours, logs and readers that go away.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::{fails, isolated, stderr, stdout, succeeds};
use tempfile::tempdir;

fn program(folder: &Path) -> Command {
    isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder)
}

#[test]
fn no_color_wins_where_colours_are_forced() {
    let folder = tempdir().unwrap();
    let coloured = |variables: &[(&str, &str)]| {
        let output = program(folder.path()).envs(variables.iter().copied()).output().unwrap();
        stdout(&output).contains('\u{1b}')
    };
    assert!(coloured(&[("FORCE_COLOR", "3")]));
    assert!(!coloured(&[("FORCE_COLOR", "3"), ("NO_COLOR", "1")]));
    assert!(!coloured(&[]));
}

/// In a terminal, which `script` plays.
#[test]
fn a_terminal_shows_colours_unless_it_is_told_not_to() {
    let program = assert_cmd::cargo::cargo_bin!("causal-trace");
    let folder = tempdir().unwrap();
    let shown = |command: &str, variables: &[(&str, &str)]| {
        let mut script = isolated(Command::new("script"), folder.path());
        script.args(["-qec", &format!("'{}' {command}", program.display()), "/dev/null"]);
        script.env("TERM", "xterm-256color").envs(variables.iter().copied()).stdin(Stdio::null());
        script.output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if shown("--version", &[]).is_none_or(|text| !text.contains("causal-trace")) {
        println!("skipped: no `script` of util-linux to play a terminal; colours in one are not tried");
        return;
    }
    let escape = "\u{1b}[";
    for (command, colours) in
        [("trace --quiet", "\u{1b}[48;5;"), ("--help", escape), ("trace --samples 0", escape)]
    {
        assert!(shown(command, &[]).unwrap().contains(colours), "{command}");
        for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let text = shown(command, &[variable]).unwrap();
            assert!(!text.contains(escape), "{command} with {variable:?}: {text:?}");
        }
    }
    // The bar has no colours; a terminal that can only append gets none.
    assert!(shown("sweep --limit 8 --out bar", &[]).unwrap().contains('\r'));
    assert!(!shown("sweep --limit 8 --out dumb", &[("TERM", "dumb")]).unwrap().contains(escape));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "6", "--samples", "2", "--out", "results"]);
    for args in [
        &["summary", "results"][..],
        &["summary", "results", "--json"],
        &["check", "results"],
        &["trace"],
        &["trace", "--json"],
        &["--help"],
        &["man"],
        &["completions", "zsh"],
        &["reproduce", "--print", "rome-averages"],
    ] {
        for lines in [0, 1] {
            let mut child = program(folder.path())
                .args(args)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // As `head` does: some lines, then gone.
            let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
            for _ in 0..lines {
                reader.read_line(&mut String::new()).unwrap();
            }
            drop(reader);
            let output = child.wait_with_output().unwrap();
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(0), "{args:?}: {message}");
            assert!(!message.contains("error") && !message.contains("panicked"), "{args:?}: {message}");
        }
    }
}

/// `status --watch results | head -1` has nobody to watch for.
#[test]
fn watching_ends_with_its_reader() {
    let folder = tempdir().unwrap();
    succeeds(
        folder.path(),
        &["sweep", "--limit", "40", "--samples", "1", "--shard", "0/8", "--out", "results"],
    );
    let mut child = program(folder.path())
        .args(["status", "results", "--watch", "0.5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn the_log_tells_what_is_done_and_changes_nothing() {
    let folder = tempdir().unwrap();
    let sweep = |options: &[&str], out: &str| {
        succeeds(
            folder.path(),
            &[options, &["sweep", "--limit", "8", "--samples", "2", "--out", out]].concat(),
        )
    };
    let (plain, logged) = (sweep(&[], "plain"), sweep(&["--log", "debug"], "logged"));
    assert_eq!(stdout(&plain).replace("plain", "logged"), stdout(&logged));
    assert_eq!(support::tables(&folder.path().join("plain")), support::tables(&folder.path().join("logged")));
    let log = stderr(&logged);
    for event in ["begun", "memory shared", "sweep begun", "parts claimed", "planned", "part saved", "ended"]
    {
        assert!(log.contains(event), "'{event}' is not in:\n{log}");
    }
    let output =
        program(folder.path()).env("CAUSAL_TRACE_LOG", "causal_trace_engine=debug").output().unwrap();
    let log = stderr(&output);
    assert!(log.contains("wavefront planned") && !log.contains("memory shared"), "{log}");
    fails(folder.path(), &["--log", "debgu"], 2, &["debgu", "debug", "causal_trace=debug"]);
    let output = program(folder.path()).env("CAUSAL_TRACE_LOG", "loud").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("CAUSAL_TRACE_LOG is 'loud': expected error"), "{}", stderr(&output));
}

#[test]
fn the_log_names_the_model_that_is_opened() {
    let folder = tempdir().unwrap();
    let model = support::golden("gpt2").join("model");
    let args = ["--log", "info", "tokens", "--model", model.to_str().unwrap(), "--prompt", "a"];
    let log = stderr(&succeeds(folder.path(), &args));
    assert!(log.contains("model opened") && log.contains("model_type=\"gpt2\""), "{log}");
}
