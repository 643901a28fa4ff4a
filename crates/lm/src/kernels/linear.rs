//! Linear maps.

use std::ops::Range;

use causal_trace_core::Precision;
use rayon::prelude::*;

use super::product::{Left, Order, Output, ReadRows, Weight, multiply};
use crate::Activation;

/// A linear map `y = x · W + b`, its weight packed for a precision.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Weight,
    bias: Option<Vec<f32>>,
}

impl Linear {
    /// From a weight `[n_out, n_in]`, as PyTorch's `Linear` keeps it.
    ///
    /// # Panics
    /// When the weight or the bias has another size.
    #[must_use]
    pub fn from_out_in(
        precision: Precision,
        weight: &[f32],
        bias: Option<Vec<f32>>,
        n_in: usize,
        n_out: usize,
    ) -> Self {
        Self::checked(Weight::of_values(precision, Order::OutIn, n_in, n_out, weight), bias)
    }

    /// From a weight `[n_in, n_out]`, as GPT-2's `Conv1D` keeps it.
    ///
    /// # Panics
    /// When the weight or the bias has another size.
    #[must_use]
    pub fn from_in_out(
        precision: Precision,
        weight: &[f32],
        bias: Option<Vec<f32>>,
        n_in: usize,
        n_out: usize,
    ) -> Self {
        Self::checked(Weight::of_values(precision, Order::InOut, n_in, n_out, weight), bias)
    }

    /// From the rows of a weight, which `read` writes, some at a time: called from any thread of the current pool, for
    /// every row once. So the weight need never be there as a whole.
    ///
    /// # Errors
    /// As `read`.
    ///
    /// # Panics
    /// When the bias has another size.
    pub fn from_rows<E: Send>(
        precision: Precision,
        order: Order,
        bias: Option<Vec<f32>>,
        [n_in, n_out]: [usize; 2],
        read: &ReadRows<'_, E>,
    ) -> Result<Self, E> {
        Ok(Self::checked(Weight::pack(precision, order, n_in, n_out, read)?, bias))
    }

    fn checked(weight: Weight, bias: Option<Vec<f32>>) -> Self {
        let n_out = weight.n_out();
        assert!(bias.as_ref().is_none_or(|bias| bias.len() == n_out), "a bias has n_out elements");
        Linear { weight, bias }
    }

    /// Width of what goes in.
    #[must_use]
    pub fn n_in(&self) -> usize {
        self.weight.n_in()
    }

    /// Width of what comes out.
    #[must_use]
    pub fn n_out(&self) -> usize {
        self.weight.n_out()
    }

    /// How accurately it multiplies.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.weight.precision()
    }
}

/// Rows packed as the left side of a product.
#[derive(Debug, Default)]
pub struct Packed(Left);

impl Packed {
    /// Makes room for the input rows of a map, which [`Packed::write`] sets one by one; what was there is no longer
    /// defined.
    pub fn reset(&mut self, map: &Linear, rows: usize) {
        self.0.reset(map.precision(), rows, map.n_in());
    }

    /// Sets a whole row.
    ///
    /// # Shapes
    /// `[map.n_in()]` of the map that [`Packed::reset`] was given.
    ///
    /// # Panics
    /// When there is no such row, or the values are not all of its inputs.
    pub fn write(&mut self, row: usize, values: &[f32]) {
        assert_eq!(values.len(), self.0.width(), "a whole row");
        self.0.write(row, 0, values);
    }

    /// All rows of `x`, `[rows, map.n_in()]`.
    #[must_use]
    pub fn of(map: &Linear, x: &[f32]) -> Self {
        let mut packed = Packed::default();
        packed.pack(map, x);
        packed
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.rows()
    }

    /// The same in the memory that is there already.
    ///
    /// # Panics
    /// When `x` is not whole rows.
    pub fn pack(&mut self, map: &Linear, x: &[f32]) {
        self.0.pack(map.precision(), x, map.n_in());
    }
}

/// How many threads one product may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread only: for work that is already split.
    One,
    /// All threads of the current pool.
    All,
}

/// The outputs `outputs` of `y = x · W + b` for every row. A row's result does not depend on the other rows.
///
/// # Shapes
/// `x` `[rows, n_in]`, `y` `[rows, outputs.len()]`.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear(x: &[f32], map: &Linear, outputs: Range<usize>, y: &mut [f32], threads: Threads) {
    linear_packed(&Packed::of(map, x), map, outputs, y, threads);
}

/// The same with `x` packed already.
///
/// # Panics
/// When the shapes do not fit, or `x` was packed for a map of another size or precision.
pub fn linear_packed(x: &Packed, map: &Linear, outputs: Range<usize>, y: &mut [f32], threads: Threads) {
    let (Packed(left), bias) = (x, map.bias.as_deref());
    let n_threads = rayon::current_num_threads();
    if threads == Threads::One || n_threads == 1 {
        return multiply(left, &map.weight, bias, outputs, Output::Store(y));
    }
    // Some outputs for each thread; what they come to is put side by side afterwards.
    let (rows, width) = (left.rows(), outputs.len());
    assert_eq!(y.len(), rows * width, "y is rows × outputs");
    let step = width.div_ceil(PARTS_PER_THREAD * n_threads).max(1).next_multiple_of(LEAST_OUTPUTS);
    let starts: Vec<usize> = outputs.clone().step_by(step).collect();
    let parts: Vec<Vec<f32>> = starts
        .par_iter()
        .map(|&start| {
            let part = start..(start + step).min(outputs.end);
            let mut y = vec![0.0; rows * part.len()];
            multiply(left, &map.weight, bias, part, Output::Store(&mut y));
            y
        })
        .collect();
    for (row, y) in y.chunks_exact_mut(width.max(1)).enumerate() {
        for (part, y) in parts.iter().zip(y.chunks_mut(step)) {
            y.copy_from_slice(&part[row * y.len()..(row + 1) * y.len()]);
        }
    }
}

/// Parts that a product over all threads is cut into, and the outputs of one at least.
const PARTS_PER_THREAD: usize = 2;
const LEAST_OUTPUTS: usize = 64;

/// `act(x · W + b)`, packed for a next map, on the calling thread.
///
/// # Panics
/// When `next` does not take the outputs of `map`.
pub(crate) fn linear_activated(
    x: &Packed,
    map: &Linear,
    activation: Activation,
    next: &Linear,
    out: &mut Packed,
) {
    out.reset(next, x.0.rows());
    let output = Output::Activate(activation, &mut out.0);
    multiply(&x.0, &map.weight, map.bias.as_deref(), 0..map.n_out(), output);
}

#[cfg(test)]
mod tests {
    use super::super::product::numbers;
    use super::*;

    #[test]
    fn equals_the_sum_of_products_in_both_layouts() {
        for (rows, n_in, n_out, outputs) in
            [(1, 5, 7, 0..7), (3, 16, 33, 4..30), (70, 31, 18, 17..18), (13, 2_100, 300, 10..290)]
        {
            let x = numbers(rows * n_in, 1);
            let weight = numbers(n_in * n_out, 2);
            let bias = numbers(n_out, 3);
            let transposed: Vec<f32> =
                (0..n_in * n_out).map(|index| weight[index % n_out * n_in + index / n_out]).collect();
            let maps = [
                Linear::from_out_in(Precision::F32, &weight, Some(bias.clone()), n_in, n_out),
                Linear::from_in_out(Precision::F32, &transposed, Some(bias.clone()), n_in, n_out),
            ];
            for (map, threads) in maps.iter().flat_map(|map| [(map, Threads::One), (map, Threads::All)]) {
                let mut y = vec![f32::NAN; rows * outputs.len()];
                linear(&x, map, outputs.clone(), &mut y, threads);
                for (index, &y) in y.iter().enumerate() {
                    let (row, output) = (index / outputs.len(), outputs.start + index % outputs.len());
                    let sum: f64 = (0..n_in)
                        .map(|k| f64::from(x[row * n_in + k]) * f64::from(weight[output * n_in + k]))
                        .sum();
                    let exact = sum + f64::from(bias[output]);
                    assert!((f64::from(y) - exact).abs() < 1e-5, "{y} instead of {exact}");
                }
            }
        }
    }

    #[test]
    fn activated_rows_go_on_as_if_stored_and_packed() {
        let (rows, n_in, middle, n_out) = (29, 70, 90, 20);
        let x = numbers(rows * n_in, 4);
        let first = Linear::from_in_out(
            Precision::F32,
            &numbers(n_in * middle, 5),
            Some(numbers(middle, 6)),
            n_in,
            middle,
        );
        let second = Linear::from_in_out(Precision::F32, &numbers(middle * n_out, 7), None, middle, n_out);
        let mut stored = vec![f32::NAN; rows * middle];
        linear(&x, &first, 0..middle, &mut stored, Threads::One);
        super::super::activate(Activation::GeluTanh, &mut stored);
        let mut expected = vec![f32::NAN; rows * n_out];
        linear(&stored, &second, 0..n_out, &mut expected, Threads::One);

        let (mut packed, mut next) = (Packed::default(), Packed::default());
        packed.pack(&first, &x);
        linear_activated(&packed, &first, Activation::GeluTanh, &second, &mut next);
        let mut found = vec![f32::NAN; rows * n_out];
        linear_packed(&next, &second, 0..n_out, &mut found, Threads::One);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_row_does_not_depend_on_the_rows_beside_it() {
        let (rows, n_in, n_out) = (31, 1_500, 70);
        let x = numbers(rows * n_in, 8);
        let map = Linear::from_in_out(Precision::F32, &numbers(n_in * n_out, 9), None, n_in, n_out);
        let product = |x: &[f32], threads: Threads| {
            let mut y = vec![f32::NAN; x.len() / n_in * n_out];
            linear(x, &map, 0..n_out, &mut y, threads);
            y
        };
        let together = product(&x, Threads::One);
        assert_eq!(together, product(&x, Threads::All));
        for (row, expected) in x.chunks_exact(n_in).zip(together.chunks_exact(n_out)) {
            assert_eq!(product(row, Threads::One), expected);
        }
    }
}
