//! The right side of a product, packed once.

use std::convert::Infallible;
use std::ops::Range;

use causal_trace_core::Precision;
use rayon::prelude::*;

use super::fresh::fresh;
use super::{PANEL, bf16, parts, single};

/// Numbers of a matrix `[n_in, n_out]` that are there at once while it is packed.
const SLAB: usize = 1 << 20;
/// Numbers of it that are read by one task.
const READ: usize = 1 << 16;

/// A matrix `[n_in, n_out]`, packed for a precision.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    n_in: usize,
    n_out: usize,
    precision: Precision,
    form: Form,
}

#[derive(Debug, Clone)]
pub(super) enum Form {
    Single(single::Panels),
    Bf16(bf16::weight::Weight),
}

impl Weight {
    /// Packs a matrix, of which no more than some rows are there at once.
    ///
    /// # Errors
    /// As `read`.
    pub(crate) fn pack<E: Send>(
        precision: Precision,
        order: Order,
        n_in: usize,
        n_out: usize,
        read: &ReadRows<'_, E>,
    ) -> Result<Self, E> {
        let stored = Stored { order, n_in, n_out, read };
        let form = match parts(precision) {
            None => Form::Single(single::Panels::pack(stored)?),
            Some(parts) => Form::Bf16(bf16::weight::Weight::pack(stored, parts)?),
        };
        Ok(Weight { n_in, n_out, precision, form })
    }

    /// The same of a matrix that is there as a whole.
    ///
    /// # Panics
    /// When it has not n_in · n_out elements.
    pub(crate) fn of_values(
        precision: Precision,
        order: Order,
        n_in: usize,
        n_out: usize,
        values: &[f32],
    ) -> Self {
        assert_eq!(values.len(), n_in * n_out, "a weight has n_in · n_out elements");
        let width = order.width(n_in, n_out);
        let read = |rows: Range<usize>, out: &mut [f32]| -> Result<(), Infallible> {
            out.copy_from_slice(&values[rows.start * width..rows.end * width]);
            Ok(())
        };
        let Ok(weight) = Self::pack(precision, order, n_in, n_out, &read);
        weight
    }

    pub(crate) fn n_in(&self) -> usize {
        self.n_in
    }

    pub(crate) fn n_out(&self) -> usize {
        self.n_out
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }
}

/// Writes some rows of a stored matrix; called from any thread of the current pool, for every row once.
pub type ReadRows<'a, E> = dyn Fn(Range<usize>, &mut [f32]) -> Result<(), E> + Sync + 'a;

/// How a matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `[n_in, n_out]`, as GPT-2's `Conv1D`.
    InOut,
    /// `[n_out, n_in]`, as PyTorch's `Linear`.
    OutIn,
}

impl Order {
    /// Numbers of a row.
    fn width(self, n_in: usize, n_out: usize) -> usize {
        match self {
            Order::InOut => n_out,
            Order::OutIn => n_in,
        }
    }
}

/// A matrix that is to be packed.
pub(super) struct Stored<'a, E> {
    pub(super) order: Order,
    pub(super) n_in: usize,
    pub(super) n_out: usize,
    pub(super) read: &'a ReadRows<'a, E>,
}

/// Numbers of a panel's outputs for some inputs.
pub(super) struct Piece<'a> {
    order: Order,
    /// Of the matrix in which the outputs lie.
    width: usize,
    outputs: Range<usize>,
    values: &'a [f32],
}

impl Piece<'_> {
    /// Calls back with every number, its input counted from `inputs.start` and its output from the panel's first.
    #[inline(always)]
    pub(super) fn for_each(&self, inputs: Range<usize>, mut each: impl FnMut(usize, usize, f32)) {
        match self.order {
            Order::InOut => {
                let rows = self.values.chunks_exact(self.width).take(inputs.end).skip(inputs.start);
                for (k, row) in rows.enumerate() {
                    let row = &row[self.outputs.clone()];
                    row.iter().enumerate().for_each(|(n, &value)| each(k, n, value));
                }
            }
            Order::OutIn => {
                for (n, row) in self.values.chunks_exact(self.width).enumerate() {
                    let row = &row[inputs.start..inputs.end.min(row.len())];
                    row.iter().enumerate().for_each(|(k, &value)| each(k, n, value));
                }
            }
        }
    }
}

impl<E: Send> Stored<'_, E> {
    /// Packs every panel's lines, of which `per_unit` belong to `unit` inputs: `pack` gets some of a panel's lines and
    /// the numbers that belong there.
    pub(super) fn pack<Line: Copy + Send + Sync>(
        &self,
        zero: Line,
        unit: usize,
        per_unit: usize,
        pack: impl Fn(&Piece<'_>, &mut [Line]) + Sync,
    ) -> Result<Vec<Line>, E> {
        let &Stored { order, n_in, n_out, read } = self;
        let per_panel = n_in.div_ceil(unit) * per_unit;
        let mut lines = fresh(zero, n_out.div_ceil(PANEL) * per_panel);
        let outputs = |panel: usize| panel * PANEL..((panel + 1) * PANEL).min(n_out);
        let chunk = per_panel.max(1);
        match order {
            Order::OutIn => lines.par_chunks_mut(chunk).enumerate().try_for_each_init(
                Vec::new,
                |values, (panel, lines)| {
                    values.resize(outputs(panel).len() * n_in, 0.0);
                    read(outputs(panel), values)?;
                    pack(&Piece { order, width: n_in, outputs: outputs(panel), values }, lines);
                    Ok(())
                },
            )?,
            Order::InOut => {
                let step = (SLAB / n_out.max(1)).max(1).next_multiple_of(unit);
                let mut values = vec![0.0; step.min(n_in) * n_out];
                for start in (0..n_in).step_by(step) {
                    let values = &mut values[..step.min(n_in - start) * n_out];
                    let some = (READ / n_out.max(1)).max(1);
                    let rows = values.par_chunks_mut((some * n_out).max(1)).enumerate();
                    rows.try_for_each(|(place, out)| {
                        let first = start + place * some;
                        read(first..first + out.len() / n_out, out)
                    })?;
                    let values = &*values;
                    lines.par_chunks_mut(chunk).enumerate().for_each(|(panel, lines)| {
                        let end = (start + step).div_ceil(unit) * per_unit;
                        let lines = &mut lines[start / unit * per_unit..end.min(per_panel)];
                        pack(&Piece { order, width: n_out, outputs: outputs(panel), values }, lines);
                    });
                }
            }
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Left, Output, multiply};
    use super::*;

    #[test]
    fn both_orders_give_one_weight_in_any_number_of_slabs() {
        let (n_in, n_out) = (1100, 1003);
        assert!(n_in * n_out > SLAB, "more than one slab");
        let value = |k: usize, n: usize| ((k * 31 + n * 17) % 1009) as f32 / 1009.0 - 0.5;
        let in_out: Vec<f32> = (0..n_in * n_out).map(|at| value(at / n_out, at % n_out)).collect();
        let out_in: Vec<f32> = (0..n_in * n_out).map(|at| value(at % n_in, at / n_in)).collect();
        let x: Vec<f32> = (0..2 * n_in).map(|at| (at % 13) as f32 - 6.0).collect();
        for precision in Precision::ALL {
            let weights = [
                Weight::of_values(precision, Order::InOut, n_in, n_out, &in_out),
                Weight::of_values(precision, Order::OutIn, n_in, n_out, &out_in),
            ];
            let products = weights.map(|weight| {
                let mut left = Left::default();
                left.pack(precision, &x, n_in);
                let mut y = vec![f32::NAN; 2 * n_out];
                multiply(&left, &weight, None, 0..n_out, Output::Store(&mut y));
                y
            });
            assert!(products[0] == products[1], "{precision}");
            let exact: f64 = (0..n_in).map(|k| f64::from(x[k]) * f64::from(value(k, n_out - 1))).sum();
            assert!((f64::from(products[0][n_out - 1]) - exact).abs() < 0.5, "{precision}");
        }
    }

    #[test]
    fn what_a_row_fails_with_is_handed_on() {
        for order in [Order::InOut, Order::OutIn] {
            let read = |rows: Range<usize>, out: &mut [f32]| {
                out.fill(0.0);
                if rows.contains(&33) { Err("row 33") } else { Ok(()) }
            };
            let packed = Weight::pack(Precision::F32, order, 40, 70, &read);
            assert_eq!(packed.map(|_| ()).unwrap_err(), "row 33");
        }
    }
}
