//! Matrix products with weights that are packed once.
//!
//! A [`Weight`] lies in panels of [`PANEL`] outputs, a [`Left`] in rows; both in the parts that the precision asks
//! for. A kernel makes a [`Tile`] of the result: some rows of one panel, over some range of the inputs. What comes out
//! of the last range is handed on at once, while it is near the processor: stored, or activated and packed as the
//! left side of the next product.
//!
//! Every element of a result is added up in one order, which depends on the weight's size, the
//! precision and the instructions alone. So a row's result
//! does not depend on the rows beside it, on the range of outputs, or on the number of threads.

mod bf16;
mod fresh;
mod isa;
mod left;
mod multiply;
mod single;
mod weight;

pub use isa::{Isa, IsaError};
pub(super) use left::Left;
pub(super) use multiply::{Output, multiply};
pub(super) use weight::Weight;
pub use weight::{Order, ReadRows};

use causal_trace_core::Precision;

/// Outputs of one panel of a weight.
const PANEL: usize = 32;
/// The most rows of a tile.
const TILE_ROWS: usize = 32;

/// A part of a result: rows of one panel, `[TILE_ROWS, PANEL]`.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Tile([f32; TILE_ROWS * PANEL]);

impl Tile {
    const EMPTY: Tile = Tile([0.0; TILE_ROWS * PANEL]);
}

/// bfloat16 parts of each operand; none where it stays float32.
fn parts(precision: Precision) -> Option<usize> {
    match precision {
        Precision::F32 => None,
        Precision::Bf16x6 => Some(3),
        Precision::Bf16x3 => Some(2),
        Precision::Bf16 => Some(1),
    }
}

/// `0..len` in as few equal ranges of at most `most` as it takes, each but the last a multiple of `unit`.
fn even_ranges(len: usize, most: usize, unit: usize) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
    let parts = len.div_ceil(most).max(1);
    let step = len.div_ceil(parts).next_multiple_of(unit).max(1);
    (0..len).step_by(step).map(move |start| start..(start + step).min(len))
}

/// Numbers between −½ and ½ without structure, the same in every run.
#[cfg(test)]
pub(super) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 - 0.5
        })
        .collect()
}
