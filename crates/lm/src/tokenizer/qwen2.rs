//! The steps that Hugging Face's `transformers` gives a Qwen2 tokenizer, whatever the folder's files say.
//!
//! `transformers` 5 keeps only vocabulary and merges of a tokenizer whose class it knows, and builds the other steps
//! itself. Which class that is, was measured with version 5.24.0: in a folder of `model_type` qwen2 always
//! `Qwen2Tokenizer`, even where `tokenizer_config.json` names another class, since transformers lists this family
//! among those with wrong declarations; in a folder of any other family where that class is declared; and in a
//! folder of Qwen 3 that declares none. A traced model sees the tokens it was trained with only if these steps are
//! the same here. Published Qwen2 tokenizers contain exactly them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// How Qwen2 splits text before its byte pairs are merged: every digit is on its own.
const SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Replaces the normalizer and the splitting of text, if the folder's tokenizer is Qwen2's.
pub(super) fn set_steps(tokenizer: &mut Tokenizer, folder: &Path) -> tokenizers::Result<()> {
    let (config, settings) = (fields(folder, "config.json"), fields(folder, "tokenizer_config.json"));
    if !is_qwen2(&config, &settings) {
        return Ok(());
    }
    let normalizer: NormalizerWrapper = serde_json::from_value(json!({ "type": "NFC" }))?;
    let prefix = settings["add_prefix_space"] == true;
    let split: PreTokenizerWrapper = serde_json::from_value(json!({
        "type": "Sequence",
        "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": SPLIT }, "behavior": "Isolated", "invert": false },
            { "type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": false, "use_regex": false },
        ],
    }))?;
    tokenizer.with_normalizer(Some(normalizer))?;
    tokenizer.with_pre_tokenizer(Some(split));
    Ok(())
}

/// Whether `transformers` takes the class of Qwen2 for this folder.
fn is_qwen2(config: &Value, settings: &Value) -> bool {
    let declared = settings["tokenizer_class"].as_str().or_else(|| config["tokenizer_class"].as_str());
    match (config["model_type"].as_str(), declared) {
        (Some("qwen2"), _) | (Some("qwen3"), None) => true,
        (_, class) => matches!(class, Some("Qwen2Tokenizer" | "Qwen2TokenizerFast")),
    }
}

/// A small JSON file's contents, null if it cannot be read: its errors are reported by those who need it.
fn fields(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap_or_default()).unwrap_or_default()
}
