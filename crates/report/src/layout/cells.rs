//! The cells of a map.

use crate::figure::Map;
use crate::ramp::Rgb;
use crate::scene::{Anchor, Item, Line, Rect};

use super::INK;
use super::canvas::{Canvas, HALF_CAPITAL, SMALL_SIZE, Style};

/// How far a cell reaches below its neighbours, so that no viewer shows a seam between them.
const OVERLAP: f32 = 0.4;
/// Behind the hatching of cells without a value.
const NO_VALUE: Rgb = Rgb(0xf0, 0xf0, 0xf0);
const HATCH_STEP: f32 = 3.5;
const HATCH_THICKNESS: f32 = 0.35;
/// Colours darker than this have white numbers on them.
const DARK: f32 = 140.0;

/// Every cell in its colour, those without a value hatched.
pub(super) fn draw(canvas: &mut Canvas<'_>, map: &Map, plot: Rect) {
    let grid = Cells::of(map, plot);
    for (row, values) in map.values.chunks_exact(map.n_layers).enumerate() {
        for (column, &value) in values.iter().enumerate() {
            let color = if value.is_nan() { NO_VALUE } else { map.scale.color(value) };
            canvas.ground.push(Item::Fill(grid.overlapping(row, column), color));
        }
    }
    for (row, values) in map.values.chunks_exact(map.n_layers).enumerate() {
        for (first, length) in gaps(values) {
            let cell = grid.cell(row, first);
            hatch(canvas, Rect { width: cell.width * length as f32, ..cell });
        }
    }
    if map.counts {
        numbers(canvas, map, &grid);
    }
}

/// How the cells share the plot.
struct Cells {
    plot: Rect,
    rows: usize,
    columns: usize,
}

impl Cells {
    fn of(map: &Map, plot: Rect) -> Cells {
        Cells { plot, rows: map.rows.len(), columns: map.n_layers }
    }

    fn cell(&self, row: usize, column: usize) -> Rect {
        let (width, height) = (self.plot.width / self.columns as f32, self.plot.height / self.rows as f32);
        let (x, y) = (self.plot.x + column as f32 * width, self.plot.y + row as f32 * height);
        Rect { x, y, width, height }
    }

    /// The cell, and a little of its neighbours that will be drawn above it.
    fn overlapping(&self, row: usize, column: usize) -> Rect {
        let Rect { x, y, width, height } = self.cell(row, column);
        let right =
            if column + 1 < self.columns { x + width + OVERLAP.min(width / 2.0) } else { self.plot.right() };
        let bottom = if row + 1 < self.rows { y + height + OVERLAP } else { self.plot.bottom() };
        Rect { x, y, width: right - x, height: bottom - y }
    }
}

/// The stretches without values: where each begins and how long it is.
fn gaps(values: &[f64]) -> Vec<(usize, usize)> {
    let mut gaps: Vec<(usize, usize)> = Vec::new();
    for (column, _) in values.iter().enumerate().filter(|(_, value)| value.is_nan()) {
        match gaps.last_mut() {
            Some((first, length)) if *first + *length == column => *length += 1,
            _ => gaps.push((column, 1)),
        }
    }
    gaps
}

/// Slanting lines within a rectangle.
fn hatch(canvas: &mut Canvas<'_>, rect: Rect) {
    let steps = ((rect.width + rect.height) / HATCH_STEP) as usize;
    for step in 1..=steps {
        // Rises to the right, from the lower or the left edge to the upper or the right one.
        let reach = step as f32 * HATCH_STEP;
        let from = (rect.x + (reach - rect.height).max(0.0), rect.y + reach.min(rect.height));
        let to = (rect.x + reach.min(rect.width), rect.y + (reach - rect.width).max(0.0));
        canvas.ground.push(Item::Line(Line {
            from,
            to,
            thickness: HATCH_THICKNESS,
            color: Rgb(0xb5, 0xb5, 0xb5),
        }));
    }
}

/// The counts other than 0, if every one of them fits its cell.
fn numbers(canvas: &mut Canvas<'_>, map: &Map, grid: &Cells) {
    let texts: Vec<String> = map.values.iter().map(|value| format!("{value:.0}")).collect();
    let cell = grid.cell(0, 0);
    let widest = canvas.widest(texts.iter().map(String::as_str), SMALL_SIZE);
    if widest + 1.0 > cell.width || SMALL_SIZE + 1.0 > cell.height {
        return;
    }
    for (at, (text, &value)) in texts.into_iter().zip(&map.values).enumerate() {
        if value.is_nan() || value == 0.0 {
            continue;
        }
        let cell = grid.cell(at / map.n_layers, at % map.n_layers);
        let is_dark = map.scale.color(value).luminance() < DARK;
        let color = if is_dark { Rgb(0xff, 0xff, 0xff) } else { INK };
        let (x, y) = (cell.x + cell.width / 2.0, cell.y + cell.height / 2.0 + HALF_CAPITAL * SMALL_SIZE);
        canvas.colored_text(text, x, y, &Style { size: SMALL_SIZE, anchor: Anchor::Middle, color });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_found() {
        let nan = f64::NAN;
        assert_eq!(gaps(&[nan, nan, 0.0, nan]), [(0, 2), (3, 1)]);
        assert!(gaps(&[0.0, 1.0]).is_empty());
    }
}
