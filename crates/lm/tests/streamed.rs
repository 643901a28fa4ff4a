//! Models whose layers are read from their files as they are needed: the numbers of resident ones, and what happens
//! when a file changes underneath.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use causal_trace_core::Precision;
use causal_trace_lm::weights::WeightsError;
use causal_trace_lm::{LanguageModel, Model, ModelError, Placement, supported_model_types};
use tempfile::TempDir;

fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family).join("model")
}

fn opened(folder: &Path, placement: Placement) -> Model {
    LanguageModel::open(folder, Precision::F32, placement).unwrap().model
}

/// A copy of a golden model that may be damaged.
fn copy(family: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden(family)).unwrap() {
        let path = entry.unwrap().path();
        // Not with the permissions of the original, which may be those of a file that is not to be changed.
        std::fs::write(folder.path().join(path.file_name().unwrap()), std::fs::read(&path).unwrap()).unwrap();
    }
    folder
}

fn is_changed(error: &ModelError) -> bool {
    matches!(error, ModelError::Weights(WeightsError::Changed { .. }))
}

#[test]
fn a_streamed_model_gives_the_bits_of_a_resident_one() {
    for family in supported_model_types() {
        let resident = opened(&golden(family), Placement::Resident);
        let streamed = opened(&golden(family), Placement::Streamed);
        assert!(streamed.is_streamed() && !resident.is_streamed());
        assert_eq!(streamed.architecture(), resident.architecture());
        let ids = [5, 17, 300, 17, 0, resident.architecture().d_vocab as u32 - 1];
        assert!(streamed.embed(&ids).unwrap() == resident.embed(&ids).unwrap(), "{family}");
        for _ in 0..2 {
            assert!(streamed.logits(&ids).unwrap() == resident.logits(&ids).unwrap(), "{family}");
        }
        let prompts: [&[u32]; 3] = [&ids, &ids[..1], &ids[2..]];
        let (streamed, resident) = (streamed.last_logits_of(&prompts), resident.last_logits_of(&prompts));
        for (streamed, resident) in streamed.unwrap().into_iter().zip(resident.unwrap()) {
            assert!(streamed.unwrap() == resident.unwrap(), "{family}");
        }
    }
}

#[test]
fn a_walk_may_be_left_at_any_layer() {
    let model = opened(&golden("gptj"), Placement::Streamed);
    let n_layers = model.architecture().n_layers;
    for taken in 0..=n_layers {
        let mut layers = model.layers().unwrap();
        assert_eq!(layers.by_ref().take(taken).filter(Result::is_ok).count(), taken);
        drop(layers);
        let mut layers = model.layers().unwrap();
        assert_eq!(layers.by_ref().take(taken).count(), taken);
        layers.head().unwrap();
    }
    assert_eq!(model.layers().unwrap().count(), n_layers);
}

#[test]
fn a_file_that_is_cut_short_is_an_error_and_not_the_end_of_the_process() {
    let folder = copy("gpt2");
    let model = opened(folder.path(), Placement::Streamed);
    model.last_logits(&[1, 2, 3]).unwrap();
    let path = folder.path().join("model.safetensors");
    let len = std::fs::metadata(&path).unwrap().len();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for len in [len - 1, len / 2, 0] {
        file.set_len(len).unwrap();
        assert!(is_changed(&model.last_logits(&[1, 2, 3]).unwrap_err()));
        assert!(is_changed(&model.embed(&[1]).unwrap_err()));
    }
    // The walk ends at the error, and the head is an error too.
    let mut layers = model.layers().unwrap();
    assert!(is_changed(&layers.next().unwrap().unwrap_err()));
    assert!(layers.next().is_none());
    assert!(matches!(layers.head().unwrap_err(), ModelError::LayersEnded));
}

#[test]
fn a_file_that_is_written_to_is_an_error_and_not_another_number() {
    let folder = copy("gptj");
    let model = opened(folder.path(), Placement::Streamed);
    let mut layers = model.layers().unwrap();
    layers.next().unwrap().unwrap();
    let path = folder.path().join("model.safetensors");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    file.set_modified(later).unwrap();
    // One layer may have been read before.
    let found: Vec<_> = layers.by_ref().collect();
    assert!(
        found.len() < model.architecture().n_layers - 1
            && is_changed(found.last().unwrap().as_ref().unwrap_err())
    );
}

#[test]
fn a_missing_layer_is_named() {
    let folder = copy("gpt2");
    let path = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let views = tensors.iter().filter(|(name, _)| !name.contains("h.3.mlp.c_fc.weight"));
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let error = opened(folder.path(), Placement::Streamed).last_logits(&[1]).unwrap_err().to_string();
    assert!(error.contains("h.3.mlp.c_fc.weight"), "{error}");
}
