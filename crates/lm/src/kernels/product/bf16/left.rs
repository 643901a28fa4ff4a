//! The left side of a product, packed for every product anew.

use super::parts::split;
use super::weight::Weight;
use super::{BLOCK, LEFT_LINES, Line, ROW_BLOCK};
use crate::kernels::math::vectorised;

/// Rows × k as blocks of bfloat16 parts (the format is in the [module](super)). The memory is kept from one product
/// to the next.
#[derive(Debug, Default)]
pub(crate) struct Left {
    lines: Vec<Line>,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    rows: usize,
    n_in: usize,
    n_blocks: usize,
    parts: usize,
}

impl Left {
    /// Takes another shape: rows beyond `rows` in the last row block are 0, and every other row must be written
    /// over all of `n_in` before it is used.
    ///
    /// # Panics
    /// When `parts` is not 1, 2 or 3.
    pub(crate) fn reshape(&mut self, rows: usize, n_in: usize, parts: usize) {
        assert!((1..=3).contains(&parts), "a number has 1, 2 or 3 parts");
        self.shape = Shape { rows, n_in, n_blocks: n_in.div_ceil(BLOCK), parts };
        let lines_per_row_block = self.row_block_lines();
        let n_lines = rows.div_ceil(ROW_BLOCK) * lines_per_row_block;
        if self.lines.len() < n_lines {
            self.lines.resize(n_lines, Line::ZERO);
        }
        let used = rows % ROW_BLOCK;
        if used > 0 {
            let last = &mut self.lines[n_lines - lines_per_row_block..n_lines];
            last.chunks_exact_mut(LEFT_LINES).for_each(|part| part[used..].fill(Line::ZERO));
        }
    }

    fn row_block_lines(&self) -> usize {
        self.shape.n_blocks * self.shape.parts * LEFT_LINES
    }

    /// Whether a weight has the same inputs in the same parts.
    pub(super) fn fits(&self, weight: &Weight) -> bool {
        self.shape.n_in == weight.n_in() && self.shape.parts == weight.parts()
    }

    /// Rows of the matrix.
    pub(crate) fn rows(&self) -> usize {
        self.shape.rows
    }

    /// u16s from one row block to the next.
    pub(crate) fn stride(&self) -> usize {
        self.row_block_lines() * BLOCK
    }

    /// Where a block begins; the blocks after it in its row block follow.
    ///
    /// # Panics
    /// When there is no such block.
    pub(crate) fn block(&self, row_block: usize, block: usize) -> *const u16 {
        assert!(row_block < self.shape.rows.div_ceil(ROW_BLOCK) && block < self.shape.n_blocks, "a block");
        let first = row_block * self.row_block_lines() + block * self.shape.parts * LEFT_LINES;
        self.lines[first..].as_ptr().cast()
    }

    /// Splits `values` and writes them as the columns from `k_start` on of a row. Where they end within a block the
    /// rest of it is 0.
    ///
    /// # Panics
    /// When `k_start` is not the start of a block, the row is beyond the matrix, the values reach beyond it, or
    /// they end within a block that is not the last.
    pub(crate) fn write_row(&mut self, row: usize, k_start: usize, values: &[f32]) {
        let Shape { rows, n_in, n_blocks, parts } = self.shape;
        let end = k_start + values.len();
        assert!(row < rows && end <= n_in, "the values lie within the matrix");
        assert!(k_start.is_multiple_of(BLOCK) && (end.is_multiple_of(BLOCK) || end == n_in), "whole blocks");
        let first = (row / ROW_BLOCK * n_blocks + k_start / BLOCK) * parts * LEFT_LINES + row % ROW_BLOCK;
        let lines = &mut self.lines[first..];
        match parts {
            1 => write::<1>(lines, values),
            2 => write::<2>(lines, values),
            _ => write::<3>(lines, values),
        }
    }
}

/// Writes a row's blocks, the first part of the first at the first of `lines`.
fn write<const PARTS: usize>(lines: &mut [Line], values: &[f32]) {
    let (whole, rest) = values.as_chunks::<BLOCK>();
    let mut store = |block: usize, parts: [Line; PARTS]| {
        for (part, line) in parts.into_iter().enumerate() {
            lines[(block * PARTS + part) * LEFT_LINES] = line;
        }
    };
    vectorised(
        #[inline(always)]
        || {
            for (block, values) in whole.iter().enumerate() {
                store(block, split::<PARTS>(values));
            }
            if !rest.is_empty() {
                let mut padded = [0.0; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                store(whole.len(), split::<PARTS>(&padded));
            }
        },
    );
}
