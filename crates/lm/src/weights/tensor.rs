//! One tensor of a checkpoint, still in the file's own number format.

use std::path::Path;

use bytemuck::AnyBitPattern;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use super::WeightsError;

/// Elements converted by one task; large enough that a task outweighs its start.
const CHUNK: usize = 1 << 16;

/// The number formats that weights are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE double precision, rounded to single when read.
    F64,
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an IEEE single.
    BF16,
}

impl Dtype {
    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Dtype::F64 => 8,
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
        }
    }
}

/// A named tensor whose bytes lie in a mapped file, little-endian.
#[derive(Debug, Clone)]
pub struct TensorView<'a> {
    /// The name under which the checkpoint holds it.
    pub name: &'a str,
    /// The format of its elements.
    pub dtype: Dtype,
    /// Its dimensions, the slowest first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The file it is in.
    pub(super) path: &'a Path,
    /// From its first element on; exactly its elements if it is contiguous.
    pub(super) bytes: &'a [u8],
    /// Elements between neighbours of each dimension; `None` if it is contiguous in row-major order.
    pub(super) strides: Option<&'a [usize]>,
}

impl TensorView<'_> {
    /// The number of elements.
    #[must_use]
    pub fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// All elements in row-major order as f32; exact except from f64.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.n_elements()];
        self.copy_to_f32(&mut out);
        out
    }

    /// Writes all elements in row-major order into `out`.
    ///
    /// # Panics
    /// If `out` has not exactly [`n_elements`](Self::n_elements) places.
    pub fn copy_to_f32(&self, out: &mut [f32]) {
        assert_eq!(out.len(), self.n_elements(), "the buffer for '{}' has another length", self.name);
        match self.strides {
            None => self.copy_contiguous(out),
            Some(strides) => self.copy_strided(strides, out),
        }
    }

    /// Checks the shape against what the model's configuration asks for.
    ///
    /// # Errors
    /// [`WeightsError::Shape`], which names the tensor and both shapes.
    pub fn expect_shape(&self, expected: &[usize]) -> Result<(), WeightsError> {
        if self.shape == expected {
            return Ok(());
        }
        Err(WeightsError::Shape {
            tensor: self.name.to_owned(),
            path: self.path.to_owned(),
            expected: expected.to_vec(),
            found: self.shape.clone(),
        })
    }

    fn copy_contiguous(&self, out: &mut [f32]) {
        let size = self.dtype.size();
        out.par_chunks_mut(CHUNK)
            .zip(self.bytes.par_chunks(CHUNK * size))
            .for_each(|(out, bytes)| convert(self.dtype, bytes, out));
    }

    /// Walks the last dimension in an inner loop and the others like the digits of a counter.
    fn copy_strided(&self, strides: &[usize], out: &mut [f32]) {
        let Some((&row, outer)) = self.shape.split_last() else {
            return convert(self.dtype, &self.bytes[..self.dtype.size()], out);
        };
        if out.is_empty() {
            return;
        }
        let mut index = vec![0; outer.len()];
        for out in out.chunks_exact_mut(row) {
            let start: usize = index.iter().zip(strides).map(|(i, stride)| i * stride).sum();
            for (i, out) in out.iter_mut().enumerate() {
                let at = (start + i * strides[outer.len()]) * self.dtype.size();
                convert(self.dtype, &self.bytes[at..at + self.dtype.size()], std::slice::from_mut(out));
            }
            advance(&mut index, outer);
        }
    }
}

/// Counts `index` up by one, its last digit the fastest, each digit below its bound.
fn advance(index: &mut [usize], bounds: &[usize]) {
    for (digit, &bound) in index.iter_mut().zip(bounds).rev() {
        *digit += 1;
        if *digit < bound {
            return;
        }
        *digit = 0;
    }
}

/// Converts as many elements as `out` holds.
fn convert(dtype: Dtype, bytes: &[u8], out: &mut [f32]) {
    match dtype {
        Dtype::F64 => convert_each(bytes, out, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::F32 => match aligned::<f32>(bytes) {
            Some(values) => out.copy_from_slice(values),
            None => convert_each(bytes, out, f32::from_le_bytes),
        },
        Dtype::F16 => match aligned::<f16>(bytes) {
            Some(values) => values.convert_to_f32_slice(out),
            None => convert_each(bytes, out, |bytes| f16::from_le_bytes(bytes).to_f32()),
        },
        Dtype::BF16 => match aligned::<bf16>(bytes) {
            Some(values) => values.convert_to_f32_slice(out),
            None => convert_each(bytes, out, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        },
    }
}

/// The bytes as numbers, where their address and this machine's byte order allow it.
fn aligned<T: AnyBitPattern>(bytes: &[u8]) -> Option<&[T]> {
    if cfg!(target_endian = "little") { bytemuck::try_cast_slice(bytes).ok() } else { None }
}

fn convert_each<const N: usize>(bytes: &[u8], out: &mut [f32], convert: impl Fn([u8; N]) -> f32) {
    let (elements, _) = bytes.as_chunks::<N>();
    for (out, element) in out.iter_mut().zip(elements) {
        *out = convert(*element);
    }
}
