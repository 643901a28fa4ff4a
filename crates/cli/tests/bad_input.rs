//! Every bad input is one clear error with the documented exit code.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use serde_json::json;
use support::{PROMPT, SUBJECT, copied_model, fails, golden, model_with, stderr, succeeds};
use tempfile::tempdir;

/// Traces the usual prompt on a model that must be refused.
fn refused(model: &Path, words: &[&str]) {
    let folder = tempdir().unwrap();
    let model = model.to_str().unwrap();
    let args = ["trace", "--model", model, "--prompt", PROMPT, "--subject", SUBJECT, "--noise", "0.5"];
    fails(folder.path(), &args, 1, words);
}

#[test]
fn an_unknown_model_type_is_named_beside_the_known_ones() {
    let folder = tempdir().unwrap();
    let model = model_with(folder.path(), "gpt2", &[("model_type", json!("mamba"))]);
    refused(&model, &["mamba", "gpt_neox", "qwen3"]);
}

#[test]
fn a_missing_tensor_is_named() {
    let folder = tempdir().unwrap();
    refused(&model_with(folder.path(), "gpt2", &[("n_layer", json!(7))]), &["no tensor", "h.6."]);
}

#[test]
fn a_misshapen_tensor_is_named_with_both_shapes() {
    let folder = tempdir().unwrap();
    refused(
        &model_with(folder.path(), "gpt2", &[("n_inner", json!(96))]),
        &["c_fc.weight", "[32, 96]", "[32, 128]"],
    );
}

#[test]
fn a_config_that_lacks_or_spoils_a_field_is_named() {
    let folder = tempdir().unwrap();
    refused(
        &model_with(folder.path(), "gpt2", &[("n_embd", json!(null))]),
        &["config.json", "n_embd", "missing"],
    );
    refused(&model_with(folder.path(), "llama", &[("hidden_act", json!("mish"))]), &["hidden_act", "mish"]);
    let model = copied_model(folder.path(), "phi");
    std::fs::write(model.join("config.json"), "{").unwrap();
    refused(&model, &["config.json", "JSON"]);
    std::fs::remove_file(model.join("config.json")).unwrap();
    refused(&model, &["config.json", "Hugging Face"]);
}

#[test]
fn a_sliding_window_shorter_than_the_prompt_is_refused() {
    let folder = tempdir().unwrap();
    refused(&model_with(folder.path(), "mistral", &[("sliding_window", json!(5))]), &["sliding_window", "5"]);
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
fn a_tokenizer_of_another_model_is_refused() {
    let folder = tempdir().unwrap();
    let model = copied_model(folder.path(), "gpt2");
    let path = model.join("tokenizer.json");
    let mut tokenizer: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    tokenizer["model"]["vocab"]["zzz-not-embedded"] = json!(5000);
    std::fs::write(&path, tokenizer.to_string()).unwrap();
    refused(&model, &["5001", "768", "different models"]);
    std::fs::remove_file(&path).unwrap();
    refused(&model, &["tokenizer.json"]);
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
fn a_subject_that_is_not_in_the_prompt_shows_the_tokens() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--prompt", "The capital of France is", "--subject", "Germany"];
    fails(folder.path(), &args, 1, &["Germany", "' capital'"]);
    let args = ["tokens", "--prompt", "The capital of France is", "--subject", "Germany"];
    fails(folder.path(), &args, 1, &["Germany", "' capital'"]);
}

#[test]
fn an_answer_of_two_tokens_shows_them() {
    let folder = tempdir().unwrap();
    let args =
        ["trace", "--prompt", "The capital of France is", "--subject", "France", "--answer", "Paris Paris"];
    fails(folder.path(), &args, 1, &["2 tokens", "' Paris'"]);
}

#[test]
fn an_out_that_cannot_be_written_is_refused() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(folder.path(), &["trace", "--out", "file/results"], 1, &["--out", "file/results"]);
    fails(folder.path(), &["trace", "--out", "file"], 1, &["--out file"]);
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
fn a_seed_that_numpy_lacks_is_refused() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--noise-stream", "rome", "--seed", "4294967296"];
    fails(folder.path(), &args, 2, &["--seed", "4294967295"]);
}

#[test]
fn a_subject_that_occurs_twice_is_said() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--prompt", "Paris is Paris is in", "--subject", "Paris"];
    assert!(stderr(&succeeds(folder.path(), &args)).contains("occurs 2 times"));
}
