//! Bad input of many shapes, beside the kinds of `wrong_input.rs`: one clear error with the documented exit code.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use support::{PROMPT, SUBJECT, copied_model, fails, golden, stderr, succeeds};
use tempfile::tempdir;

/// Traces the usual prompt on a model that must be refused.
fn refused(model: &Path, words: &[&str]) {
    let folder = tempdir().unwrap();
    let model = model.to_str().unwrap();
    let args = ["trace", "--model", model, "--prompt", PROMPT, "--subject", SUBJECT, "--noise", "0.5"];
    fails(folder.path(), &args, 1, words);
}

#[test]
fn a_prompt_longer_than_the_context_is_refused() {
    let folder = tempdir().unwrap();
    let prompt = format!("{SUBJECT}{}", " is located".repeat(70));
    let model = golden("gpt2").join("model");
    let args = [
        "trace",
        "--model",
        model.to_str().unwrap(),
        "--prompt",
        &prompt,
        "--subject",
        SUBJECT,
        "--noise",
        "1",
    ];
    fails(folder.path(), &args, 1, &["tokens", "64"]);
}

#[test]
fn truncated_weights_are_refused() {
    let folder = tempdir().unwrap();
    let model = copied_model(folder.path(), "gpt2");
    let path = model.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for len in [0, 5, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        refused(&model, &["model.safetensors"]);
    }
    std::fs::remove_file(&path).unwrap();
    refused(&model, &["safetensors"]);
}

#[test]
fn weights_that_are_not_numbers_give_no_numbers() {
    let folder = tempdir().unwrap();
    let model = copied_model(folder.path(), "gpt2");
    let path = model.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[len - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let middle = len / 2 / 4 * 4;
    bytes[middle..middle + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    refused(&model, &["transformer.wte.weight", "not finite"]);
}

#[test]
fn a_model_that_is_not_there_is_refused() {
    let folder = tempdir().unwrap();
    let usual = ["--prompt", PROMPT, "--subject", SUBJECT];
    for (model, word) in
        [("./none", "no folder"), ("gpt2", "Hugging Face cache"), ("org/name", "hf download org/name")]
    {
        let args = [&["trace", "--model", model], &usual[..]].concat();
        fails(folder.path(), &args, 1, &[model, word]);
    }
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(folder.path(), &["tokens", "--model", "file", "--prompt", PROMPT], 1, &["is a file"]);
    let model = golden("gpt2").join("model");
    fails(folder.path(), &["trace", "--model", model.to_str().unwrap()], 2, &["--prompt", "--subject"]);
}

#[test]
fn facts_that_cannot_be_used_are_refused() {
    let folder = tempdir().unwrap();
    let facts = folder.path().join("facts.json");
    fails(folder.path(), &["trace", "--facts", "facts.json"], 1, &["facts.json"]);
    for (text, word) in
        [("", "no facts"), ("[]", "no facts"), ("[1", "fact file"), ("{\"subject\": 1}", "line 1")]
    {
        std::fs::write(&facts, text).unwrap();
        fails(folder.path(), &["trace", "--facts", "facts.json"], 1, &["facts.json", word]);
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempdir().unwrap();
    for (args, word) in [
        (&["trace", "--noise", "t2"][..], "s3"),
        (&["trace", "--noise", "-1"], "noise rule"),
        (&["trace", "--component", "mlps"], "residual"),
        (&["trace", "--samples", "0"], "above 0"),
        (&["trace", "--window", "0"], "above 0"),
        (&["trace", "--prompt", PROMPT], "--subject"),
        (&["trace", "--memory", "lots"], "4G"),
        (&["trace", "--precision", "fp8"], "f32, bf16x6, bf16x3, bf16, auto"),
        (&["trace", "--direction", "up"], "denoise"),
        (&["trase"], "trace"),
        (&["tokens"], "--prompt"),
        (&["bench", "--shape", "foo"], "LAYERSxWIDTHxHEADS"),
        (&["bench", "--shape", "2x10x3"], "multiple of the heads"),
        (&["bench", "--subject", "20"], "--tokens 9"),
    ] {
        fails(folder.path(), args, 2, &[word]);
    }
}

#[test]
fn a_number_above_what_is_sensible_is_refused_with_the_limit() {
    let folder = tempdir().unwrap();
    for (args, limit) in [
        (["trace", "--samples", "18446744073709551615"], "10000"),
        (["trace", "--samples", "18446744073709551616"], "10000"),
        (["trace", "--samples", "1000000000"], "10000"),
        (["trace", "--threads", "100000"], "1024"),
        (["bench", "--threads", "100000"], "1024"),
        (["bench", "--tokens", "5000000000"], "1024"),
        (["bench", "--samples", "10001"], "10000"),
        (["bench", "--shape", "1x1000000x1"], "65536"),
        (["bench", "--shape", "1001x64x1"], "1000 layers"),
    ] {
        fails(folder.path(), &args, 2, &[args[1], &format!("at most {limit}")]);
    }
}

/// Errors repeat what was given, but neither its escape codes nor its line ends.
#[test]
fn control_characters_do_not_reach_the_terminal_in_errors() {
    let folder = tempdir().unwrap();
    let prompt = "a\u{1b}[31m\nb Space Needle is in";
    let strange = "Ger\u{1b}[31m\nmany";
    for command in ["trace", "tokens"] {
        for subject in ["Germany", strange] {
            let args = [command, "--prompt", prompt, "--subject", subject];
            fails(folder.path(), &args, 1, &["Ger", "many", "' is'"]);
        }
        let args = [command, "--model", strange, "--prompt", prompt, "--subject", "Space Needle"];
        fails(folder.path(), &args, 1, &["many"]);
    }
    let usual = ["trace", "--prompt", prompt, "--subject", "Space Needle"];
    fails(folder.path(), &[&usual[..], &["--answer", strange]].concat(), 1, &["tokens"]);
    fails(folder.path(), &[&usual[..], &["--facts", strange]].concat(), 1, &["many"]);
    fails(folder.path(), &[&usual[..], &["--noise", strange]].concat(), 2, &["many"]);
}

#[test]
fn a_subject_that_occurs_twice_is_said() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--prompt", "Paris is Paris is in", "--subject", "Paris"];
    assert!(stderr(&succeeds(folder.path(), &args)).contains("occurs 2 times"));
}
