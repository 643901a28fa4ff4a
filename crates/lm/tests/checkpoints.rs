//! Checkpoints of the bare decoder, whose tensors have another prefix or none.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::path::{Path, PathBuf};

use causal_trace_core::Precision;
use causal_trace_lm::{LanguageModel, Placement};
use tempfile::TempDir;

fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family).join("model")
}

/// A copy of a golden model with one prefix of its tensors' names replaced by another.
fn renamed(family: &str, from: &str, to: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden(family)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::write(folder.path().join(path.file_name().unwrap()), std::fs::read(&path).unwrap()).unwrap();
    }
    let path = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let views = tensors.iter().map(|(name, view)| (name.replacen(from, to, 1), view));
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    folder
}

#[test]
fn other_prefixes_and_none_are_found() {
    let cases =
        [("opt", "model.decoder.", "decoder."), ("gpt2", "transformer.", ""), ("gpt_neox", "gpt_neox.", "")];
    for (family, from, to) in cases {
        let usual = LanguageModel::open(&golden(family), Precision::F32, Placement::Resident).unwrap().model;
        let renamed =
            LanguageModel::open(renamed(family, from, to).path(), Precision::F32, Placement::Resident)
                .unwrap()
                .model;
        let ids = [5, 17, 300];
        assert_eq!(usual.logits(&ids).unwrap(), renamed.logits(&ids).unwrap(), "{family}");
    }
}
