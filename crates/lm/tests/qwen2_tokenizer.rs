//! Which folders get Qwen2's own steps, and the tokens that follow: those of `transformers` 5.24.0.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::fs;
use std::path::{Path, PathBuf};

use causal_trace_lm::tokenizer::Tokenizer;
use serde_json::{Value, json};
use tempfile::TempDir;

const TEXT: &str = "It's 1990 \ne\u{301} HE'S";
/// Every digit on its own, letters composed.
const QWEN2: [u32; 16] = [41, 84, 329, 221, 17, 25, 25, 16, 221, 199, 128, 103, 352, 37, 7, 51];
/// The steps that the golden tokenizers' files declare.
const AS_DECLARED: [u32; 15] = [41, 84, 329, 739, 25, 16, 221, 199, 69, 137, 224, 352, 37, 7, 51];

fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family).join("model")
}

/// A golden model's tokenizer in a folder that declares a class, as `tokenizer.json` or as the older pair of files.
fn folder(family: &str, class: Option<&str>, older: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: String| fs::write(folder.path().join(name), content).unwrap();
    write("config.json", fs::read_to_string(golden(family).join("config.json")).unwrap());
    write("tokenizer_config.json", json!({ "tokenizer_class": class }).to_string());
    let text = fs::read_to_string(golden(family).join("tokenizer.json")).unwrap();
    if older {
        let model = serde_json::from_str::<Value>(&text).unwrap()["model"].take();
        write("vocab.json", model["vocab"].to_string());
        write("merges.txt", model["merges"].as_array().unwrap().iter().map(merge).collect());
    } else {
        write("tokenizer.json", text);
    }
    folder
}

/// A line of `merges.txt`.
fn merge(pair: &Value) -> String {
    let pieces: Vec<&str> = pair.as_array().unwrap().iter().map(|piece| piece.as_str().unwrap()).collect();
    pieces.join(" ") + "\n"
}

fn ids(family: &str, class: Option<&str>, older: bool) -> Vec<u32> {
    Tokenizer::open(folder(family, class, older).path()).unwrap().encode(TEXT).unwrap().ids
}

#[test]
fn folders_that_transformers_reads_as_qwen2() {
    let family_or_class = [
        ("qwen2", None),
        ("qwen2", Some("TokenizersBackend")),
        ("qwen2", Some("GPT2Tokenizer")),
        ("qwen2", Some("LlamaTokenizerFast")),
        ("qwen3", None),
        ("qwen3", Some("Qwen2TokenizerFast")),
        ("gpt2", Some("Qwen2Tokenizer")),
    ];
    for (family, class) in family_or_class {
        for older in [false, true] {
            assert_eq!(ids(family, class, older), QWEN2, "{family}, {class:?}, older form: {older}");
        }
    }
}

#[test]
fn folders_that_keep_their_own_steps() {
    for (family, class) in
        [("qwen3", Some("TokenizersBackend")), ("qwen3", Some("GPT2TokenizerFast")), ("gpt2", None)]
    {
        assert_eq!(ids(family, class, false), AS_DECLARED, "{family}, {class:?}");
    }
}

#[test]
fn the_models_own_prediction_can_be_typed_back() {
    let tokenizer = Tokenizer::open(&golden("gpt2")).unwrap();
    for text in ["'s", "\n", " ", "<|endoftext|>", " Paris", "."] {
        let tokens = tokenizer.encode_answer(text).unwrap();
        assert_eq!(tokens.iter().map(|token| &token.text[..]).collect::<Vec<_>>(), [text]);
    }
    for blank in ["", "\n\n\n", "      "] {
        assert!(tokenizer.encode_answer(blank).is_err(), "{blank:?}");
    }
}
