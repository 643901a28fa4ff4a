//! The help of every command has examples, and they work as they stand.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use support::{causal_trace, stderr, stdout, succeeds};
use tempfile::tempdir;

/// A command, and the words of one of its examples.
type Example = (String, Vec<String>);

/// The commands that the program lists.
fn commands(folder: &Path) -> Vec<String> {
    let help = stdout(&succeeds(folder, &["--help"]));
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A description goes on further to the right.
    let named = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// The examples of a command's help, which nothing may break into other lines.
fn examples(folder: &Path, command: &str) -> Vec<Example> {
    let args: &[&str] = if command.is_empty() { &["--help"] } else { &["help", command] };
    let help = stdout(&succeeds(folder, args));
    let (mut lines, mut found) = (help.lines(), Vec::new());
    while let Some(line) = lines.next() {
        let Some(line) = line.strip_prefix("  ").filter(|line| line.starts_with("causal-trace")) else {
            continue;
        };
        let mut text = line.to_owned();
        while let Some(begun) = text.strip_suffix('\\') {
            text = format!("{begun}{}", lines.next().unwrap().trim_start());
        }
        let words = shlex::split(&text);
        assert!(words.is_some(), "an example was broken: {text}");
        let words = words.unwrap_or_default();
        found.push((command.to_owned(), words[1..].to_vec()));
    }
    found
}

/// What an example speaks of: a model in a folder, a fact file, results folders.
fn prepare(folder: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    for name in ["gpt2", "gpt2-xl", "llama"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            std::fs::copy(demo.join("gpt2").join(file), folder.join(name).join(file)).unwrap();
        }
    }
    // A file or folder of the name is taken before anything is downloaded.
    for name in ["known_1000", "known_1000.json"] {
        std::fs::copy(demo.join("facts.json"), folder.join(name)).unwrap();
    }
    let sweep = ["sweep", "--ids", FEW, "--samples", "2", "--out"];
    succeeds(folder, &[&sweep[..], &["gpt-j-results", "--model", "demo-j"]].concat());
    succeeds(folder, &[&sweep[..], &["shard-0", "--shard", "0/2"]].concat());
    succeeds(folder, &[&sweep[..], &["shard-1", "--shard", "1/2"]].concat());
}

/// Facts that the embedded models know.
const FEW: &str = "3,7,12,45,60,61,70,80";

/// What an example is given beside its own words, so that it does not take long.
fn shortened(words: &[String]) -> Vec<&str> {
    let has = |option: &str| words.iter().any(|word| word == option);
    let is_bench = words.first().is_some_and(|word| word == "bench");
    // A model of GPT-2's size takes twenty seconds.
    let smaller = |word| if is_bench && word == "gpt2" { "4x128x4" } else { word };
    let own = words.iter().map(String::as_str).take_while(|word| *word != ">");
    let own: Vec<&str> = own.map(smaller).collect();
    let more: &[&str] = match own.first() {
        // Of these 100 are selected later.
        Some(&"sweep") if !has("--model") && !has("swap") => &["--limit", "120", "--samples", "1"],
        // Another subject is nothing random.
        Some(&"sweep") if has("swap") => &["--ids", FEW],
        Some(&"sweep") if !has("--sample") => &["--ids", FEW, "--samples", "2"],
        Some(&"sweep") => &["--samples", "1"],
        // The folder is there by then.
        Some(&"slurm") if !has("--model") => &["--limit", "120", "--samples", "1"],
        Some(&"calibrate") if !has("--sample") => &["--sample", "8", "--samples", "2"],
        Some(&"reproduce") if !has("--list") && !has("--print") && !has("--limit") => &["--limit", "3"],
        Some(&"bench") => &["--runs", "1"],
        _ => &[],
    };
    [&own[..], more].concat()
}

#[test]
fn every_command_has_examples_and_they_run() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let mut all = examples(folder, "");
    for command in commands(folder).iter().filter(|command| *command != "help") {
        let own = examples(folder, command);
        assert!(!own.is_empty(), "{command} has no example");
        assert!(own.iter().all(|(_, words)| words[0] == *command), "{command} has an example of another");
        all.extend(own);
    }
    assert!(all.len() > 30, "{} examples", all.len());
    // What a sweep wrote, others read.
    all.sort_by_key(|(command, _)| !matches!(command.as_str(), "" | "sweep"));
    for (command, words) in &all {
        // It never ends. What it is given is tried with the page, in a browser.
        if command == "serve" {
            continue;
        }
        let begun = std::time::Instant::now();
        let output = causal_trace(folder, &shortened(words));
        assert_eq!(output.status.code(), Some(0), "{}: {}", words.join(" "), stderr(&output));
        println!("{:6.2} s  {}", begun.elapsed().as_secs_f64(), words.join(" "));
        if let Some(to) = words.iter().position(|word| word == ">").map(|at| &words[at + 1])
            && !to.starts_with('~')
        {
            std::fs::write(folder.join(to), output.stdout).unwrap();
        }
    }
}
