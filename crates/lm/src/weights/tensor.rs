//! One tensor of a checkpoint, still in the file's own number format.

use std::ops::Range;

use bytemuck::AnyBitPattern;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use super::WeightsError;
use super::file::WeightsFile;

/// Elements converted by one task; large enough that a task outweighs its start, few enough to stay in cache.
const CHUNK: usize = 1 << 16;
/// Elements that are checked before the first bad one among them is noticed.
const PIECE: usize = 1 << 12;
/// Elements that are shared out among the threads at once, so that a disk is read nearly in order.
const SLAB: usize = 1 << 23;

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

/// A named tensor whose bytes lie in a file, little-endian.
#[derive(Debug, Clone)]
pub struct TensorView<'a> {
    /// The name under which the checkpoint holds it.
    pub name: &'a str,
    /// The format of its elements.
    pub dtype: Dtype,
    /// Its dimensions, the slowest first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The file it is in.
    pub(super) file: &'a WeightsFile,
    /// From its first element on; exactly its elements if it is contiguous.
    pub(super) bytes: Range<usize>,
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
    ///
    /// # Errors
    /// As [`copy_to_f32`](Self::copy_to_f32).
    pub fn to_f32(&self) -> Result<Vec<f32>, WeightsError> {
        let mut out = vec![0.0; self.n_elements()];
        self.copy_to_f32(&mut out)?;
        Ok(out)
    }

    /// Writes all elements in row-major order into `out`, on the threads of the current pool.
    ///
    /// # Errors
    /// When the file cannot be read or has been changed since it was opened.
    ///
    /// # Panics
    /// If `out` has not exactly [`n_elements`](Self::n_elements) places.
    pub fn copy_to_f32(&self, out: &mut [f32]) -> Result<(), WeightsError> {
        assert_eq!(out.len(), self.n_elements(), "the buffer for '{}' has another length", self.name);
        match self.strides {
            None => self.copy_contiguous(out)?,
            Some(strides) => self.copy_strided(strides, out)?,
        }
        self.file.check_unchanged()
    }

    /// Writes some of its rows, slices of the first dimension, into `out`, on the calling thread.
    ///
    /// # Errors
    /// As [`copy_to_f32`](Self::copy_to_f32).
    ///
    /// # Panics
    /// When it is a scalar or has fewer rows, or `out` is of another size.
    pub fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), WeightsError> {
        let view = self.rows(rows);
        assert_eq!(out.len(), view.n_elements(), "the buffer for '{}' has another length", self.name);
        match view.strides {
            None => view.copy_chunks(view.bytes.start, out, &mut Vec::new())?,
            Some(strides) => view.copy_strided(strides, out)?,
        }
        self.file.check_unchanged()
    }

    /// Whether some of its numbers, as they were read, are all finite; on the calling thread, best while they are in its
    /// cache.
    ///
    /// # Errors
    /// [`WeightsError::NotFinite`], which names the tensor.
    pub(crate) fn check_finite(&self, values: &[f32]) -> Result<(), WeightsError> {
        // Without a way out inside a piece, so that it is done many at a time.
        let is_finite = |piece: &[f32]| piece.iter().fold(true, |all, value| all & value.is_finite());
        if values.chunks(PIECE).all(is_finite) {
            return Ok(());
        }
        Err(WeightsError::NotFinite { tensor: self.name.to_owned(), path: self.file.path.clone() })
    }

    /// Whether its elements lie one after the other, so that its rows can be read by themselves.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.strides.is_none()
    }

    /// Some of its rows: slices of the first dimension.
    ///
    /// # Panics
    /// When it is a scalar, or has fewer rows.
    fn rows(&self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.shape[0], "'{}' has {:?}", self.name, self.shape);
        let mut shape = self.shape.clone();
        shape[0] = rows.len();
        let stride = match self.strides {
            None => shape[1..].iter().product(),
            Some(strides) => strides[0],
        };
        let start = self.bytes.start + rows.start * stride * self.dtype.size();
        let end = match self.strides {
            None => start + rows.len() * stride * self.dtype.size(),
            Some(strides) => (start + spanned(&shape, strides) * self.dtype.size()).min(self.bytes.end),
        };
        TensorView { shape, bytes: start..end, ..self.clone() }
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
            path: self.file.path.clone(),
            expected: expected.to_vec(),
            found: self.shape.clone(),
        })
    }

    fn copy_contiguous(&self, out: &mut [f32]) -> Result<(), WeightsError> {
        let size = self.dtype.size();
        for (slab, out) in out.chunks_mut(SLAB).enumerate() {
            let start = self.bytes.start + slab * SLAB * size;
            out.par_chunks_mut(CHUNK).enumerate().try_for_each_init(Vec::new, |buffer, (chunk, out)| {
                self.copy_chunk(start + chunk * CHUNK * size, buffer, out)
            })?;
        }
        Ok(())
    }

    /// Reads and converts the elements from a place in the file on, a chunk at a time.
    fn copy_chunks(&self, start: usize, out: &mut [f32], buffer: &mut Vec<u8>) -> Result<(), WeightsError> {
        let size = self.dtype.size();
        let mut chunks = out.chunks_mut(CHUNK).enumerate();
        chunks.try_for_each(|(chunk, out)| self.copy_chunk(start + chunk * CHUNK * size, buffer, out))
    }

    fn copy_chunk(&self, start: usize, buffer: &mut Vec<u8>, out: &mut [f32]) -> Result<(), WeightsError> {
        let len = out.len() * self.dtype.size();
        if let Some(bytes) = self.file.in_memory(start..start + len) {
            convert(self.dtype, bytes, out);
        } else if self.dtype == Dtype::F32 && cfg!(target_endian = "little") {
            self.file.read(start, bytemuck::cast_slice_mut(out))?;
        } else {
            buffer.resize(len, 0);
            self.file.read(start, buffer)?;
            convert(self.dtype, buffer, out);
        }
        Ok(())
    }

    /// Walks the last dimension in an inner loop and the others like the digits of a counter.
    fn copy_strided(&self, strides: &[usize], out: &mut [f32]) -> Result<(), WeightsError> {
        if out.is_empty() {
            return Ok(());
        }
        let mut bytes = vec![0; self.bytes.len()];
        self.file.read(self.bytes.start, &mut bytes)?;
        let Some((&row, outer)) = self.shape.split_last() else {
            convert(self.dtype, &bytes[..self.dtype.size()], out);
            return Ok(());
        };
        let mut index = vec![0; outer.len()];
        for out in out.chunks_exact_mut(row) {
            let start: usize = index.iter().zip(strides).map(|(i, stride)| i * stride).sum();
            for (i, out) in out.iter_mut().enumerate() {
                let at = (start + i * strides[outer.len()]) * self.dtype.size();
                convert(self.dtype, &bytes[at..at + self.dtype.size()], std::slice::from_mut(out));
            }
            advance(&mut index, outer);
        }
        Ok(())
    }
}

/// How many elements there are from the first to the last one; both lie within a file.
fn spanned(shape: &[usize], strides: &[usize]) -> usize {
    if shape.contains(&0) {
        return 0;
    }
    1 + shape.iter().zip(strides).map(|(size, stride)| (size - 1) * stride).sum::<usize>()
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
