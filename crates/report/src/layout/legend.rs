//! Which line, curve or bar is which: one legend for all panels of a figure.

use crate::figure::{BarFill, Content, Figure, Stroke};
use crate::label::{clean, shorten};
use crate::scene::{Anchor, Area, Curve, Item};

use super::ROW_GAP;
use super::canvas::{Canvas, GAP, HALF_CAPITAL, LEADING, MARGIN, SMALL_SIZE};
use super::looks::{Look, bar_color, look, mark};

/// The length of line that is shown, which holds the longest pattern of dashes.
const SAMPLE: f32 = 20.0;
/// The side of a square that shows a bar's colour, and the room of a point.
const SQUARE: f32 = 5.0;
const ENTRY_GAP: f32 = 10.0;

/// Draws the legend, if anything has a name, from `top` on; gives where it ends.
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
    sample: Sample,
    width: f32,
}

/// What stands before a name.
#[derive(Clone, Copy)]
enum Sample {
    Line(Stroke),
    /// A line with a point on it.
    Curve(Stroke),
    Point(Stroke),
    Bar(BarFill),
}

impl Sample {
    fn width(self) -> f32 {
        match self {
            Sample::Line(_) | Sample::Curve(_) => SAMPLE,
            Sample::Point(_) | Sample::Bar(_) => SQUARE,
        }
    }

    fn draw(self, canvas: &mut Canvas<'_>, x: f32, middle: f32) {
        if let Sample::Line(stroke) | Sample::Curve(stroke) = self {
            let Look { color, thickness, dashes, opacity } = look(stroke);
            let points = vec![(x, middle), (x + SAMPLE, middle)];
            canvas.marks.push(Item::Curve(Curve { points, thickness, color, dashes, opacity }));
        }
        if let Sample::Point(stroke) | Sample::Curve(stroke) = self {
            canvas.marks.push(mark(stroke, (x + self.width() / 2.0, middle)));
        }
        if let Sample::Bar(fill) = self {
            let (right, half) = (x + SQUARE, SQUARE / 2.0);
            let corners =
                vec![(x, middle - half), (right, middle - half), (right, middle + half), (x, middle + half)];
            canvas.marks.push(Item::Area(Area { corners, color: bar_color(fill), opacity: 1.0 }));
        }
    }
}

impl Entry {
    fn draw(self, canvas: &mut Canvas<'_>, x: f32, middle: f32) {
        self.sample.draw(canvas, x, middle);
        let y = middle + HALF_CAPITAL * SMALL_SIZE;
        canvas.text(self.name, x + self.sample.width() + GAP, y, SMALL_SIZE, Anchor::Start);
    }
}

/// Every name once, in the order of the panels.
fn entries(canvas: &Canvas<'_>, figure: &Figure) -> Vec<Entry> {
    let measure = |text: &str| canvas.font.width(text, SMALL_SIZE);
    let mut entries: Vec<Entry> = Vec::new();
    for (name, sample) in figure.panels.iter().flat_map(|panel| samples(&panel.content)) {
        let most = canvas.width - 2.0 * MARGIN - sample.width() - GAP;
        let name = shorten(&canvas.fit(&clean(name)), most, measure);
        if entries.iter().all(|entry| entry.name != name) {
            let width = sample.width() + GAP + measure(&name);
            entries.push(Entry { name, sample, width });
        }
    }
    entries
}

/// What has a name in a panel.
fn samples(content: &Content) -> Vec<(&str, Sample)> {
    let named: Vec<(Option<&String>, Sample)> = match content {
        Content::Map(_) => Vec::new(),
        Content::Lines(lines) => {
            lines.series.iter().map(|series| (series.name.as_ref(), Sample::Line(series.stroke))).collect()
        }
        Content::Curves(curves) => {
            let sample = |is_joined| if is_joined { Sample::Curve } else { Sample::Point };
            let series = curves.series.iter();
            series.map(|series| (series.name.as_ref(), sample(series.is_joined)(series.stroke))).collect()
        }
        Content::Bars(bars) => {
            bars.series.iter().map(|series| (series.name.as_ref(), Sample::Bar(series.fill))).collect()
        }
    };
    named.into_iter().filter_map(|(name, sample)| Some((name?.as_str(), sample))).collect()
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
