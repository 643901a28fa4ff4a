//! Products in float32.
//!
//! A weight lies in panels `[n_in][PANEL]`, its left side in rows with some numbers between them. A tile is up to
//! [`ROWS`] rows.

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions that not every processor has, on pointers")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions that not every processor has, on pointers")]
mod avx512;
mod portable;

use std::ops::Range;

use super::weight::Stored;
use super::{Isa, PANEL, Tile};

/// Rows of a tile.
pub(super) const ROWS: usize = 12;
/// Inputs of one range: a panel's part stays in the second-level cache with the rows that it meets.
pub(super) const DEPTH: usize = 1024;

/// Inputs that are packed at once.
const SIDE: usize = 16;

/// A packed weight: `[panels][n_in][PANEL]`, zero beyond its last output.
#[derive(Debug, Clone)]
pub(super) struct Panels {
    n_in: usize,
    values: Vec<Line>,
}

/// The numbers of one input in one panel.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([f32; PANEL]);

impl Panels {
    pub(super) fn pack<E: Send>(stored: Stored<'_, E>) -> Result<Self, E> {
        let values = stored.pack(Line([0.0; PANEL]), 1, 1, |piece, lines| {
            // Squares that fit the cache.
            for (square, lines) in lines.chunks_mut(SIDE).enumerate() {
                let first = square * SIDE;
                piece.for_each(first..first + lines.len(), |k, n, value| lines[k].0[n] = value);
            }
        })?;
        Ok(Panels { n_in: stored.n_in, values })
    }

    fn lines(&self, panel: usize, inputs: Range<usize>) -> &[Line] {
        &self.values[panel * self.n_in..(panel + 1) * self.n_in][inputs]
    }
}

/// A left side: rows whose distance keeps them from sharing the same lines of the cache.
#[derive(Debug, Default)]
pub(super) struct Rows {
    stride: usize,
    values: Vec<f32>,
}

impl Rows {
    pub(super) fn reset(&mut self, rows: usize, width: usize) {
        // An odd number of cache lines from row to row.
        self.stride = (width.div_ceil(16) | 1) * 16;
        let len = rows * self.stride;
        if self.values.len() < len {
            self.values.resize(len, 0.0);
        }
    }

    pub(super) fn write(&mut self, row: usize, start: usize, values: &[f32]) {
        let start = row * self.stride + start;
        self.values[start..start + values.len()].copy_from_slice(values);
    }
}

/// The sums of products over some inputs, for up to [`ROWS`] rows of one panel.
///
/// # Panics
/// When rows or inputs lie outside the matrices.
pub(super) fn tile(
    isa: Isa,
    left: &Rows,
    rows: Range<usize>,
    right: &Panels,
    panel: usize,
    inputs: Range<usize>,
    out: &mut Tile,
) {
    let lines = right.lines(panel, inputs.clone());
    let stride = left.stride;
    let left = &left.values[rows.start * stride + inputs.start..];
    assert!(!rows.is_empty() && rows.len() <= ROWS, "a tile has 1 to {ROWS} rows");
    assert!((rows.len() - 1) * stride + lines.len() <= left.len(), "rows lie within the left side");
    #[cfg(target_arch = "x86_64")]
    {
        let (a, b, out) = (left.as_ptr(), lines.as_ptr().cast(), out.0.as_mut_ptr());
        #[expect(unsafe_code, reason = "kernels of vector instructions take pointers")]
        // SAFETY: the processor has the instructions, as `isa` says; the asserts above bound what is read, and a tile
        // has room for any number of rows up to ROWS.
        unsafe {
            match isa {
                Isa::Portable => {}
                Isa::Avx2 => return avx2::tile(a, stride, rows.len(), b, lines.len(), out),
                _ => return avx512::tile(a, stride, rows.len(), b, lines.len(), out),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = isa;
    portable::tile(left, stride, rows.len(), lines, out);
}
