//! The same in plain loops over arrays, which the compiler turns into whatever vectors the target always has.

use super::{Line, PANEL, Tile};

/// Rows and outputs whose sums are kept in registers.
const ROWS: usize = 4;
const WIDTH: usize = 8;

/// See [`super::tile`].
pub(super) fn tile(left: &[f32], stride: usize, rows: usize, lines: &[Line], out: &mut Tile) {
    for first in (0..rows).step_by(ROWS) {
        let n = ROWS.min(rows - first);
        // A row that is not there is computed as the last one, and left out.
        let row = |index: usize| {
            let start = (first + index.min(n - 1)) * stride;
            &left[start..start + lines.len()]
        };
        let rows = [row(0), row(1), row(2), row(3)];
        for start in (0..PANEL).step_by(WIDTH) {
            let sums = sums(rows, lines, start);
            for (index, sums) in sums.iter().enumerate().take(n) {
                let at = (first + index) * PANEL + start;
                out.0[at..at + WIDTH].copy_from_slice(sums);
            }
        }
    }
}

#[inline]
fn sums(rows: [&[f32]; ROWS], lines: &[Line], start: usize) -> [[f32; WIDTH]; ROWS] {
    let mut sums = [[0.0f32; WIDTH]; ROWS];
    let [first, second, third, fourth] = rows;
    for ((((line, a), b), c), d) in lines.iter().zip(first).zip(second).zip(third).zip(fourth) {
        let Some(right) = line.0[start..].first_chunk::<WIDTH>() else { break };
        for (sums, &left) in sums.iter_mut().zip([a, b, c, d]) {
            for (sum, &right) in sums.iter_mut().zip(right) {
                *sum = add_product(*sum, left, right);
            }
        }
    }
    sums
}

/// In one instruction where the target has one that rounds once; elsewhere a call would be slow.
#[inline(always)]
fn add_product(sum: f32, a: f32, b: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, sum) } else { sum + a * b }
}
