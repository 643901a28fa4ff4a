//! The kernel for AVX-512 with `vdpbf16ps`.

use super::{BLOCK, PANEL, ROW_BLOCK};
use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_storeu_ps,
};

/// Columns in one register.
const LANES: usize = 16;

/// Registers that hold one row's sums.
const HALVES: usize = PANEL / LANES;

/// As [`Kernel`](super::Kernel) says; leaves rows beyond `rows`.
///
/// # Safety
/// As [`Kernel`](super::Kernel) says; the instructions are AVX-512 F and BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "instructions that only some processors have, on raw pointers")]
pub(super) unsafe fn tile<const PARTS: usize>(
    a: *const u16,
    a_stride: usize,
    rows: usize,
    b: *const u16,
    n_blocks: usize,
    out: *mut f32,
) {
    const GROUP: usize = 8;
    for row in (0..rows).step_by(GROUP) {
        // SAFETY: a group of 8 rows lies within one row block, and both within what the caller promises.
        unsafe {
            let a = a.add(row / ROW_BLOCK * a_stride + row % ROW_BLOCK * BLOCK);
            let out = out.add(row * PANEL);
            match rows - row {
                1 => group::<PARTS, 1>(a, b, n_blocks, out),
                2 => group::<PARTS, 2>(a, b, n_blocks, out),
                3 => group::<PARTS, 3>(a, b, n_blocks, out),
                4 => group::<PARTS, 4>(a, b, n_blocks, out),
                5 => group::<PARTS, 5>(a, b, n_blocks, out),
                6 => group::<PARTS, 6>(a, b, n_blocks, out),
                7 => group::<PARTS, 7>(a, b, n_blocks, out),
                _ => group::<PARTS, 8>(a, b, n_blocks, out),
            }
        }
    }
}

/// The sums of `ROWS` rows that lie within one row block.
///
/// # Safety
/// As [`tile`], with `a` at the first row.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "instructions that only some processors have, on raw pointers")]
unsafe fn group<const PARTS: usize, const ROWS: usize>(
    mut a: *const u16,
    mut b: *const u16,
    n_blocks: usize,
    out: *mut f32,
) {
    let mut sums = [[_mm512_setzero_ps(); HALVES]; ROWS];
    for _ in 0..n_blocks {
        for pair in 0..BLOCK / 2 {
            let weights = |part: usize| {
                [0, 1].map(|half| {
                    let offset = part * BLOCK * PANEL + pair * 2 * PANEL + half * 2 * LANES;
                    // SAFETY: within the part of the block; the caller promises that it is live.
                    pairs(unsafe { _mm512_loadu_si512(b.add(offset).cast()) })
                })
            };
            let mut add = |part: usize, weights: [__m512bh; HALVES]| {
                for (row, sums) in sums.iter_mut().enumerate() {
                    let offset = part * ROW_BLOCK * BLOCK + row * BLOCK + pair * 2;
                    // SAFETY: as above; a pair begins at an even u16 of an aligned line, so i32 is aligned.
                    let x = pairs(_mm512_set1_epi32(unsafe { a.add(offset).cast::<i32>().read() }));
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = _mm512_dpbf16_ps(*sum, x, weights);
                    }
                }
            };
            // The products in their order, spelled out: as a loop over them the sums do not stay in registers.
            let high = weights(0);
            match PARTS {
                1 => add(0, high),
                2 => {
                    add(1, high);
                    add(0, high);
                    add(0, weights(1));
                }
                _ => {
                    let middle = weights(1);
                    add(2, high);
                    add(1, high);
                    add(1, middle);
                    add(0, middle);
                    add(0, high);
                    add(0, weights(2));
                }
            }
        }
        // SAFETY: the next block, or the end of the last.
        unsafe {
            a = a.add(PARTS * ROW_BLOCK * BLOCK);
            b = b.add(PARTS * BLOCK * PANEL);
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (half, sum) in sums.into_iter().enumerate() {
            // SAFETY: the row's columns in the output, which the caller promises to be live.
            unsafe { _mm512_storeu_ps(out.add(row * PANEL + half * LANES), sum) };
        }
    }
}

#[expect(unsafe_code, reason = "the standard library has no conversion to this type")]
#[inline(always)]
fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both types are 64 bytes without structure.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
}
