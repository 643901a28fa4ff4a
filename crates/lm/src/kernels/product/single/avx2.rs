//! Six rows by two vectors of 8, with AVX2 and FMA: a panel in two halves.

use std::arch::x86_64::*;

use super::PANEL;

const ROWS: usize = 6;
const HALF: usize = PANEL / 2;

/// See [`super::tile`]; `b` is `[depth][PANEL]`, aligned to 64 bytes.
///
/// # Safety
/// The processor has AVX2 and FMA. `a` is readable at `row * stride + k` for `row < rows` and `k < depth`, `b` for
/// `depth` lines, and `out` writable for `rows` rows of a panel, aligned to 64 bytes.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tile(
    a: *const f32,
    stride: usize,
    rows: usize,
    b: *const f32,
    depth: usize,
    out: *mut f32,
) {
    let mut row = 0;
    while row < rows {
        // SAFETY: the caller's promises, for the rows from here on and one half of the panel.
        unsafe {
            let (a, out) = (a.add(row * stride), out.add(row * PANEL));
            let n = match rows - row {
                ROWS.. => ROWS,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            for half in [0, HALF] {
                let (b, out) = (b.add(half), out.add(half));
                match n {
                    ROWS => of_rows::<ROWS>(a, stride, b, depth, out),
                    4 => of_rows::<4>(a, stride, b, depth, out),
                    2 => of_rows::<2>(a, stride, b, depth, out),
                    _ => of_rows::<1>(a, stride, b, depth, out),
                }
            }
            row += n;
        }
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn of_rows<const N: usize>(
    a: *const f32,
    stride: usize,
    mut b: *const f32,
    depth: usize,
    out: *mut f32,
) {
    // SAFETY: every access is one that the caller promised.
    unsafe {
        let mut sums = [[_mm256_setzero_ps(); 2]; N];
        for k in 0..depth {
            let right = [_mm256_load_ps(b), _mm256_load_ps(b.add(8))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let left = _mm256_set1_ps(*a.add(row * stride + k));
                sums[0] = _mm256_fmadd_ps(left, right[0], sums[0]);
                sums[1] = _mm256_fmadd_ps(left, right[1], sums[1]);
            }
            b = b.add(PANEL);
        }
        for (row, sums) in sums.iter().enumerate() {
            _mm256_store_ps(out.add(row * PANEL), sums[0]);
            _mm256_store_ps(out.add(row * PANEL + 8), sums[1]);
        }
    }
}
