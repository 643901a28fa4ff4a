//! The steps that Hugging Face's `transformers` gives every Qwen2 folder, whatever its `tokenizer.json` says.
//!
//! Published Qwen2 tokenizers contain exactly these steps. `transformers` 5 also applies them to folders of this
//! family that declare others, so the tokens a model was trained and measured with are those of these steps.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// How Qwen2 splits text before its byte pairs are merged: every digit is on its own.
const SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Whether the folder's `config.json` says that it is of this family.
pub(super) fn is_qwen2(folder: &Path) -> bool {
    let config = fs::read(folder.join("config.json")).unwrap_or_default();
    let config: Value = serde_json::from_slice(&config).unwrap_or_default();
    config["model_type"] == "qwen2"
}

/// Replaces the normalizer and the splitting of text.
pub(super) fn set_steps(tokenizer: &mut Tokenizer) -> tokenizers::Result<()> {
    let normalizer: NormalizerWrapper = serde_json::from_value(json!({ "type": "NFC" }))?;
    let split: PreTokenizerWrapper = serde_json::from_value(json!({
        "type": "Sequence",
        "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": SPLIT }, "behavior": "Isolated", "invert": false },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        ],
    }))?;
    tokenizer.with_normalizer(Some(normalizer))?;
    tokenizer.with_pre_tokenizer(Some(split));
    Ok(())
}
