//! GPT-2's older form of a tokenizer: `vocab.json` and `merges.txt`, with settings in small files beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Tokenizer, TokenizerError};

/// Settings that name a special token.
const SPECIAL_ROLES: [&str; 4] = ["bos_token", "eos_token", "unk_token", "pad_token"];

/// The special token of GPT-2 and all models that share its vocabulary, also where no file names it.
const GPT2_SPECIAL: &str = "<|endoftext|>";

/// Builds the tokenizer that the folder's files describe.
pub(super) fn open(folder: &Path) -> Result<Tokenizer, TokenizerError> {
    let (vocab_path, merges_path) = pair(folder)?;
    let mut vocab = read_json(&vocab_path)?.unwrap_or_default();
    let settings = Settings::read(folder)?;
    let added = added_tokens(folder, &mut vocab, &settings)?;
    let json = json!({
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": byte_level(settings.add_prefix_space),
        "post_processor": settings.post_processor(&vocab),
        "decoder": byte_level(false),
        "model": { "type": "BPE", "vocab": vocab, "merges": read_merges(&merges_path)? },
    });
    Tokenizer::parse(json.to_string().as_bytes(), &vocab_path)
}

fn pair(folder: &Path) -> Result<(PathBuf, PathBuf), TokenizerError> {
    let (vocab, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
    let half = |found, missing| TokenizerError::HalfOfPair { folder: folder.to_owned(), found, missing };
    match (vocab.is_file(), merges.is_file()) {
        (true, true) => Ok((vocab, merges)),
        (true, false) => Err(half("vocab.json", "merges.txt")),
        (false, true) => Err(half("merges.txt", "vocab.json")),
        (false, false) => Err(TokenizerError::NoTokenizer {
            folder: folder.to_owned(),
            sentencepiece: folder.join("tokenizer.model").is_file(),
        }),
    }
}

fn byte_level(add_prefix_space: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": false, "use_regex": true })
}

/// What `tokenizer_config.json` and `special_tokens_map.json` say, the former first.
struct Settings {
    add_prefix_space: bool,
    bos: Option<String>,
    add_bos: bool,
    special: Vec<String>,
}

impl Settings {
    fn read(folder: &Path) -> Result<Self, TokenizerError> {
        let mut fields = read_json(&folder.join("special_tokens_map.json"))?.unwrap_or_default();
        fields.extend(read_json(&folder.join("tokenizer_config.json"))?.unwrap_or_default());
        let is_set = |key: &str| fields.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut special: Vec<String> =
            SPECIAL_ROLES.iter().filter_map(|role| token(fields.get(*role)?)).collect();
        special.push(GPT2_SPECIAL.to_owned());
        Ok(Settings {
            add_prefix_space: is_set("add_prefix_space"),
            bos: fields.get("bos_token").and_then(token),
            add_bos: is_set("add_bos_token"),
            special,
        })
    }

    /// Puts the token for the beginning of a text in front, where the settings ask for it (OPT).
    fn post_processor(&self, vocab: &Map<String, Value>) -> Value {
        let bos = self.bos.as_deref().unwrap_or(GPT2_SPECIAL);
        let Some(id) = vocab.get(bos).filter(|_| self.add_bos) else { return Value::Null };
        let sequence = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
        let bos_piece = json!({ "SpecialToken": { "id": bos, "type_id": 0 } });
        json!({
            "type": "TemplateProcessing",
            "single": [bos_piece, sequence("A")],
            "pair": [bos_piece, sequence("A"), sequence("B")],
            "special_tokens": { bos: { "id": bos, "ids": [id], "tokens": [bos] } },
        })
    }
}

/// A token as the settings write it: as its text, or as an object with its text and how it is matched.
fn token(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}

/// Tokens that are matched before the text is split: the special ones, and those of `added_tokens.json`,
/// which extend the vocabulary.
fn added_tokens(
    folder: &Path,
    vocab: &mut Map<String, Value>,
    settings: &Settings,
) -> Result<Vec<Value>, TokenizerError> {
    let mut by_id = BTreeMap::new();
    for (content, id) in read_json(&folder.join("added_tokens.json"))?.unwrap_or_default() {
        vocab.insert(content.clone(), id.clone());
        by_id.insert(id.as_u64(), content);
    }
    for content in &settings.special {
        if let Some(id) = vocab.get(content) {
            by_id.insert(id.as_u64(), content.clone());
        }
    }
    let entry = |(id, content): (Option<u64>, String)| {
        let special = settings.special.contains(&content);
        json!({
            "id": id, "content": content, "special": special, "normalized": !special,
            "single_word": false, "lstrip": false, "rstrip": false,
        })
    };
    Ok(by_id.into_iter().map(entry).collect())
}

/// The lines of `merges.txt`, each a pair of pieces, without the comment it begins with.
fn read_merges(path: &Path) -> Result<Vec<String>, TokenizerError> {
    let text =
        fs::read_to_string(path).map_err(|source| TokenizerError::Io { path: path.to_owned(), source })?;
    let lines = text.lines().filter(|line| !line.starts_with("#version") && !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// The object in a JSON file; `None` if there is no such file.
fn read_json(path: &Path) -> Result<Option<Map<String, Value>>, TokenizerError> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(path).map_err(|source| TokenizerError::Io { path: path.to_owned(), source })?;
    let object = serde_json::from_slice(&bytes);
    object
        .map(Some)
        .map_err(|error| TokenizerError::Malformed { path: path.to_owned(), reason: error.to_string() })
}
