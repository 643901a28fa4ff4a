//! The right side of a product, packed once.

use rayon::prelude::*;

use super::parts::split;
use super::{BLOCK, Line, Order, PANEL, WEIGHT_LINES};
use crate::kernels::math::vectorised;

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
    /// # Panics
    /// When the weight has another size, or `parts` is not 1, 2 or 3.
    pub(crate) fn pack(weight: &[f32], order: Order, n_in: usize, n_out: usize, parts: usize) -> Self {
        assert_eq!(weight.len(), n_in * n_out, "a weight has n_in · n_out elements");
        let lines = match parts {
            1 => packed_lines::<1>(weight, order, n_in, n_out),
            2 => packed_lines::<2>(weight, order, n_in, n_out),
            3 => packed_lines::<3>(weight, order, n_in, n_out),
            _ => unreachable!("a number has 1, 2 or 3 parts"),
        };
        Weight { lines, n_in, n_out, parts }
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

/// One line of a weight holds two k's of 16 columns.
type Block<const PARTS: usize> = [[Line; WEIGHT_LINES]; PARTS];

fn packed_lines<const PARTS: usize>(weight: &[f32], layout: Order, n_in: usize, n_out: usize) -> Vec<Line> {
    let n_blocks = n_in.div_ceil(BLOCK);
    let blocks: Vec<Block<PARTS>> = (0..n_out.div_ceil(PANEL) * n_blocks)
        .into_par_iter()
        .map(|index| {
            let (n_start, k_start) = (index / n_blocks * PANEL, index % n_blocks * BLOCK);
            let mut values = [[0.0; 32]; WEIGHT_LINES];
            gather(weight, layout, [n_in, n_out], [k_start, n_start], values.as_flattened_mut());
            let mut block = [[Line::ZERO; WEIGHT_LINES]; PARTS];
            vectorised(
                #[inline(always)]
                || {
                    for (index, values) in values.iter().enumerate() {
                        for (part, line) in block.iter_mut().zip(split::<PARTS>(values)) {
                            part[index] = line;
                        }
                    }
                },
            );
            block
        })
        .collect();
    blocks.into_flattened().into_flattened()
}

/// Copies a block of the weight to `[16 pairs of k][32 columns][2]`; what lies beyond the weight stays as it is.
fn gather(
    weight: &[f32],
    layout: Order,
    [n_in, n_out]: [usize; 2],
    [k_start, n_start]: [usize; 2],
    values: &mut [f32],
) {
    let place = |k: usize, n: usize| (k / 2 * PANEL + n) * 2 + k % 2;
    let (n_k, n_n) = (BLOCK.min(n_in - k_start), PANEL.min(n_out - n_start));
    match layout {
        Order::InOut => {
            for k in 0..n_k {
                let row = &weight[(k_start + k) * n_out + n_start..][..n_n];
                row.iter().enumerate().for_each(|(n, &value)| values[place(k, n)] = value);
            }
        }
        Order::OutIn => {
            for n in 0..n_n {
                let row = &weight[(n_start + n) * n_in + k_start..][..n_k];
                row.iter().enumerate().for_each(|(k, &value)| values[place(k, n)] = value);
            }
        }
    }
}
