//! The table of contents of a safetensors file.

use std::path::Path;

use safetensors::{Dtype as FileDtype, SafeTensors};

use super::{Dtype, Element, Entry, WeightsError};

/// Bytes of the header's own length at the start of the file.
const LENGTH_BYTES: usize = 8;

/// Where each tensor of the file lies. The header is checked against the file's length, so that a
/// truncated file is noticed before anything is read from it.
pub(super) fn entries(path: &Path, file: &[u8]) -> Result<Vec<(String, Entry)>, WeightsError> {
    let (header, metadata) = SafeTensors::read_metadata(file)
        .map_err(|source| WeightsError::Safetensors { path: path.to_owned(), found: file.len(), source })?;
    let data = LENGTH_BYTES + header;
    let entry = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let (start, end) = info.data_offsets;
        let bytes = data + start..data + end;
        (name, Entry { element: element(info.dtype), shape: info.shape.clone(), strides: None, bytes })
    };
    Ok(metadata.tensors().into_iter().map(entry).collect())
}

fn element(dtype: FileDtype) -> Element {
    match dtype {
        FileDtype::F64 => Element::Float(Dtype::F64),
        FileDtype::F32 => Element::Float(Dtype::F32),
        FileDtype::F16 => Element::Float(Dtype::F16),
        FileDtype::BF16 => Element::Float(Dtype::BF16),
        other => Element::Other(format!("{other:?}")),
    }
}
