//! Folders of safetensors: what is found in them, what is read, and what is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use causal_trace_lm::weights::{Dtype, Weights, WeightsError};
use half::{bf16, f16};
use safetensors::tensor::{Dtype as FileDtype, TensorView};
use tempfile::TempDir;

const VALUES: [f32; 6] = [-1.25, -1.0, 0.0, 0.25, 2.0, 1024.0];

/// A safetensors file with the same numbers in every format, and a mask.
fn file() -> Vec<u8> {
    let bytes: [(&str, FileDtype, Vec<u8>); 6] = [
        ("h.0.f32", FileDtype::F32, VALUES.iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("h.0.f16", FileDtype::F16, VALUES.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect()),
        ("h.0.bf16", FileDtype::BF16, VALUES.iter().flat_map(|&v| bf16::from_f32(v).to_le_bytes()).collect()),
        ("h.0.f64", FileDtype::F64, VALUES.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect()),
        ("h.0.mask", FileDtype::U8, vec![1; 6]),
        ("h.0.i8", FileDtype::I8, vec![1; 6]),
    ];
    let views =
        bytes.iter().map(|(name, dtype, data)| (*name, TensorView::new(*dtype, vec![2, 3], data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn error(files: &[(&str, &[u8])]) -> WeightsError {
    Weights::open(folder(files).path()).unwrap_err()
}

fn index(weight_map: &[(&str, &str)]) -> Vec<u8> {
    let weight_map: HashMap<_, _> = weight_map.iter().copied().collect();
    serde_json::to_vec(&serde_json::json!({ "metadata": {}, "weight_map": weight_map })).unwrap()
}

#[test]
fn all_float_formats_give_the_same_numbers() {
    let folder = folder(&[("model.safetensors", &file())]);
    let weights = Weights::open(folder.path()).unwrap();
    assert_eq!(weights.names().count(), 6);
    for (name, dtype) in
        [("h.0.f32", Dtype::F32), ("h.0.f16", Dtype::F16), ("h.0.bf16", Dtype::BF16), ("h.0.f64", Dtype::F64)]
    {
        let tensor = weights.tensor(name).unwrap();
        assert_eq!((tensor.name, tensor.dtype, tensor.shape.as_slice()), (name, dtype, [2, 3].as_slice()));
        assert_eq!(tensor.to_f32().unwrap(), VALUES);
        let mut out = [0.0; 6];
        tensor.copy_to_f32(&mut out).unwrap();
        assert_eq!(out, VALUES);
    }
}

#[test]
fn numbers_that_are_not_aligned_in_memory_are_read_too() {
    for shift in 0..8 {
        let mut bytes = vec![0; shift];
        bytes.extend(file());
        let bytes: &'static [u8] = Vec::leak(bytes);
        let weights = Weights::from_static("embedded", &bytes[shift..]).unwrap();
        for name in ["h.0.f32", "h.0.f16", "h.0.bf16", "h.0.f64"] {
            assert_eq!(weights.tensor(name).unwrap().to_f32().unwrap(), VALUES, "{name} at {shift}");
        }
    }
}

#[test]
fn large_tensors_are_converted_whole() {
    let values: Vec<f32> = (0..200_003).map(|i| i as f32 / 4.0).collect();
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let view = TensorView::new(FileDtype::F32, vec![values.len()], &data).unwrap();
    let folder = folder(&[("other.safetensors", &safetensors::serialize([("w", view)], None).unwrap())]);
    assert_eq!(Weights::open(folder.path()).unwrap().tensor("w").unwrap().to_f32().unwrap(), values);
}

#[test]
fn other_types_are_listed_but_not_read() {
    let weights = Weights::from_static("embedded", Vec::leak(file())).unwrap();
    assert!(weights.contains("h.0.mask"));
    let error = weights.tensor("h.0.i8").unwrap_err();
    assert!(matches!(&error, WeightsError::Dtype { dtype, .. } if dtype == "I8"));
    assert!(error.to_string().contains("not quantised"), "{error}");
}

#[test]
fn a_missing_tensor_is_named_with_its_nearest_names() {
    let weights = Weights::from_static("embedded", Vec::leak(file())).unwrap();
    let error = weights.tensor("transformer.h.0.bf16").unwrap_err();
    let WeightsError::Missing { near, .. } = &error else { panic!("{error}") };
    assert_eq!(near[0], "h.0.bf16");
    assert!(error.to_string().contains("'transformer.h.0.bf16' in embedded"), "{error}");
}

#[test]
fn a_misshapen_tensor_is_named_with_both_shapes() {
    let weights = Weights::from_static("embedded", Vec::leak(file())).unwrap();
    let tensor = weights.tensor("h.0.f32").unwrap();
    tensor.expect_shape(&[2, 3]).unwrap();
    let error = tensor.expect_shape(&[3, 2]).unwrap_err().to_string();
    assert!(error.contains("'h.0.f32'") && error.contains("[2, 3]") && error.contains("[3, 2]"), "{error}");
}

#[test]
fn shards_are_joined_by_their_index() {
    let files = file();
    let index = index(&[("h.0.f32", "a.safetensors"), ("h.0.f16", "b.safetensors")]);
    let folder = folder(&[
        ("model.safetensors.index.json", &index),
        ("a.safetensors", &files),
        ("b.safetensors", &files),
    ]);
    let weights = Weights::open(folder.path()).unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["h.0.f16", "h.0.f32"]);
    assert_eq!(weights.tensor("h.0.f16").unwrap().to_f32().unwrap(), VALUES);
}

#[test]
fn an_index_that_does_not_agree_with_the_folder_is_refused() {
    let placed = |tensor, shard| index(&[(tensor, shard)]);
    let open = |index: &[u8]| error(&[("model.safetensors.index.json", index), ("a.safetensors", &file())]);
    assert!(matches!(
        open(&placed("h.0.f32", "b.safetensors")),
        WeightsError::MissingShard { shard, .. } if shard == "b.safetensors"
    ));
    assert!(matches!(
        open(&placed("h.1.f32", "a.safetensors")),
        WeightsError::NotInShard { tensor, .. } if tensor == "h.1.f32"
    ));
    for bad in [placed("h.0.f32", "../a.safetensors"), placed("h.0.f32", "/a"), b"{}".to_vec(), b"{".to_vec()]
    {
        assert!(matches!(open(&bad), WeightsError::Index { .. }));
    }
}

#[test]
fn folders_without_readable_weights_say_what_to_do() {
    assert!(error(&[("config.json", b"{}")]).to_string().contains("download the model's weights"));
    let several = error(&[("a.safetensors", &file()), ("b.safetensors", &file())]);
    assert!(matches!(several, WeightsError::NoIndex { files, .. } if files.len() == 2));
    let absent = Weights::open(Path::new("/no/such/folder")).unwrap_err();
    assert!(absent.to_string().contains("/no/such/folder"), "{absent}");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    assert!(error(&[("model.safetensors", pointer)]).to_string().contains("git lfs pull"));
}

#[test]
fn every_truncation_and_any_damage_is_an_error_or_harmless() {
    let whole = file();
    let header = 8 + usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    for len in 0..whole.len() {
        let error = Weights::from_static("cut", Vec::leak(whole[..len].to_vec())).unwrap_err();
        assert!(error.to_string().contains("download it again"), "{error}");
    }
    for at in 0..header {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            if let Ok(weights) = Weights::from_static("damaged", Vec::leak(damaged)) {
                read_all(&weights);
            }
        }
    }
}

#[test]
fn an_empty_file_is_refused() {
    assert!(matches!(error(&[("model.safetensors", b"")]), WeightsError::Safetensors { found: 0, .. }));
}

fn read_all(weights: &Weights) {
    for name in weights.names() {
        if let Ok(tensor) = weights.tensor(name) {
            assert_eq!(tensor.to_f32().unwrap().len(), tensor.n_elements());
        }
    }
}
