//! The kernel in plain loops, for every processor.

use super::parts::widened;
use super::{BLOCK, PANEL, ROW_BLOCK, products};
use crate::kernels::math::vectorised;

/// Rows whose sums are kept in registers together.
const GROUP: usize = 2;

/// As [`Kernel`](super::Kernel) says; leaves rows beyond `rows`.
///
/// # Safety
/// As [`Kernel`](super::Kernel) says.
#[expect(unsafe_code, reason = "one signature for all kernels, whose blocks are pieces of larger buffers")]
pub(super) unsafe fn tile<const PARTS: usize>(
    a: *const u16,
    a_stride: usize,
    rows: usize,
    b: *const u16,
    n_blocks: usize,
    out: *mut f32,
) {
    // SAFETY: the caller's promise: the panel's blocks are live.
    let b = unsafe { std::slice::from_raw_parts(b, n_blocks * PARTS * BLOCK * PANEL) };
    for (row_block, first) in (0..rows).step_by(ROW_BLOCK).enumerate() {
        let rows = ROW_BLOCK.min(rows - first);
        // SAFETY: the caller's promise: the row block's blocks and its rows of the output are live, and apart.
        let (a, out) = unsafe {
            (
                std::slice::from_raw_parts(a.add(row_block * a_stride), n_blocks * PARTS * ROW_BLOCK * BLOCK),
                std::slice::from_raw_parts_mut(out.add(first * PANEL), rows * PANEL),
            )
        };
        vectorised(
            #[inline(always)]
            || row_block_sums::<PARTS>(a, b, out),
        );
    }
}

#[inline(always)]
fn row_block_sums<const PARTS: usize>(a: &[u16], b: &[u16], out: &mut [f32]) {
    for (group, out) in out.chunks_mut(GROUP * PANEL).enumerate() {
        // The last group may have fewer rows; a row block always has them all.
        let sums = group_sums::<PARTS>(a, b, group * GROUP);
        out.copy_from_slice(&sums.as_flattened()[..out.len()]);
    }
}

#[inline(always)]
fn group_sums<const PARTS: usize>(a: &[u16], b: &[u16], row: usize) -> [[f32; PANEL]; GROUP] {
    const A_PART: usize = ROW_BLOCK * BLOCK;
    const B_PART: usize = BLOCK * PANEL;
    let mut sums = [[0.0; PANEL]; GROUP];
    for (a, b) in a.chunks_exact(PARTS * A_PART).zip(b.chunks_exact(PARTS * B_PART)) {
        for &(a_part, b_part) in products::<PARTS>() {
            let a = &a[a_part * A_PART + row * BLOCK..][..GROUP * BLOCK];
            let b = &b[b_part * B_PART..][..B_PART];
            for (pair, b) in b.as_chunks::<{ 2 * PANEL }>().0.iter().enumerate() {
                let even: [f32; PANEL] = std::array::from_fn(|column| widened(b[2 * column]));
                let odd: [f32; PANEL] = std::array::from_fn(|column| widened(b[2 * column + 1]));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let x = [0, 1].map(|k| widened(a[row * BLOCK + 2 * pair + k]));
                    for column in 0..PANEL {
                        sums[column] += x[0] * even[column];
                        sums[column] += x[1] * odd[column];
                    }
                }
            }
        }
    }
    sums
}
