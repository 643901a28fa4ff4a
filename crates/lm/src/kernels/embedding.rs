//! Rows picked from a table, and rows added.

use super::math::vectorised;

/// Copies the rows `ids` of `table` to `out`.
///
/// # Shapes
/// `table` `[any, width]`, `out` `[ids.len(), width]`.
///
/// # Panics
/// When an id is outside the table or the shapes do not fit.
pub fn gather(table: &[f32], width: usize, ids: impl IntoIterator<Item = usize>, out: &mut [f32]) {
    for (id, row) in ids.into_iter().zip(out.chunks_exact_mut(width)) {
        row.copy_from_slice(&table[id * width..(id + 1) * width]);
    }
}

/// `x += y`, element by element.
///
/// # Panics
/// When the lengths differ.
pub fn add_rows(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "rows to be added have equal shapes");
    vectorised(
        #[inline(always)]
        || x.iter_mut().zip(y).for_each(|(x, y)| *x += y),
    );
}
