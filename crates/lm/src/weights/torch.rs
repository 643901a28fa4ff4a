//! The table of contents of a file written by `torch.save`, in both container forms.
//!
//! Since PyTorch 1.6 a file is a zip archive with `data.pkl` and one entry per storage (`data/KEY`). Before,
//! it was a sequence of pickles (a magic number, the protocol, facts about the machine, the object, the keys
//! of its storages) followed by the storages, each after its number of elements.

use std::collections::HashMap;
use std::ops::Range;

use super::pickle::{self, Heap, Pickle, PickleError, Storage, Tensor, Value};
use super::zip::{Archive, ZipError};
use super::{Element, Entry};

/// What the form before 1.6 begins with.
const LEGACY_MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// Bytes of the number of elements before each storage in the form before 1.6.
const COUNT_BYTES: usize = 8;

/// Keys under which training scripts save a model's state dict among other things.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// Why a PyTorch file is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TorchError {
    /// Neither a zip archive nor the older form.
    #[error("this is not a file written by torch.save, or is damaged: download it again")]
    NotTorch,
    /// See [`PickleError`].
    #[error(transparent)]
    Pickle(#[from] PickleError),
    /// See [`ZipError`].
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// Written on a machine of the other byte order.
    #[error(
        "it was written on a big-endian machine: save it again with safetensors, which has one byte order"
    )]
    BigEndian,
    /// The object in the file is not a dictionary of named tensors.
    #[error("it holds no named tensors: save the model's state dict, not the model itself or its optimizer")]
    NoTensors,
    /// The numbers of a storage are not in the file.
    #[error("the numbers of storage '{key}' are missing or cut off: download it again")]
    Storage {
        /// The storage's key.
        key: String,
    },
    /// A tensor is not within its storage.
    #[error("'{tensor}' reaches beyond the numbers stored for it: download it again")]
    OutOfStorage {
        /// The tensor's name.
        tensor: String,
    },
}

/// Where each tensor of the file lies.
pub(super) fn entries(file: &[u8]) -> Result<Vec<(String, Entry)>, TorchError> {
    if Archive::is_zip(file) { zip_entries(file) } else { legacy_entries(file) }
}

fn zip_entries(file: &[u8]) -> Result<Vec<(String, Entry)>, TorchError> {
    let archive = Archive::open(file)?;
    let folder = archive
        .names()
        .find_map(|name| name.strip_suffix("data.pkl").filter(|folder| folder.matches('/').count() == 1))
        .ok_or_else(|| ZipError::Missing { name: "data.pkl".to_owned() })?;
    let byte_order = format!("{folder}byteorder");
    if archive.names().any(|name| name == byte_order) && &file[archive.range(&byte_order)?] == b"big" {
        return Err(TorchError::BigEndian);
    }
    let pickle = pickle::read(&file[archive.range(&format!("{folder}data.pkl"))?])?;
    named_tensors(&pickle, |storage| Ok(archive.range(&format!("{folder}data/{}", storage.key))?))
}

fn legacy_entries(file: &[u8]) -> Result<Vec<(String, Entry)>, TorchError> {
    let magic = pickle::read(file).map_err(|_| TorchError::NotTorch)?;
    if magic.top != Value::Int(LEGACY_MAGIC) {
        return Err(TorchError::NotTorch);
    }
    let protocol = pickle::read(&file[magic.len..])?;
    let mut at = magic.len + protocol.len;
    let machine = pickle::read(&file[at..])?;
    if get(&machine.heap, machine.top, "little_endian") == Some(Value::Bool(false)) {
        return Err(TorchError::BigEndian);
    }
    at += machine.len;
    let object = pickle::read(&file[at..])?;
    at += object.len;
    let keys = pickle::read(&file[at..])?;
    at += keys.len;
    let places = legacy_storages(file, at, &keys, &object.heap)?;
    named_tensors(&object, |storage| {
        places.get(storage.key).cloned().ok_or_else(|| TorchError::Storage { key: storage.key.to_owned() })
    })
}

/// Where each storage is, from the order of their keys and the sizes of their elements.
fn legacy_storages<'a>(
    file: &[u8],
    mut at: usize,
    keys: &Pickle<'a>,
    heap: &Heap<'_>,
) -> Result<HashMap<&'a str, Range<usize>>, TorchError> {
    let sizes: HashMap<&str, usize> = heap.storages().iter().map(|s| (s.key, s.element_size)).collect();
    let mut places = HashMap::new();
    for &key in keys.heap.items(keys.top).ok_or(TorchError::NotTorch)? {
        let Value::Str(key) = key else { return Err(TorchError::NotTorch) };
        let place = sizes.get(key).and_then(|&size| legacy_storage(file, at, size));
        let place = place.ok_or_else(|| TorchError::Storage { key: key.to_owned() })?;
        at = place.end;
        places.insert(key, place);
    }
    Ok(places)
}

fn legacy_storage(file: &[u8], at: usize, element_size: usize) -> Option<Range<usize>> {
    let start = at.checked_add(COUNT_BYTES)?;
    let count = u64::from_le_bytes(file.get(at..start)?.try_into().ok()?);
    let end = start.checked_add(usize::try_from(count).ok()?.checked_mul(element_size)?)?;
    (end <= file.len()).then_some(start..end)
}

/// The entries of the state dict, whose storages `place` finds in the file.
fn named_tensors<'a>(
    pickle: &Pickle<'a>,
    place: impl Fn(&Storage<'a>) -> Result<Range<usize>, TorchError>,
) -> Result<Vec<(String, Entry)>, TorchError> {
    let heap = &pickle.heap;
    let inner = WRAPPERS.iter().filter_map(|key| get(heap, pickle.top, key));
    let candidates = std::iter::once(pickle.top).chain(inner);
    let tensors = candidates.map(|dict| tensors_of(heap, dict)).find(|tensors| !tensors.is_empty());
    let entry = |(name, tensor): (&str, &Tensor<'a>)| {
        let place = place(&tensor.storage)?;
        let entry = entry(tensor, place)?;
        Ok((name.to_owned(), entry.ok_or_else(|| TorchError::OutOfStorage { tensor: name.to_owned() })?))
    };
    tensors.ok_or(TorchError::NoTensors)?.into_iter().map(entry).collect()
}

/// A dictionary's tensors; other things in it, such as a step count, are left out.
fn tensors_of<'h, 'a>(heap: &'h Heap<'a>, dict: Value<'a>) -> Vec<(&'a str, &'h Tensor<'a>)> {
    let named = |&(key, value): &(Value<'a>, Value<'a>)| match key {
        Value::Str(name) => Some((name, heap.tensor(value)?)),
        _ => None,
    };
    heap.dict(dict).unwrap_or_default().iter().filter_map(named).collect()
}

fn get<'a>(heap: &Heap<'a>, dict: Value<'a>, key: &str) -> Option<Value<'a>> {
    heap.dict(dict)?.iter().find(|(found, _)| *found == Value::Str(key)).map(|&(_, value)| value)
}

/// The tensor's place; `None` if it is not within its storage.
fn entry(tensor: &Tensor<'_>, place: Range<usize>) -> Result<Option<Entry>, TorchError> {
    let Storage { element_size, n_elements, key, .. } = &tensor.storage;
    let stored = n_elements.checked_mul(*element_size).filter(|&bytes| bytes <= place.len());
    let stored = stored.ok_or_else(|| TorchError::Storage { key: (*key).to_owned() })?;
    let Some(n_spanned) = span(&tensor.shape, &tensor.strides) else { return Ok(None) };
    let end = tensor.offset.checked_add(n_spanned).and_then(|end| end.checked_mul(*element_size));
    let Some(end) = end.filter(|&end| end <= stored) else { return Ok(None) };
    let bytes = place.start + tensor.offset * element_size..place.start + end;
    let strides = (!is_contiguous(&tensor.shape, &tensor.strides)).then(|| tensor.strides.clone());
    let element: Element = tensor.storage.element.clone();
    Ok(Some(Entry { element, shape: tensor.shape.clone(), strides, bytes }))
}

/// How many elements there are from a tensor's first to its last one; `None` if that overflows.
fn span(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .zip(strides)
        .try_fold(1_usize, |span, (size, stride)| span.checked_add((size - 1).checked_mul(*stride)?))
}

/// Whether elements follow one another in row-major order. Strides of dimensions of size 1 do not matter.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1_usize;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().filter(|(size, _)| **size != 1).all(|(size, stride)| {
            let fits = *stride == expected;
            expected = expected.saturating_mul(*size);
            fits
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&[u8]; 4] = [
        include_bytes!("../../tests/data/torch/zip.bin"),
        include_bytes!("../../tests/data/torch/zip64.bin"),
        include_bytes!("../../tests/data/torch/legacy.bin"),
        include_bytes!("../../tests/data/torch/protocol4.bin"),
    ];

    #[test]
    fn every_truncation_is_an_error() {
        for file in FILES {
            for len in 0..file.len() {
                let message = entries(&file[..len]).unwrap_err().to_string();
                assert!(message.contains("download it again"), "cut at {len}: {message}");
            }
        }
    }

    #[test]
    fn damage_never_panics_or_leaves_the_file() {
        let mut random = 0x9E37_79B9_7F4A_7C15;
        for file in FILES {
            for _ in 0..5000 {
                let mut damaged = file.to_vec();
                for _ in 0..1 + next(&mut random, 3) {
                    let at = next(&mut random, file.len());
                    damaged[at] = next(&mut random, 256) as u8;
                }
                for (name, entry) in entries(&damaged).unwrap_or_default() {
                    assert!(entry.bytes.start <= entry.bytes.end, "{name}");
                    assert!(entry.bytes.end <= file.len(), "{name}");
                }
            }
        }
    }

    /// A number below `bound` from a xorshift generator.
    fn next(state: &mut u64, bound: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state % bound as u64) as usize
    }
}
