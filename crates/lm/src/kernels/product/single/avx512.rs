//! Twelve rows by two vectors of 16, with AVX-512.

use std::arch::x86_64::*;

use super::{PANEL, ROWS};

/// See [`super::tile`]; `b` is `[depth][PANEL]`, aligned to 64 bytes.
///
/// # Safety
/// The processor has AVX-512F. `a` is readable at `row * stride + k` for `row < rows <= ROWS` and `k < depth`, `b` for
/// `depth` lines, and `out` writable for `rows` rows of a panel, aligned to 64 bytes.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn tile(
    a: *const f32,
    stride: usize,
    rows: usize,
    b: *const f32,
    depth: usize,
    out: *mut f32,
) {
    // SAFETY: the caller's promises are those that each of these asks for.
    unsafe {
        match rows {
            ROWS => of_rows::<ROWS>(a, stride, b, depth, out),
            8 => of_rows::<8>(a, stride, b, depth, out),
            4 => of_rows::<4>(a, stride, b, depth, out),
            _ => {
                // Pieces of 8, 4, 2 and 1.
                let mut row = 0;
                while row < rows {
                    let (a, out) = (a.add(row * stride), out.add(row * PANEL));
                    row += match rows - row {
                        8.. => piece::<8>(a, stride, b, depth, out),
                        4.. => piece::<4>(a, stride, b, depth, out),
                        2.. => piece::<2>(a, stride, b, depth, out),
                        _ => piece::<1>(a, stride, b, depth, out),
                    };
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn piece<const N: usize>(
    a: *const f32,
    stride: usize,
    b: *const f32,
    depth: usize,
    out: *mut f32,
) -> usize {
    // SAFETY: the caller's.
    unsafe { of_rows::<N>(a, stride, b, depth, out) };
    N
}

#[target_feature(enable = "avx512f")]
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
        let mut sums = [[_mm512_setzero_ps(); 2]; N];
        for k in 0..depth {
            let right = [_mm512_load_ps(b), _mm512_load_ps(b.add(16))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let left = _mm512_set1_ps(*a.add(row * stride + k));
                sums[0] = _mm512_fmadd_ps(left, right[0], sums[0]);
                sums[1] = _mm512_fmadd_ps(left, right[1], sums[1]);
            }
            b = b.add(PANEL);
        }
        for (row, sums) in sums.iter().enumerate() {
            _mm512_store_ps(out.add(row * PANEL), sums[0]);
            _mm512_store_ps(out.add(row * PANEL + 16), sums[1]);
        }
    }
}
