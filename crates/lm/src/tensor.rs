//! A model's tensors as their source has them, read as a whole or some rows at a time.

use std::ops::Range;

use crate::weights::{TensorView, WeightsError};

/// A tensor where it is.
#[derive(Debug)]
pub(crate) enum Tensor<'a> {
    /// In its file.
    Stored(TensorView<'a>),
    /// In memory, in row-major order.
    Values(Vec<f32>),
}

impl Tensor<'_> {
    /// All its numbers in row-major order.
    pub(crate) fn into_f32(self) -> Result<Vec<f32>, WeightsError> {
        match self {
            Tensor::Stored(view) => view.to_f32(),
            Tensor::Values(values) => Ok(values),
        }
    }

    /// Some rows of a matrix of that width, on the calling thread.
    fn copy_rows(&self, width: usize, rows: Range<usize>, out: &mut [f32]) -> Result<(), WeightsError> {
        match self {
            Tensor::Stored(view) => view.copy_rows(rows, out),
            Tensor::Values(values) => {
                out.copy_from_slice(&values[rows.start * width..rows.end * width]);
                Ok(())
            }
        }
    }
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
