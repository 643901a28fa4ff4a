//! Products of bfloat16 parts, summed in float32.
//!
//! A float32 is split into 1, 2 or 3 bfloat16 parts, each the rounded rest that the parts before it leave; a product
//! of two such numbers is the sum of the products of their parts that matter. Every product of two bfloat16 is exact
//! in float32, so the error is that of the parts left out and of the float32 sums.
//!
//! | parts | products summed (x part, W part; h, m, l in order) |
//! |-------|----------------------------------------------------|
//! | 1     | hh                                                 |
//! | 2     | mh, hh, hm                                         |
//! | 3     | lh, mh, mm, hm, hh, hl                             |
//!
//! # Formats
//! k is the index that is summed over. Both sides come in blocks of 32 k's, made of [`Line`]s:
//!
//! - Weight ([`Weight`]): `[ceil(N/32)][ceil(K/32)][PARTS][16 pairs of k][32 columns][2]`. A part of a block is two
//!   AMX tiles side by side (rows 128 bytes apart), and each half of a row is an operand of `vdpbf16ps`.
//! - Left ([`Left`]): `[ceil(R/16)][ceil(K/32)][PARTS][16 rows][32 k]`. A part of a block is one AMX tile.
//!
//! Whatever lies beyond the matrix is 0.
//!
//! # Kernels
//! There is one kernel per set of instructions, all of type [`Kernel`]. Their sums differ in rounding, but within one
//! kernel a row's sums do not depend on how many rows there are or what the others hold.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod emulated_amx;
pub(crate) mod left;
mod parts;
mod portable;
#[cfg(test)]
mod tests;
pub(crate) mod weight;

use super::{Isa, PANEL, TILE_ROWS, Tile};
use left::Left;
use weight::Weight;

use std::ops::Range;

/// k's per block.
pub(crate) const BLOCK: usize = 32;

/// Rows of a left side that lie together.
pub(crate) const ROW_BLOCK: usize = 16;

/// Most rows that a kernel takes at once.
pub(super) const ROWS: usize = 2 * ROW_BLOCK;
const _: () = assert!(ROWS <= TILE_ROWS, "a tile has room for a kernel's rows");

/// bfloat16 bits that fill one line of the cache, and are aligned to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Line([u16; 32]);

impl Line {
    const ZERO: Line = Line([0; 32]);
}

/// Lines of one part of a block of the left side.
const LEFT_LINES: usize = ROW_BLOCK;

/// Lines of one part of a block of a weight.
const WEIGHT_LINES: usize = PANEL;

/// Sums of products of up to 32 rows of a left side with one panel of a weight, over a range of k-blocks.
///
/// Arguments:
/// - `a`: the range's first block of the first row block;
/// - `a_stride`: u16s from one row block to the next;
/// - `rows`: 1 to 32; rows from 16 on are read from the second row block;
/// - `b`: the range's first block of the panel;
/// - `n_blocks`: blocks in the range, at least 1;
/// - `out`: `[16 or 32 rows][32 columns]` float32, whole row blocks, overwritten. What comes into rows beyond `rows`
///   is not defined: some kernels leave them, others write their sums.
///
/// # Safety
/// The blocks are live, of the number of parts that the kernel is for, and aligned as [`Line`]s are; `out` is live
/// for whole row blocks and overlaps neither. The processor has the kernel's instructions. The AMX kernel runs
/// within [`amx::with_tiles`].
pub(crate) type Kernel =
    unsafe fn(a: *const u16, a_stride: usize, rows: usize, b: *const u16, n_blocks: usize, out: *mut f32);

/// The best kernel for 1, 2 or 3 parts that uses no more than `isa`.
///
/// # Panics
/// With another number of parts.
pub(crate) fn kernel(isa: Isa, parts: usize) -> Kernel {
    match parts {
        1 => kernel_of::<1>(isa),
        2 => kernel_of::<2>(isa),
        3 => kernel_of::<3>(isa),
        _ => unreachable!("a number has 1, 2 or 3 parts"),
    }
}

fn kernel_of<const PARTS: usize>(isa: Isa) -> Kernel {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Amx => amx::tile::<PARTS>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => avx512::tile::<PARTS>,
        _ => portable::tile::<PARTS>,
    }
}

/// Runs `work`, in which [`tile`] may be called on this thread with these instructions.
pub(super) fn prepared<R>(isa: Isa, work: impl FnOnce() -> R) -> R {
    match isa {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "tiles have to be configured before they are used")]
        // SAFETY: the processor and the system have AMX, as `isa` says.
        Isa::Amx => unsafe { amx::with_tiles(work) },
        _ => work(),
    }
}

/// The sums of products over some inputs, which begin with a block, for up to [`ROWS`] rows of one panel that begin
/// with a row block.
///
/// Within [`prepared`] for the same instructions.
///
/// # Panics
/// When rows or inputs lie outside the matrices, or do not begin with a block.
pub(super) fn tile(
    isa: Isa,
    left: &Left,
    rows: Range<usize>,
    right: &Weight,
    panel: usize,
    inputs: Range<usize>,
    out: &mut Tile,
) {
    assert!(!rows.is_empty() && rows.len() <= ROWS && rows.end <= left.rows(), "a tile has 1 to {ROWS} rows");
    assert!(
        rows.start.is_multiple_of(ROW_BLOCK) && inputs.start.is_multiple_of(BLOCK),
        "from whole blocks on"
    );
    assert!(!inputs.is_empty() && inputs.end <= right.n_in(), "inputs lie within the weight");
    assert!(left.fits(right), "both sides have the same inputs and parts");
    let (row_block, block) = (rows.start / ROW_BLOCK, inputs.start / BLOCK);
    let (a, b) = (left.block(row_block, block), right.block(panel, block));
    let kernel = kernel(isa, right.parts());
    #[expect(unsafe_code, reason = "kernels of vector instructions take pointers")]
    // SAFETY: the processor has the instructions, as `isa` says; the asserts bound what is read, and a tile has room for
    // whole row blocks.
    unsafe {
        kernel(a, left.stride(), rows.len(), b, inputs.len().div_ceil(BLOCK), out.0.as_mut_ptr());
    }
}

/// The parts (x, W) whose products are summed, in an order in which each step replaces one operand, the smallest
/// first but for the last step.
const fn products<const PARTS: usize>() -> &'static [(usize, usize)] {
    match PARTS {
        1 => &[(0, 0)],
        2 => &[(1, 0), (0, 0), (0, 1)],
        _ => &[(2, 0), (1, 0), (1, 1), (0, 1), (0, 0), (0, 2)],
    }
}
