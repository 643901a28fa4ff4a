//! Completions and manual pages: every command and option is in them.

mod support;

use std::path::Path;
use std::process::Command;

use support::{fails, stdout, succeeds};
use tempfile::tempdir;

/// The commands that the program lists.
fn commands(folder: &Path) -> Vec<String> {
    let help = stdout(&succeeds(folder, &["--help"]));
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let listed = listed.split("\n\n").next().unwrap_or_default();
    let named = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// The long options that a command's help lists.
fn options(folder: &Path, command: &str) -> Vec<String> {
    let help = stdout(&succeeds(folder, &[command, "--help"]));
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let long = lines.filter_map(|line| line.split_once("--").map(|(_, rest)| rest));
    let name = |rest: &str| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default().to_owned()
    };
    long.map(name).filter(|name| name.len() > 1).collect()
}

#[test]
fn completions_know_every_command_and_option() {
    let folder = tempdir().unwrap();
    let commands = commands(folder.path());
    assert!(commands.len() > 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&succeeds(folder.path(), &["completions", shell]));
        for command in commands.iter().filter(|command| *command != "help") {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
        for option in ["residual-window", "max-size", "claim-expiry", "no-config"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
        if ["bash", "zsh"].contains(&shell) {
            assert!(script.contains("powershell"), "{shell}: the values of an argument");
        }
    }
    fails(folder.path(), &["completions", "tcsh"], 2, &["tcsh", "bash", "fish"]);
}

/// What a shell makes of its script, where it is installed.
#[test]
fn bash_completes_with_its_script() {
    if Command::new("bash").arg("--version").output().is_err() {
        println!("skipped: no bash; its completions are not tried");
        return;
    }
    let folder = tempdir().unwrap();
    let script = stdout(&succeeds(folder.path(), &["completions", "bash"]));
    let function = script.split("complete -F ").nth(1).unwrap().split(' ').next().unwrap();
    std::fs::write(folder.path().join("script"), &script).unwrap();
    let completed = |words: &[&str]| {
        let (last, words) = (words[words.len() - 1], words);
        let line = format!(
            "source ./script; COMP_WORDS=({}); COMP_CWORD={}; {function} causal-trace '{last}' '{}'; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1,
            words[words.len() - 2],
        );
        let output = Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let registered: Vec<&str> = script.lines().filter(|line| line.contains("complete -F")).collect();
    assert!(
        registered.iter().all(|line| line.ends_with(" causal-trace")) && !registered.is_empty(),
        "{registered:?}"
    );
    assert_eq!(completed(&["causal-trace", "swe"]).trim(), "sweep");
    assert_eq!(completed(&["causal-trace", "sweep", "--noise-s"]).trim(), "--noise-stream");
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["man", "--out", "man"]);
    let commands = commands(folder.path());
    let page = |name: &str| std::fs::read_to_string(folder.path().join("man").join(name)).unwrap();
    let whole = page("causal-trace.1").replace('\\', "");
    for command in commands.iter().filter(|command| *command != "help") {
        assert!(whole.contains(&format!("causal-trace-{command}(1)")), "{command}");
        let page = page(&format!("causal-trace-{command}.1")).replace('\\', "");
        let examples = page.split(".SH EXAMPLES\n.nf\n").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("\ncausal-trace {command}")), "{command}: {page}");
        assert!(page.contains(".SH \"EXIT STATUS\"\n"), "{command}: {page}");
        let options = options(folder.path(), command);
        assert!(options.len() >= 3, "{command}: {options:?}");
        for option in options {
            assert!(page.contains(&format!("--{option}")), "{command}: --{option}");
        }
    }
    let files = std::fs::read_dir(folder.path().join("man")).unwrap().count();
    assert_eq!(files, commands.len(), "a page for each command but help, and one for the program");
    let printed = stdout(&succeeds(folder.path(), &["man"]));
    assert_eq!(printed.trim_end(), page("causal-trace.1").trim_end());
}

#[test]
fn configuration_does_not_change_what_is_generated() {
    let folder = tempdir().unwrap();
    let generated = |config: &str| {
        let program = Command::new(assert_cmd::cargo::cargo_bin!("causal-trace"));
        let mut program = support::isolated(program, folder.path());
        program.env("CAUSAL_TRACE_CONFIG", config).arg("man").output().unwrap().stdout
    };
    std::fs::write(folder.path().join("mine.toml"), "samples = 3\n").unwrap();
    assert_eq!(generated(""), generated("mine.toml"));
}
