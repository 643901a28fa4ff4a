//! The kernel for AMX: 16 × 32 by 32 × 16 products on tile registers.

use std::arch::asm;
use std::cell::Cell;

use super::ROW_BLOCK;

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

impl TileConfig {
    /// All eight tiles have 16 rows of 64 bytes.
    const WHOLE: TileConfig = TileConfig {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes_per_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
        rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
    };
}

thread_local! {
    /// How many [`with_tiles`] this thread is within.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` with this thread's tiles configured for [`tile`], and releases them afterwards: the system saves
/// 8 KiB more per switch of threads while they are in use. Within another `with_tiles` of the same thread it only
/// runs `work`.
///
/// # Safety
/// The processor has AMX, and the process may use it ([`Isa::best`](super::Isa::best) is [`Isa::Amx`](super::Isa)).
#[expect(unsafe_code, reason = "instructions that only some processors have")]
pub(crate) unsafe fn with_tiles<R>(work: impl FnOnce() -> R) -> R {
    /// Releases in a panic too.
    struct Release;
    impl Drop for Release {
        fn drop(&mut self) {
            let depth = DEPTH.get() - 1;
            DEPTH.set(depth);
            if depth == 0 {
                #[expect(unsafe_code, reason = "instructions that only some processors have")]
                // SAFETY: the caller of `with_tiles` promised AMX. The compiler does not use tiles.
                unsafe {
                    asm!("tilerelease", options(nomem, nostack, preserves_flags));
                }
            }
        }
    }

    if DEPTH.get() == 0 {
        // SAFETY: the caller's promise; the configuration is 64 bytes and valid for palette 1. The compiler does
        // not use tiles.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &TileConfig::WHOLE, options(readonly, nostack, preserves_flags));
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _release = Release;
    work()
}

// The instructions of each step for one and for two row blocks. Tiles 0 to 3 hold the sums (2 per row block, side by
// side), 4 and 5 a part of the left side's row blocks, 6 and 7 the halves of a part of the weight.

macro_rules! one {
    (left $part:literal) => {
        concat!("tileloadd tmm4, [{a0} + {line}*1 + ", $part, "*1024]")
    };
    (weight $part:literal) => {
        concat!(
            "tileloadd tmm6, [{b} + {row}*1 + ",
            $part,
            "*2048]\n",
            "tileloadd tmm7, [{b} + {row}*1 + ",
            $part,
            "*2048 + 64]"
        )
    };
    (add) => {
        "tdpbf16ps tmm0, tmm4, tmm6\n tdpbf16ps tmm1, tmm4, tmm7"
    };
}

macro_rules! two {
    (left $part:literal) => {
        concat!(one!(left $part), "\n tileloadd tmm5, [{a1} + {line}*1 + ", $part, "*1024]")
    };
    (weight $part:literal) => {
        one!(weight $part)
    };
    (add) => {
        concat!(one!(add), "\n tdpbf16ps tmm2, tmm5, tmm6\n tdpbf16ps tmm3, tmm5, tmm7")
    };
}

/// The whole kernel in one block, so that no tile lives from one block of assembly to the next: the steps for each
/// k-block, then the sums are stored. All steps are in the order of `products`, and each loads one operand only.
macro_rules! sum_blocks {
    ($size:ident, $parts:literal, $a:expr, $a_stride:expr, $b:expr, $n_blocks:expr, $out:expr,
     $([$($step:tt)+])+) => {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            $($size!($($step)+),)+
            concat!("add {a0}, ", $parts, "*1024"),
            concat!("add {a1}, ", $parts, "*1024"),
            concat!("add {b}, ", $parts, "*2048"),
            "dec {n}",
            "jnz 2b",
            "tilestored [{out} + {row}*1], tmm0",
            "tilestored [{out} + {row}*1 + 64], tmm1",
            sum_blocks!(@store $size),
            a0 = inout(reg) $a => _,
            a1 = inout(reg) $a.wrapping_add($a_stride) => _,
            b = inout(reg) $b => _,
            n = inout(reg) $n_blocks => _,
            out = in(reg) $out,
            line = in(reg) 64_usize,
            row = in(reg) 128_usize,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
    (@store one) => {
        ""
    };
    (@store two) => {
        "tilestored [{out} + {row}*1 + 2048], tmm2\n tilestored [{out} + {row}*1 + 2112], tmm3"
    };
}

/// As [`Kernel`](super::Kernel) says; writes whole row blocks.
///
/// # Safety
/// As [`Kernel`](super::Kernel) says, within [`with_tiles`].
#[expect(unsafe_code, reason = "instructions that only some processors have, on raw pointers")]
pub(super) unsafe fn tile<const PARTS: usize>(
    a: *const u16,
    a_stride: usize,
    rows: usize,
    b: *const u16,
    n_blocks: usize,
    out: *mut f32,
) {
    // SAFETY: the caller promises that the tiles are configured and all blocks and the output are live. Each step
    // reads 1 KiB of the left side's row blocks or 2 KiB of the weight's, within the block that the loop is at; the
    // stores write 16 rows of 128 bytes per row block. The second row block is read only where there is one.
    unsafe {
        match (PARTS, rows > ROW_BLOCK) {
            (1, false) => sum_blocks!(one, 1, a, a_stride, b, n_blocks, out,
                [left 0] [weight 0] [add]),
            (1, true) => sum_blocks!(two, 1, a, a_stride, b, n_blocks, out,
                [left 0] [weight 0] [add]),
            (2, false) => sum_blocks!(one, 2, a, a_stride, b, n_blocks, out,
                [left 1] [weight 0] [add] [left 0] [add] [weight 1] [add]),
            (2, true) => sum_blocks!(two, 2, a, a_stride, b, n_blocks, out,
                [left 1] [weight 0] [add] [left 0] [add] [weight 1] [add]),
            (_, false) => sum_blocks!(one, 3, a, a_stride, b, n_blocks, out,
                [left 2] [weight 0] [add] [left 1] [add] [weight 1] [add]
                [left 0] [add] [weight 0] [add] [weight 2] [add]),
            (_, true) => sum_blocks!(two, 3, a, a_stride, b, n_blocks, out,
                [left 2] [weight 0] [add] [left 1] [add] [weight 1] [add]
                [left 0] [add] [weight 0] [add] [weight 2] [add]),
        }
    }
}
