//! The steps that Hugging Face's `transformers` gives the Qwen2 tokenizer, whatever its `tokenizer.json` says.
//!
//! Published Qwen2 tokenizers contain exactly these steps. `transformers` 5 also applies them to folders of this
//! family that declare others, so the tokens a model was trained and measured with are those of these steps. A folder
//! that names another class of tokenizer keeps its own.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// How Qwen2 splits text before its byte pairs are merged: every digit is on its own.
const SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The classes of tokenizer that stand for Qwen2's in a folder of this family.
const CLASSES: [&str; 3] = ["Qwen2Tokenizer", "Qwen2TokenizerFast", "TokenizersBackend"];

/// Whether the folder is of this family and names no other class of tokenizer.
pub(super) fn is_qwen2(folder: &Path) -> bool {
    let json = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(name)).unwrap_or_default()).unwrap_or_default()
    };
    let class = &json("tokenizer_config.json")["tokenizer_class"];
    json("config.json")["model_type"] == "qwen2"
        && class.as_str().is_none_or(|class| CLASSES.contains(&class))
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
