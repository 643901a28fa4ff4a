//! Rotary positions, in place.

use super::math::vectorised;
use crate::rope::{RopePairs, RopeTable};

/// Rotates the first `d_rotary` features of every head of every row by the angles of the row's position.
///
/// # Shapes
/// `x` `[rows, stride]`; the heads are features `offset .. offset + n_heads · d_head` of each row.
pub fn rotate(
    table: &RopeTable,
    positions: impl IntoIterator<Item = usize>,
    x: &mut [f32],
    stride: usize,
    heads: std::ops::Range<usize>,
    d_head: usize,
) {
    let n_pairs = table.d_rotary / 2;
    vectorised(
        #[inline(always)]
        || {
            for (row, position) in x.chunks_exact_mut(stride).zip(positions) {
                let angles = position * n_pairs..(position + 1) * n_pairs;
                let (cos, sin) = (&table.cos[angles.clone()], &table.sin[angles]);
                for head in row[heads.clone()].chunks_exact_mut(d_head) {
                    let rotated = &mut head[..table.d_rotary];
                    match table.pairs {
                        RopePairs::Halves => rotate_halves(rotated, cos, sin),
                        RopePairs::Neighbours => rotate_neighbours(rotated, cos, sin),
                    }
                }
            }
        },
    );
}

#[inline(always)]
fn rotate_halves(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = x.split_at_mut(cos.len());
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}

#[inline(always)]
fn rotate_neighbours(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    for ((pair, cos), sin) in x.chunks_exact_mut(2).zip(cos).zip(sin) {
        (pair[0], pair[1]) = (pair[0] * cos - pair[1] * sin, pair[1] * cos + pair[0] * sin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rope::{Rope, RopeScaling};

    #[test]
    fn a_quarter_turn_swaps_the_pair() {
        let rope =
            Rope { d_rotary: 2, pairs: RopePairs::Halves, frequencies: vec![std::f32::consts::FRAC_PI_2] };
        let table = RopeTable::new(&rope, 2);
        let mut x = [1.0, 2.0, 9.0, 1.0, 2.0, 9.0];
        rotate(&table, [0, 1], &mut x, 3, 0..3, 3);
        assert_eq!(x[..3], [1.0, 2.0, 9.0]);
        assert!((x[3] + 2.0).abs() < 1e-6 && (x[4] - 1.0).abs() < 1e-6 && x[5] == 9.0);
    }

    #[test]
    fn scores_depend_on_the_distance_only() {
        for pairs in [RopePairs::Halves, RopePairs::Neighbours] {
            let table = RopeTable::new(&Rope::new(4, 100.0, pairs, RopeScaling::None), 9);
            let turned = |position: usize, x: [f32; 4]| {
                let mut x = x;
                rotate(&table, [position], &mut x, 4, 0..4, 4);
                x
            };
            let score = |p, q| -> f32 {
                let (a, b) = (turned(p, [1.0, -0.5, 0.25, 2.0]), turned(q, [0.5, 1.5, -1.0, 1.0]));
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            };
            assert!((score(5, 2) - score(8, 5)).abs() < 1e-5);
            assert!((score(5, 2) - score(5, 3)).abs() > 1e-3);
        }
    }
}
