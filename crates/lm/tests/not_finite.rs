//! A weight that is NaN or infinite is an error that names its tensor, whichever tensor it is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of test functions")]

use std::path::{Path, PathBuf};

use causal_trace_core::Precision;
use causal_trace_lm::weights::WeightsError;
use causal_trace_lm::{LanguageModel, ModelError, Placement};
use serde_json::Value;
use tempfile::tempdir;

const FAMILIES: [&str; 10] =
    ["gpt2", "gptj", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "gemma2", "phi", "opt"];
/// A prompt with the token whose embedding is changed.
const IDS: [u32; 3] = [4, 0, 2];

/// A copy of a golden model, its file's bytes, and where each tensor of float32 lies in them.
fn model(folder: &Path, family: &str) -> (PathBuf, Vec<u8>, Vec<(String, usize)>) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family).join("model");
    for entry in std::fs::read_dir(&golden).unwrap() {
        let path = entry.unwrap().path();
        std::fs::write(folder.join(path.file_name().unwrap()), std::fs::read(&path).unwrap()).unwrap();
    }
    let file = folder.join("model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let table: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let tensors = table.as_object().unwrap().iter().filter(|(_, of)| of["dtype"] == "F32");
    let start = |of: &Value| 8 + header + of["data_offsets"][0].as_u64().unwrap() as usize;
    let tensors = tensors.map(|(name, of)| (name.clone(), start(of))).collect();
    (file, bytes, tensors)
}

/// The tensor that a model's use complains of.
fn named(folder: &Path, placement: Placement) -> Option<String> {
    let used =
        LanguageModel::open(folder, Precision::F32, placement).and_then(|lm| lm.model.last_logits(&IDS));
    match used {
        Ok(_) => None,
        Err(ModelError::Weights(WeightsError::NotFinite { tensor, .. })) => Some(tensor),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_tensor_is_named() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        let (file, bytes, tensors) = model(folder.path(), family);
        assert!(tensors.len() > 50, "{family} has {} tensors", tensors.len());
        for (place, (name, start)) in tensors.iter().enumerate() {
            let value = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][place % 3];
            let mut bytes = bytes.clone();
            bytes[*start..start + 4].copy_from_slice(&value.to_le_bytes());
            std::fs::write(&file, bytes).unwrap();
            for placement in [Placement::Resident, Placement::Streamed] {
                assert_eq!(named(folder.path(), placement).as_ref(), Some(name), "{family} {placement:?}");
            }
        }
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(named(folder.path(), Placement::Resident), None, "{family} is sound");
        println!("{family}: each of {} tensors named", tensors.len());
    }
}
