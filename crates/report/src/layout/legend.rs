//! Which line is which: one legend for all panels of a figure.

use crate::figure::{Content, Figure, Stroke};
use crate::label::{clean, shorten};
use crate::scene::{Anchor, Curve, Item};

use super::ROW_GAP;
use super::canvas::{Canvas, GAP, HALF_CAPITAL, LEADING, MARGIN, SMALL_SIZE};
use super::line_panel::{Look, look};

/// The length of line that is shown, which holds the longest pattern of dashes.
const SAMPLE: f32 = 20.0;
const ENTRY_GAP: f32 = 10.0;

/// Draws the legend, if there are lines with names, from `top` on; gives where it ends.
pub(super) fn draw(canvas: &mut Canvas<'_>, figure: &Figure, top: f32) -> f32 {
    let entries = entries(canvas, figure);
    if entries.is_empty() {
        return top;
    }
    let mut middle = top + ROW_GAP / 2.0 + LEADING * SMALL_SIZE / 2.0;
    for line in lines(canvas, entries) {
        let width: f32 = line.iter().map(|entry| entry.width + ENTRY_GAP).sum::<f32>() - ENTRY_GAP;
        let mut x = (canvas.width - width) / 2.0;
        for entry in line {
            let width = entry.width;
            entry.draw(canvas, x, middle);
            x += width + ENTRY_GAP;
        }
        middle += LEADING * SMALL_SIZE;
    }
    middle - LEADING * SMALL_SIZE / 2.0 + ROW_GAP / 2.0
}

struct Entry {
    name: String,
    stroke: Stroke,
    width: f32,
}

impl Entry {
    fn draw(self, canvas: &mut Canvas<'_>, x: f32, middle: f32) {
        let Look { color, thickness, dashes, opacity } = look(self.stroke);
        let points = vec![(x, middle), (x + SAMPLE, middle)];
        canvas.marks.push(Item::Curve(Curve { points, thickness, color, dashes, opacity }));
        let y = middle + HALF_CAPITAL * SMALL_SIZE;
        canvas.text(self.name, x + SAMPLE + GAP, y, SMALL_SIZE, Anchor::Start);
    }
}

/// Every name once, in the order of the panels.
fn entries(canvas: &Canvas<'_>, figure: &Figure) -> Vec<Entry> {
    let most = canvas.width - 2.0 * MARGIN - SAMPLE - GAP;
    let measure = |text: &str| canvas.font.width(text, SMALL_SIZE);
    let mut entries: Vec<Entry> = Vec::new();
    for panel in &figure.panels {
        let Content::Lines(lines) = &panel.content else { continue };
        for series in &lines.series {
            let Some(name) = &series.name else { continue };
            let name = shorten(&canvas.fit(&clean(name)), most, measure);
            if entries.iter().all(|entry| entry.name != name) {
                let width = SAMPLE + GAP + measure(&name);
                entries.push(Entry { name, stroke: series.stroke, width });
            }
        }
    }
    entries
}

/// The entries in lines that fit the figure.
fn lines(canvas: &Canvas<'_>, entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let most = canvas.width - 2.0 * MARGIN;
    let mut lines: Vec<Vec<Entry>> = Vec::new();
    let mut taken = 0.0;
    for entry in entries {
        taken += ENTRY_GAP + entry.width;
        match lines.last_mut() {
            Some(line) if taken <= most => line.push(entry),
            _ => {
                taken = entry.width;
                lines.push(vec![entry]);
            }
        }
    }
    lines
}
