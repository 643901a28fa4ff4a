//! Writes a model as a Hugging Face folder with float16 weights.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use candle_core::{DType, Var};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use tokenizers::Tokenizer;

use crate::model::Model;
use crate::tokenizer::END_OF_TEXT;

/// Rounds the parameters to float16, so that what is evaluated is what is written.
pub fn round_to_f16(model: &dyn Model) -> Result<()> {
    for (_, var) in model.parameters().iter() {
        var.set(&var.to_dtype(DType::F16)?.to_dtype(DType::F32)?)?;
    }
    Ok(())
}

/// Writes `config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json`.
pub fn write(model: &dyn Model, tokenizer: &Tokenizer, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write_json(&folder.join("config.json"), &model.config())?;
    let tokenizer_config = json!({
        "add_prefix_space": false,
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
    });
    write_json(&folder.join("tokenizer_config.json"), &tokenizer_config)?;
    tokenizer.save(folder.join("tokenizer.json"), false).map_err(|error| anyhow!(error))?;
    write_weights(model, &folder.join("model.safetensors"))
}

/// Writes a value as indented JSON.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn write_weights(model: &dyn Model, path: &Path) -> Result<()> {
    let mut tensors = Vec::new();
    for (name, var) in model.parameters().iter() {
        tensors.push((name, var.dims().to_vec(), bytes(var)?));
    }
    let mut views = Vec::new();
    for (name, shape, data) in &tensors {
        views.push((name.as_str(), TensorView::new(Dtype::F16, shape.clone(), data)?));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let file = safetensors::serialize(views, Some(metadata))?;
    fs::write(path, file).with_context(|| format!("cannot write {}", path.display()))
}

fn bytes(var: &Var) -> Result<Vec<u8>> {
    let values: Vec<f32> = var.flatten_all()?.to_vec1()?;
    Ok(values.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect())
}
