//! Matrix products, one per weight.

use std::ops::Range;
use std::sync::Arc;

use gemm::Parallelism;
use rayon::prelude::*;

/// A linear map `y = x · W + b`.
///
/// Weights are kept as `[n_in, n_out]`, whichever way the checkpoint has them: the product packs its right side
/// in rows of outputs, and with few rows of `x` the other layout is up to four times slower.
#[derive(Debug, Clone)]
pub struct Linear {
    /// Shared, since a tied head is the token embedding itself.
    weight: Arc<Vec<f32>>,
    bias: Option<Vec<f32>>,
    n_in: usize,
    n_out: usize,
    in_stride: usize,
    out_stride: usize,
}

impl Linear {
    /// From a weight `[n_out, n_in]`, as PyTorch's `Linear` keeps it.
    ///
    /// # Panics
    /// When the weight or the bias has another size.
    #[must_use]
    pub fn from_out_in(weight: &[f32], bias: Option<Vec<f32>>, n_in: usize, n_out: usize) -> Self {
        assert_eq!(weight.len(), n_in * n_out, "a weight has n_in · n_out elements");
        Self::from_in_out(transposed(weight, n_out, n_in), bias, n_in, n_out)
    }

    /// From a weight `[n_in, n_out]`, as GPT-2's `Conv1D` keeps it.
    ///
    /// # Panics
    /// When the weight or the bias has another size.
    #[must_use]
    pub fn from_in_out(weight: Vec<f32>, bias: Option<Vec<f32>>, n_in: usize, n_out: usize) -> Self {
        Self::checked(Linear { weight: weight.into(), bias, n_in, n_out, in_stride: n_out, out_stride: 1 })
    }

    /// A head that is the token embedding, `[n_out, n_in]`, without a copy.
    ///
    /// # Panics
    /// When the embedding or the bias has another size.
    #[must_use]
    pub fn tied(embedding: Arc<Vec<f32>>, bias: Option<Vec<f32>>, n_in: usize, n_out: usize) -> Self {
        Self::checked(Linear { weight: embedding, bias, n_in, n_out, in_stride: 1, out_stride: n_in })
    }

    fn checked(self) -> Self {
        assert_eq!(self.weight.len(), self.n_in * self.n_out, "a weight has n_in · n_out elements");
        assert!(self.bias.as_ref().is_none_or(|bias| bias.len() == self.n_out), "a bias has n_out elements");
        self
    }

    /// Number of weights and biases.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        self.weight.len() + self.bias.as_ref().map_or(0, Vec::len)
    }

    /// Width of what goes in.
    #[must_use]
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Width of what comes out.
    #[must_use]
    pub fn n_out(&self) -> usize {
        self.n_out
    }
}

/// `[rows, columns]` to `[columns, rows]`, in squares that fit the cache.
fn transposed(x: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const SIDE: usize = 32;
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut((SIDE * rows).max(1)).enumerate().for_each(|(strip, out)| {
        let first = strip * SIDE;
        for start in (0..rows).step_by(SIDE) {
            for (column, out) in (first..columns.min(first + SIDE)).zip(out.chunks_exact_mut(rows)) {
                for row in start..rows.min(start + SIDE) {
                    out[row] = x[row * columns + column];
                }
            }
        }
    });
    out
}

/// How many threads one product may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread only: for work that is already split.
    One,
    /// All threads of the current pool.
    All,
}

/// Results of at most so many elements are products of their own kind in gemm.
const GEMM_SMALL: usize = 256;

/// The outputs `outputs` of `y = x · W + b` for every row. A row's result does not depend on the other rows.
///
/// # Shapes
/// `x` `[rows, n_in]`, `y` `[rows, outputs.len()]`.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear(x: &[f32], map: &Linear, outputs: Range<usize>, y: &mut [f32], threads: Threads) {
    let (n_in, n_out) = (map.n_in, outputs.len());
    assert!(outputs.end <= map.n_out, "outputs of a linear map lie within its width");
    let rows = x.len() / n_in;
    assert_eq!(x.len(), rows * n_in, "x is rows × n_in");
    assert_eq!(y.len(), rows * n_out, "y is rows × outputs");
    if rows == 0 {
        return;
    }
    let enough = (GEMM_SMALL / n_out + 1).max(2);
    if rows < enough {
        return with_rows_of_zeros(x, map, outputs, y, enough);
    }
    if let Some(bias) = &map.bias {
        let bias = &bias[outputs.clone()];
        y.chunks_exact_mut(n_out).for_each(|row| row.copy_from_slice(bias));
    }
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        Threads::All => Parallelism::Rayon(rayon::current_num_threads()),
    };
    let weight = &map.weight[outputs.start * map.out_stride..];
    let last = (n_in - 1) * map.in_stride + (n_out - 1) * map.out_stride;
    assert!(last < weight.len(), "the weight covers the outputs");
    #[expect(unsafe_code, reason = "gemm's interface is raw pointers; the asserts above bound every access")]
    // SAFETY: x, y and weight are live slices whose sizes were checked against the strides given here, and
    // y is borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            rows,
            n_out,
            n_in,
            y.as_mut_ptr(),
            1,
            n_out as isize,
            map.bias.is_some(),
            x.as_ptr(),
            1,
            n_in as isize,
            weight.as_ptr(),
            map.out_stride as isize,
            map.in_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// gemm adds up in another order where the result is a single row or very small; rows of zeros keep it from that,
/// so that a row's result is the same to the bit however many others there are.
fn with_rows_of_zeros(x: &[f32], map: &Linear, outputs: Range<usize>, y: &mut [f32], rows: usize) {
    let mut padded_x = x.to_vec();
    padded_x.resize(rows * map.n_in, 0.0);
    let mut padded_y = vec![0.0; rows * outputs.len()];
    linear(&padded_x, map, outputs, &mut padded_y, Threads::One);
    y.copy_from_slice(&padded_y[..y.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without structure, the same in every run.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 16_777_216.0 - 0.5
            })
            .collect()
    }

    #[test]
    fn equals_the_sum_of_products_in_both_layouts() {
        for (rows, n_in, n_out, outputs) in [(1, 5, 7, 0..7), (3, 16, 33, 4..30), (70, 31, 18, 17..18)] {
            let x = numbers(rows * n_in, 1);
            let weight = numbers(n_in * n_out, 2);
            let bias = numbers(n_out, 3);
            let transposed: Vec<f32> =
                (0..n_in * n_out).map(|index| weight[index % n_out * n_in + index / n_out]).collect();
            let maps = [
                Linear::from_out_in(&weight, Some(bias.clone()), n_in, n_out),
                Linear::tied(Arc::new(weight.clone()), Some(bias.clone()), n_in, n_out),
                Linear::from_in_out(transposed, Some(bias.clone()), n_in, n_out),
            ];
            for map in maps {
                let mut y = vec![f32::NAN; rows * outputs.len()];
                linear(&x, &map, outputs.clone(), &mut y, Threads::One);
                for (index, &y) in y.iter().enumerate() {
                    let (row, output) = (index / outputs.len(), outputs.start + index % outputs.len());
                    let sum: f64 = (0..n_in)
                        .map(|k| f64::from(x[row * n_in + k]) * f64::from(weight[output * n_in + k]))
                        .sum();
                    let exact = sum + f64::from(bias[output]);
                    assert!((f64::from(y) - exact).abs() < 1e-6, "{y} instead of {exact}");
                }
            }
        }
    }
}
