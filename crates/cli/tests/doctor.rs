//! `doctor`: what it checks and prints; weights that nothing can be computed with.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{PROMPT, SUBJECT, causal_trace, copied_model, fails, golden, stderr, stdout, succeeds};
use tempfile::tempdir;

const CHECKS: [&str; 6] = ["weights", "files", "tokenizer", "logits", "self-patch", "precision"];

/// Writes a number over one in the middle of a tensor.
fn overwrite(model: &Path, tensor: &str, value: f32) {
    let path = model.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let table: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let offset = |end: usize| table[tensor]["data_offsets"][end].as_u64().unwrap() as usize;
    let middle = 8 + header + (offset(0) + offset(1)) / 8 * 4;
    bytes[middle..middle + 4].copy_from_slice(&value.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn sound_models_pass_every_check() {
    let folder = tempdir().unwrap();
    for family in ["demo", "demo-j", "gemma2", "opt", "qwen3"] {
        let model = if family.starts_with("demo") { family.into() } else { golden(family).join("model") };
        let args = ["doctor", "--model", model.to_str().unwrap(), "--json"];
        let found: Value = serde_json::from_str(&stdout(&succeeds(folder.path(), &args))).unwrap();
        let checks = found["checks"].as_array().unwrap();
        let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names, CHECKS, "{family}");
        assert!(checks.iter().all(|check| check["passed"] == true), "{found}");
        assert!(checks[4]["detail"].as_str().unwrap().ends_with("changed nothing"), "{found}");
        let precision = found["auto_precision"].as_str().unwrap();
        assert!(["f32", "bf16x6", "bf16x3", "bf16"].contains(&precision), "{precision}");
        assert!(found["identity"]["weights_sha256"].as_str().unwrap().len() == 64, "{found}");
    }
}

#[test]
fn the_first_line_is_for_a_bug_report() {
    let folder = tempdir().unwrap();
    let shown = stdout(&succeeds(folder.path(), &["doctor", "--threads", "2"]));
    let line = shown.lines().next().unwrap();
    let parts =
        [env!("CARGO_PKG_VERSION"), "commit", std::env::consts::OS, std::env::consts::ARCH, "2 threads"];
    assert!(line.starts_with("causal-trace ") && parts.iter().all(|part| line.contains(part)), "{line}");
    assert_eq!(shown.matches("\nok  ").count(), CHECKS.len(), "{shown}");
}

#[test]
fn a_weight_that_is_not_finite_is_named_by_every_command() {
    for (family, tensor, value) in [
        ("gpt2", "transformer.h.3.mlp.c_fc.weight", f32::NAN),
        ("llama", "model.layers.1.input_layernorm.weight", f32::INFINITY),
    ] {
        let folder = tempdir().unwrap();
        let model = copied_model(folder.path(), family);
        overwrite(&model, tensor, value);
        let model = model.to_str().unwrap();
        let words = [tensor, "not finite", "download the model again"];
        let trace = ["trace", "--model", model, "--prompt", PROMPT, "--subject", SUBJECT];
        fails(folder.path(), &trace, 1, &words);
        fails(folder.path(), &["calibrate", "--model", model], 1, &words);
        let output = causal_trace(folder.path(), &["doctor", "--model", model]);
        let shown = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        let failed = shown.lines().last().unwrap();
        assert!(failed.starts_with("FAILED  weights") && failed.contains(tensor), "{shown}");
        assert!(shown.starts_with("causal-trace ") && stderr(&output).contains("1 of 1 checks"), "{shown}");
    }
}
