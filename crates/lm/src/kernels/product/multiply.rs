//! The loops around the kernels.

use std::ops::Range;

use super::{Isa, Left, PANEL, Tile, Weight, bf16, even_ranges, left, single, weight};
use crate::Activation;
use crate::kernels::activation::activate;
use crate::kernels::math::vectorised;

/// Where a product's result goes.
pub(crate) enum Output<'a> {
    /// `[rows, outputs]`.
    Store(&'a mut [f32]),
    /// Activated, to the left side of a next product, which has as many rows and as many inputs as there are outputs;
    /// for whole panels from the first output on.
    Activate(Activation, &'a mut Left),
}

/// The outputs `outputs` of `x · W + b`, on the calling thread.
///
/// # Panics
/// When shapes or precisions do not fit.
pub(crate) fn multiply(
    left: &Left,
    weight: &Weight,
    bias: Option<&[f32]>,
    outputs: Range<usize>,
    output: Output<'_>,
) {
    multiply_by(Isa::current(), left, weight, bias, outputs, output);
}

fn multiply_by(
    isa: Isa,
    left: &Left,
    weight: &Weight,
    bias: Option<&[f32]>,
    outputs: Range<usize>,
    output: Output<'_>,
) {
    assert!(isa <= Isa::best(), "the processor has the instructions");
    assert_eq!(left.precision(), weight.precision(), "both sides are packed for one precision");
    assert_eq!(left.width(), weight.n_in(), "a left side has n_in inputs");
    assert!(outputs.end <= weight.n_out(), "outputs lie within the weight");
    let (rows, n_in) = (left.rows(), weight.n_in());
    let mut finish = Finish { bias, outputs, output };
    finish.check(rows);
    match (left.form(), weight.form()) {
        (left::Form::Single(left), weight::Form::Single(right)) => {
            let loops = Loops { rows: single::ROWS, panels: 1, depth: single::DEPTH, unit: 1 };
            loops.run(rows, n_in, &mut finish, |rows, panel, inputs, tile| {
                single::tile(isa, left, rows, right, panel, inputs, tile);
            });
        }
        (left::Form::Bf16(left), weight::Form::Bf16(right)) => {
            let loops = Loops::bf16(isa, n_in, right.parts());
            bf16::prepared(isa, || {
                loops.run(rows, n_in, &mut finish, |rows, panel, inputs, tile| {
                    bf16::tile(isa, left, rows, right, panel, inputs, tile);
                });
            });
        }
        (left::Form::Single(_), weight::Form::Bf16(_)) | (left::Form::Bf16(_), weight::Form::Single(_)) => {
            unreachable!("one precision has one form")
        }
    }
}

/// How much of a product is done before going on to the next part.
struct Loops {
    /// Rows of a tile.
    rows: usize,
    /// Panels that a block of the weight consists of: what is met by all rows before the next block is.
    panels: usize,
    /// The most inputs that are added up in one go, and what their ranges are multiples of.
    depth: usize,
    unit: usize,
}

impl Loops {
    fn bf16(isa: Isa, n_in: usize, parts: usize) -> Self {
        let (panel_bytes, block_bytes) = match isa {
            // 2 MiB of second-level cache, of which the left side's rows take some.
            Isa::Amx => (200 << 10, 800 << 10),
            _ => (100 << 10, 400 << 10),
        };
        let input_bytes = PANEL * parts * size_of::<u16>();
        let depth = (panel_bytes / input_bytes).next_multiple_of(bf16::BLOCK);
        let panels = (block_bytes / (n_in.min(depth) * input_bytes)).clamp(2, 8);
        Loops { rows: bf16::ROWS, panels, depth, unit: bf16::BLOCK }
    }

    fn run(
        &self,
        n_rows: usize,
        n_in: usize,
        finish: &mut Finish<'_>,
        kernel: impl Fn(Range<usize>, usize, Range<usize>, &mut Tile),
    ) {
        let ranges = even_ranges(n_in, self.depth, self.unit);
        let n_ranges = ranges.clone().count();
        let panels = finish.outputs.start / PANEL..finish.outputs.end.div_ceil(PANEL);
        let mut tile = Tile::EMPTY;
        // Sums over the ranges so far, `[panels of a block][rows][PANEL]`.
        let mut partial = vec![0.0; if n_ranges > 1 { self.panels * n_rows * PANEL } else { 0 }];
        for first in panels.clone().step_by(self.panels) {
            let block = first..(first + self.panels).min(panels.end);
            for (range, inputs) in ranges.clone().enumerate() {
                for start in (0..n_rows).step_by(self.rows) {
                    let rows = start..(start + self.rows).min(n_rows);
                    for panel in block.clone() {
                        kernel(rows.clone(), panel, inputs.clone(), &mut tile);
                        if n_ranges > 1 {
                            let start = ((panel - first) * n_rows + rows.start) * PANEL;
                            let so_far = &mut partial[start..start + rows.len() * PANEL];
                            add_range(&mut tile, so_far, range == 0);
                        }
                        if range + 1 == n_ranges {
                            finish.tile(rows.clone(), panel, &mut tile);
                        }
                    }
                }
            }
        }
    }
}

/// Adds a range's sums to those so far, and leaves the result in both places.
fn add_range(tile: &mut Tile, so_far: &mut [f32], is_first: bool) {
    let tile = &mut tile.0[..so_far.len()];
    if !is_first {
        vectorised(
            #[inline(always)]
            || tile.iter_mut().zip(so_far.iter()).for_each(|(tile, so_far)| *tile += so_far),
        );
    }
    so_far.copy_from_slice(tile);
}

/// What is done with the tiles of a result.
struct Finish<'a> {
    bias: Option<&'a [f32]>,
    outputs: Range<usize>,
    output: Output<'a>,
}

impl Finish<'_> {
    fn check(&self, rows: usize) {
        match &self.output {
            Output::Store(y) => assert_eq!(y.len(), rows * self.outputs.len(), "y is rows × outputs"),
            Output::Activate(_, left) => {
                assert_eq!(left.rows(), rows, "the next left side has the same rows");
                assert_eq!(
                    left.width(),
                    self.outputs.len(),
                    "the next left side has these outputs as inputs"
                );
                assert_eq!(self.outputs.start % PANEL, 0, "activated outputs begin with a panel");
            }
        }
    }

    fn tile(&mut self, rows: Range<usize>, panel: usize, tile: &mut Tile) {
        let first = panel * PANEL;
        let columns = first.max(self.outputs.start)..(first + PANEL).min(self.outputs.end);
        // The same as places in the panel and in the result.
        let (inside, outside) = (
            columns.start - first..columns.end - first,
            columns.start - self.outputs.start..columns.end - self.outputs.start,
        );
        let tile = &mut tile.0[..rows.len() * PANEL];
        if let Some(bias) = self.bias {
            add_bias(tile, &bias[columns], inside.start);
        }
        match &mut self.output {
            Output::Store(y) => {
                let width = self.outputs.len();
                for (row, values) in rows.zip(tile.chunks_exact(PANEL)) {
                    let start = row * width;
                    y[start + outside.start..start + outside.end].copy_from_slice(&values[inside.clone()]);
                }
            }
            Output::Activate(activation, left) => {
                activate(*activation, tile);
                for (row, values) in rows.zip(tile.chunks_exact(PANEL)) {
                    left.write(row, outside.start, &values[inside.clone()]);
                }
            }
        }
    }
}

/// Adds some outputs' bias to every row of a tile, from a column on.
fn add_bias(tile: &mut [f32], bias: &[f32], start: usize) {
    let mut line = [0.0; PANEL];
    line[start..start + bias.len()].copy_from_slice(bias);
    let (rows, _) = tile.as_chunks_mut::<PANEL>();
    vectorised(
        #[inline(always)]
        || {
            for row in rows {
                row.iter_mut().zip(&line).for_each(|(value, bias)| *value += bias);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Precision;

    use super::super::{Order, numbers};
    use super::*;

    /// The largest error of a sum of `n_in` products of numbers up to ½, as a share of the root of `n_in`.
    fn tolerance(precision: Precision) -> f64 {
        match precision {
            Precision::F32 | Precision::Bf16x6 => 5e-7,
            Precision::Bf16x3 => 1e-5,
            Precision::Bf16 => 3e-3,
        }
    }

    /// Long sums in several ranges, rows that do not fill a tile, outputs that begin and end within panels.
    #[test]
    fn every_path_equals_float64_at_every_precision() {
        for (rows, n_in, n_out, outputs) in [(1, 3, 5, 0..5), (37, 2_339, 130, 7..121), (50, 97, 96, 32..96)]
        {
            let (x, weight, bias) = (numbers(rows * n_in, 1), numbers(n_in * n_out, 2), numbers(n_out, 3));
            let exact: Vec<f64> = (0..rows)
                .flat_map(|row| outputs.clone().map(move |output| (row, output)))
                .map(|(row, output)| {
                    let terms = (0..n_in)
                        .map(|k| f64::from(x[row * n_in + k]) * f64::from(weight[k * n_out + output]));
                    terms.sum::<f64>() + f64::from(bias[output])
                })
                .collect();
            for precision in Precision::ALL {
                let packed = Weight::of_values(precision, Order::InOut, n_in, n_out, &weight);
                let mut left = Left::default();
                left.pack(precision, &x, n_in);
                for isa in Isa::ALL.into_iter().filter(|&isa| isa <= Isa::best()) {
                    let mut y = vec![f32::NAN; rows * outputs.len()];
                    multiply_by(isa, &left, &packed, Some(&bias), outputs.clone(), Output::Store(&mut y));
                    let worst = y.iter().zip(&exact).map(|(&y, exact)| (f64::from(y) - exact).abs());
                    let worst = worst.fold(0.0, |worst, error| if error <= worst { worst } else { error });
                    let allowed = tolerance(precision) * (n_in as f64).sqrt();
                    assert!(worst < allowed, "{precision} with {isa}, n_in {n_in}: {worst}");
                }
            }
        }
    }
}
