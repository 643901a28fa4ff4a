//! Files written by `torch.save`, made by `data/make_fixtures.py` with PyTorch itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of test functions")]

use std::fs;
use std::path::{Path, PathBuf};

use causal_trace_lm::weights::{Dtype, PickleError, TorchError, Weights, WeightsError, ZipError};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

/// A folder with these bytes as `pytorch_model.bin`; the maps outlive its removal.
fn open(bytes: &[u8]) -> Result<Weights, WeightsError> {
    let folder: TempDir = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pytorch_model.bin"), bytes).unwrap();
    Weights::open(folder.path())
}

fn refusal(bytes: &[u8]) -> TorchError {
    match open(bytes).unwrap_err() {
        WeightsError::Torch { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// The numbers that the recipe fills tensors with.
fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 - 5.0) / 4.0).collect()
}

fn check(weights: &Weights, name: &str, dtype: Dtype, shape: &[usize], expected: &[f32]) {
    let tensor = weights.tensor(name).unwrap();
    assert_eq!((tensor.dtype, tensor.shape.as_slice()), (dtype, shape), "{name}");
    assert_eq!(tensor.to_f32().unwrap(), expected, "{name}");
}

fn check_state_dict(weights: &Weights) {
    check(weights, "f32", Dtype::F32, &[3, 4], &ramp(12));
    check(weights, "f16", Dtype::F16, &[3, 4], &ramp(12));
    check(weights, "bf16", Dtype::BF16, &[3, 4], &ramp(12));
    check(weights, "f64", Dtype::F64, &[3, 4], &ramp(12));
    check(weights, "parameter", Dtype::F32, &[2, 2], &ramp(4));
    check(weights, "scalar", Dtype::F32, &[], &ramp(1));
    check(weights, "empty", Dtype::F32, &[0, 4], &[]);
    check(weights, "transposed", Dtype::F32, &[3, 4], &ramp(12));
    check(weights, "transposed_f16", Dtype::F16, &[2, 3, 4], &ramp(24));
    check(weights, "columns", Dtype::F32, &[3, 4], &ramp(12));
    check(weights, "offset", Dtype::F32, &[2, 5], &ramp(10));
    check(weights, "shared_a", Dtype::F32, &[3, 4], &ramp(12));
    check(weights, "shared_b", Dtype::F32, &[3, 4], &ramp(12));
    check(weights, "shared_row", Dtype::F32, &[4], &ramp(12)[4..8]);
}

#[test]
fn both_containers_and_newer_protocols_give_the_same_tensors() {
    for name in ["zip.bin", "legacy.bin", "protocol4.bin", "wrapped.bin", "zip64.bin"] {
        let weights = open(&bytes(name)).unwrap();
        assert_eq!(weights.names().count(), 19, "{name}");
        check_state_dict(&weights);
    }
}

#[test]
fn masks_are_listed_and_quantised_weights_refused_when_asked_for() {
    let weights = open(&bytes("zip.bin")).unwrap();
    for (name, expected) in
        [("mask", "Byte"), ("flags", "Bool"), ("positions", "Long"), ("quantised", "Char")]
    {
        assert!(weights.contains(name));
        let error = weights.tensor(name).unwrap_err();
        assert!(matches!(&error, WeightsError::Dtype { dtype, .. } if dtype == expected), "{error}");
    }
}

#[test]
fn a_repeating_view_is_not_filled_into_memory() {
    let weights = open(&bytes("zip.bin")).unwrap();
    assert!(matches!(weights.tensor("expanded").unwrap_err(), WeightsError::Expanded { .. }));
}

#[test]
fn shards_are_joined_by_their_index() {
    let weights = Weights::open(&fixture("sharded")).unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["bf16", "f16", "f32"]);
    check(&weights, "bf16", Dtype::BF16, &[3, 4], &ramp(12));
    check(&weights, "f32", Dtype::F32, &[3, 4], &ramp(12));
}

#[test]
fn safetensors_are_preferred() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pytorch_model.bin"), bytes("zip.bin")).unwrap();
    fs::write(folder.path().join("model.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    assert_eq!(Weights::open(folder.path()).unwrap().names().count(), 0);
}

#[test]
fn calls_of_anything_else_are_named_and_not_executed() {
    for name in ["danger.bin", "danger_legacy.bin"] {
        let error = refusal(&bytes(name));
        assert!(
            matches!(&error, TorchError::Pickle(PickleError::Foreign { name }) if name == "posix.system"),
            "{error}"
        );
        assert!(error.to_string().contains("not executed"), "{error}");
    }
}

#[test]
fn files_that_are_no_checkpoints_are_refused() {
    let compressed = refusal(&bytes("compressed.bin"));
    assert!(matches!(compressed, TorchError::Zip(ZipError::NotStored { .. })), "{compressed}");
    assert_eq!(refusal(&bytes("big_endian.bin")), TorchError::BigEndian);
    assert_eq!(refusal(&bytes("no_names.bin")), TorchError::NoTensors);
    assert_eq!(refusal(&bytes("pickle.bin")), TorchError::NotTorch);
    assert_eq!(refusal(b""), TorchError::NotTorch);
    assert_eq!(refusal(b"<html>not found</html>"), TorchError::NotTorch);
}

#[test]
fn what_damage_leaves_readable_is_read_within_the_file() {
    let whole = bytes("legacy.bin");
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x11;
        if let Ok(weights) = open(&damaged) {
            read_all(&weights);
        }
    }
}

fn read_all(weights: &Weights) {
    for name in weights.names() {
        if let Ok(tensor) = weights.tensor(name) {
            assert_eq!(tensor.to_f32().unwrap().len(), tensor.n_elements());
        }
    }
}
