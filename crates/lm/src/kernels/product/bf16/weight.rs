//! The right side of a product, packed once.

use super::parts::split;
use super::{BLOCK, Line, PANEL, WEIGHT_LINES};
use crate::kernels::math::vectorised;
use crate::kernels::product::weight::{Piece, Stored};

/// A weight as panels of bfloat16 parts (the format is in the [module](super)).
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    lines: Vec<Line>,
    n_in: usize,
    pub(super) n_out: usize,
    parts: usize,
}

impl Weight {
    /// Packs a matrix, on the current pool.
    ///
    /// # Errors
    /// Those of its rows.
    ///
    /// # Panics
    /// When `parts` is not 1, 2 or 3.
    pub(crate) fn pack<E: Send>(stored: Stored<'_, E>, parts: usize) -> Result<Self, E> {
        let lines = stored.pack(Line::ZERO, BLOCK, parts * WEIGHT_LINES, |piece, lines| match parts {
            1 => pack_blocks::<1>(piece, lines),
            2 => pack_blocks::<2>(piece, lines),
            3 => pack_blocks::<3>(piece, lines),
            _ => unreachable!("a number has 1, 2 or 3 parts"),
        })?;
        Ok(Weight { lines, n_in: stored.n_in, n_out: stored.n_out, parts })
    }

    /// Width of what goes in.
    pub(crate) fn n_in(&self) -> usize {
        self.n_in
    }

    /// bfloat16 parts per number.
    pub(crate) fn parts(&self) -> usize {
        self.parts
    }

    /// Where a block begins; the blocks after it in its panel follow.
    ///
    /// # Panics
    /// When there is no such block.
    pub(crate) fn block(&self, panel: usize, block: usize) -> *const u16 {
        let n_blocks = self.n_in.div_ceil(BLOCK);
        assert!(panel < self.n_out.div_ceil(PANEL) && block < n_blocks, "a block of the weight");
        self.lines[(panel * n_blocks + block) * self.parts * WEIGHT_LINES..].as_ptr().cast()
    }
}

/// Packs some of a panel's blocks; what lies beyond the weight is 0.
fn pack_blocks<const PARTS: usize>(piece: &Piece<'_>, lines: &mut [Line]) {
    for (block, lines) in lines.chunks_exact_mut(PARTS * WEIGHT_LINES).enumerate() {
        // `[16 pairs of k][32 columns][2]`: one line of a weight holds two k's of 16 columns.
        let mut values = [[0.0; 32]; WEIGHT_LINES];
        let flat = values.as_flattened_mut();
        let inputs = block * BLOCK..(block + 1) * BLOCK;
        piece.for_each(inputs, |k, n, value| flat[(k / 2 * PANEL + n) * 2 + k % 2] = value);
        vectorised(
            #[inline(always)]
            || {
                for (index, values) in values.iter().enumerate() {
                    for (part, line) in split::<PARTS>(values).into_iter().enumerate() {
                        lines[part * WEIGHT_LINES + index] = line;
                    }
                }
            },
        );
    }
}
