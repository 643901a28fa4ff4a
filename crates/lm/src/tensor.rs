//! A model's tensors as their source has them, read as a whole or some rows at a time.

use std::ops::Range;

use rayon::prelude::*;

use crate::weights::{TensorView, WeightsError};

/// Numbers that one task checks.
const CHECKED: usize = 1 << 18;

/// A tensor where it is.
#[derive(Debug)]
pub(crate) enum Tensor<'a> {
    /// In its file.
    Stored(TensorView<'a>),
    /// In memory, in row-major order.
    Values(Vec<f32>),
}

impl<'a> Tensor<'a> {
    /// A tensor of a file, as a whole where single rows would be spread over it.
    ///
    /// # Errors
    /// When it is read as a whole and that fails, or a number is not finite.
    pub(crate) fn of(view: TensorView<'a>) -> Result<Self, WeightsError> {
        // Single rows of others would be spread over the file.
        Ok(if view.is_contiguous() { Tensor::Stored(view) } else { Tensor::Values(finite(&view)?) })
    }

    /// All its numbers in row-major order.
    ///
    /// # Errors
    /// When it cannot be read, or a number of its file is not finite.
    pub(crate) fn into_f32(self) -> Result<Vec<f32>, WeightsError> {
        match self {
            Tensor::Stored(view) => finite(&view),
            Tensor::Values(values) => Ok(values),
        }
    }

    /// Some rows of a matrix of that width, on the calling thread; the same errors.
    fn copy_rows(&self, width: usize, rows: Range<usize>, out: &mut [f32]) -> Result<(), WeightsError> {
        match self {
            Tensor::Stored(view) => {
                view.copy_rows(rows, out)?;
                view.check_finite(out)
            }
            Tensor::Values(values) => {
                out.copy_from_slice(&values[rows.start * width..rows.end * width]);
                Ok(())
            }
        }
    }
}

/// All numbers of a tensor, on the threads of the current pool.
fn finite(view: &TensorView<'_>) -> Result<Vec<f32>, WeightsError> {
    let values = view.to_f32()?;
    values.par_chunks(CHECKED).try_for_each(|values| view.check_finite(values))?;
    Ok(values)
}

/// Rows of some matrices, one below the other.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    /// Columns.
    width: usize,
    /// Which rows of which matrix.
    pieces: Vec<(&'a Tensor<'a>, Range<usize>)>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(width: usize, pieces: Vec<(&'a Tensor<'a>, Range<usize>)>) -> Self {
        Rows { width, pieces }
    }

    /// Writes some of the rows, counted over all matrices.
    pub(crate) fn read(&self, wanted: Range<usize>, mut out: &mut [f32]) -> Result<(), WeightsError> {
        let mut first = 0;
        for (tensor, rows) in &self.pieces {
            let (start, end) = (wanted.start.max(first), wanted.end.min(first + rows.len()));
            if start < end {
                let (here, rest) = std::mem::take(&mut out).split_at_mut((end - start) * self.width);
                let place = rows.start + (start - first);
                tensor.copy_rows(self.width, place..place + end - start, here)?;
                out = rest;
            }
            first += rows.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_several_matrices_are_counted_through() {
        let tensors = [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]];
        let [a, b] = tensors.map(|values| Tensor::Values(values.to_vec()));
        let rows = Rows::new(2, vec![(&b, 1..3), (&a, 2..3), (&b, 0..1), (&a, 0..2)]);
        let all = [12.0, 13.0, 14.0, 15.0, 4.0, 5.0, 10.0, 11.0, 0.0, 1.0, 2.0, 3.0];
        for start in 0..=6 {
            for end in start..=6 {
                let mut out = vec![f32::NAN; (end - start) * 2];
                rows.read(start..end, &mut out).unwrap();
                assert_eq!(out, all[start * 2..end * 2]);
            }
        }
    }
}
