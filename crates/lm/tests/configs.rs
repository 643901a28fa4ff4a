//! Configs with fields left out, set to null, or out of all proportion.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, outside of test functions")]

use std::fs;
use std::path::{Path, PathBuf};

use causal_trace_core::Precision;
use causal_trace_lm::{Architecture, LanguageModel, Model, Placement, Positions};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family).join("model")
}

/// A golden model's config with other values for some fields; without those that are to be dropped.
fn config(family: &str, changed: Value, dropped: &[&str]) -> String {
    let text = fs::read_to_string(golden(family).join("config.json")).unwrap();
    let mut fields: Map<String, Value> = serde_json::from_str(&text).unwrap();
    fields.extend(changed.as_object().unwrap().clone());
    fields.retain(|name, _| !dropped.contains(&&name[..]));
    Value::Object(fields).to_string()
}

/// A golden model's folder with that config.
fn folder(family: &str, changed: Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["model.safetensors", "tokenizer.json"] {
        fs::copy(golden(family).join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("config.json"), config(family, changed, &[])).unwrap();
    folder
}

fn open_error(family: &str, changed: Value) -> String {
    LanguageModel::open(folder(family, changed).path(), Precision::F32, Placement::Resident)
        .expect_err("a nonsensical config")
        .to_string()
}

/// What the config says, with weights of zero.
fn architecture(family: &str, changed: Value, dropped: &[&str]) -> Architecture {
    let mut zeros = |_: &str, shape: &[usize]| vec![0.0; shape.iter().product()];
    Model::from_source(&config(family, changed, dropped), Precision::F32, &mut zeros)
        .unwrap()
        .architecture()
        .clone()
}

#[test]
fn sizes_beyond_reason_are_errors_and_allocate_nothing() {
    let (beyond, largest) = (u32::MAX, 1 << 24);
    for (family, field) in [
        ("gpt2", "n_layer"),
        ("gpt2", "n_inner"),
        ("gpt2", "n_head"),
        ("gpt2", "n_positions"),
        ("gemma2", "num_hidden_layers"),
        ("llama", "intermediate_size"),
        ("llama", "head_dim"),
        ("llama", "vocab_size"),
    ] {
        let error = open_error(family, json!({ field: beyond }));
        assert!(error.contains(&format!("\"{field}\" is {beyond}")), "{error}");
        let error = open_error(family, json!({ field: largest }));
        assert!(error.contains("multiple") || error.contains("shape") || error.contains(field), "{error}");
    }
    let heads =
        json!({ "num_attention_heads": largest, "num_key_value_heads": largest, "head_dim": largest });
    assert!(open_error("llama", heads).contains("shape"));
}

#[test]
fn a_layer_too_many_is_a_missing_tensor() {
    assert!(open_error("llama", json!({ "num_hidden_layers": 7 })).contains("layers.6."));
}

#[test]
fn another_activation_of_gemma_is_an_error() {
    let error = open_error("gemma2", json!({ "hidden_activation": "mish", "hidden_act": "silu" }));
    assert!(error.contains("\"hidden_activation\" is \"mish\""), "{error}");
    assert!(open_error("gemma2", json!({ "hidden_activation": 3 })).contains("hidden_activation"));
}

#[test]
fn fields_left_out_are_those_of_transformers() {
    // The golden models' activations are transformers' defaults; their contexts are shorter.
    for (family, act, context, default) in [
        ("gpt2", "activation_function", "n_positions", 1024),
        ("gptj", "activation_function", "n_positions", 2048),
        ("opt", "activation_function", "max_position_embeddings", 2048),
        ("gpt_neox", "hidden_act", "max_position_embeddings", 2048),
        ("phi", "hidden_act", "max_position_embeddings", 2048),
        ("llama", "hidden_act", "max_position_embeddings", 2048),
        ("mistral", "hidden_act", "max_position_embeddings", 131_072),
        ("qwen2", "hidden_act", "max_position_embeddings", 32_768),
        ("qwen3", "hidden_act", "max_position_embeddings", 32_768),
        ("gemma2", "hidden_activation", "max_position_embeddings", 8192),
    ] {
        let full = architecture(family, json!({}), &[]);
        let short = architecture(family, json!({}), &[act, context]);
        assert_eq!(short, Architecture { max_positions: default, ..full }, "{family}");
    }
}

#[test]
fn gemmas_caps_and_scale_are_there_unless_null() {
    let names =
        ["attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar", "sliding_window"];
    let missing = architecture("gemma2", json!({}), &names);
    assert_eq!((missing.attention_softcap, missing.final_softcap), (Some(50.0), Some(30.0)));
    assert_eq!((missing.attention_scale[0], missing.sliding_window), (1.0 / 16.0, Some(4096)));
    let null = json!({ names[0]: null, names[1]: null, names[3]: null });
    let null = architecture("gemma2", null, &[]);
    assert_eq!((null.attention_softcap, null.final_softcap, null.sliding_window), (None, None, None));
}

#[test]
fn mistral_has_a_window_unless_null() {
    assert_eq!(architecture("mistral", json!({}), &["sliding_window"]).sliding_window, Some(4096));
    assert_eq!(architecture("mistral", json!({}), &[]).sliding_window, None);
}

#[test]
fn gptj_rotates_64_features_where_the_config_is_silent() {
    let changed = json!({ "n_embd": 512 });
    let Positions::Rotary(rope) = architecture("gptj", changed, &["rotary_dim"]).positions else {
        unreachable!("GPT-J is rotary")
    };
    assert_eq!(rope.d_rotary, 64);
}

#[test]
fn families_without_shared_keys_ignore_their_number() {
    for family in ["gpt_neox", "opt"] {
        let changed = json!({ "num_key_value_heads": 2 });
        assert_eq!(architecture(family, changed, &[]), architecture(family, json!({}), &[]), "{family}");
    }
}
