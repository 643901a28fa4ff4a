//! Panels side by side: equally wide plots whose labels and colour bars stand beside them, or are shared.

use crate::figure::{Bars, Content, Curves, Figure, Lines, Panel};
use crate::label::{clean, shorten};
use crate::scene::{Anchor, Rect};

use super::axes::layer_number_overhang;
use super::canvas::{ASCENT, Bounds, Canvas, GAP, LEADING, MARGIN, SMALL_SIZE};
use super::{ROW_GAP, bar_panel, color_bar, curve_panel, line_panel, map_panel, number_axis};

/// Between two panels.
const COLUMN_GAP: f32 = 9.0;
const PANEL_TITLE_SIZE: f32 = 7.0;

/// What stands left and right of a panel's plot.
struct Sides {
    left: f32,
    right: f32,
}

/// A panel and where it lies.
struct Slot<'a> {
    panel: &'a Panel,
    bounds: Bounds,
    plot: Rect,
    /// Labels stand left of it; else they are the neighbour's.
    has_labels: bool,
    /// A colour bar stands right of it; else it is the neighbour's.
    has_bar: bool,
}

/// Draws all rows of a figure from `top` on; gives where they end.
pub(super) fn draw_all(canvas: &mut Canvas<'_>, figure: &Figure, top: f32) -> f32 {
    let rows: Vec<&[Panel]> = figure.rows().collect();
    let mut sides: Vec<Vec<Sides>> = rows.iter().map(|panels| row_sides(canvas, panels)).collect();
    align(&mut sides);
    let width = sides.iter().max_by_key(|row| row.len()).map_or(0.0, |row| plot_width(canvas, row));
    let slots: Vec<Vec<Slot<'_>>> =
        rows.iter().zip(&sides).map(|(panels, sides)| arrange(panels, sides, width)).collect();
    let header = Header::of(canvas, &slots);
    let mut bottom = top;
    for (index, row) in slots.into_iter().enumerate() {
        let gap = if index == 0 { 0.0 } else { ROW_GAP };
        bottom = draw(canvas, row, &header, bottom + gap);
    }
    bottom
}

/// Gives all rows the same room beside their plots, so that plots below each other are aligned. A row of fewer panels
/// than others leaves the rest free: its last panel may reach into that.
fn align(rows: &mut [Vec<Sides>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let left = rows.iter().filter_map(|row| row.get(column)).map(|sides| sides.left).fold(0.0, f32::max);
        let ends = |row: &[Sides]| row.len() == column + 1 && row.len() < columns;
        let others = rows.iter().filter(|row| !ends(row)).filter_map(|row| row.get(column));
        let right = others.map(|sides| sides.right).fold(0.0, f32::max);
        for row in rows.iter_mut() {
            let ends = ends(row);
            if let Some(sides) = row.get_mut(column) {
                sides.left = left;
                sides.right = if ends { sides.right } else { right };
            }
        }
    }
}

/// Draws a row of panels from `top` on; gives where they end.
fn draw(canvas: &mut Canvas<'_>, mut slots: Vec<Slot<'_>>, header: &Header, top: f32) -> f32 {
    let height = header.height(&slots);
    let mut bottom = top;
    for slot in &mut slots {
        slot.plot.y = top + height;
        let Slot { plot, bounds, has_labels, has_bar, .. } = *slot;
        let ends = match &slot.panel.content {
            Content::Map(map) => map_panel::draw(canvas, map, plot, bounds, has_labels, has_bar),
            Content::Lines(lines) => line_panel::draw(canvas, lines, plot, bounds, has_labels),
            Content::Curves(curves) => curve_panel::draw(canvas, curves, plot, bounds, has_labels),
            Content::Bars(bars) => bar_panel::draw(canvas, bars, plot, bounds, has_labels),
        };
        header.draw_title(canvas, slot, top);
        bottom = bottom.max(ends);
    }
    bottom
}

/// What stands beside the plots of panels.
fn row_sides(canvas: &Canvas<'_>, panels: &[Panel]) -> Vec<Sides> {
    let height = row_height(panels);
    let sides = |(index, panel): (usize, &Panel)| {
        let (labels, bar) = (shares_labels(panels, index), shares_bar(panels, index));
        let unless = |shared: bool, room: f32| if shared { 0.0 } else { room };
        match &panel.content {
            Content::Map(map) => Sides {
                left: unless(labels, map_panel::label_room(canvas, map)),
                right: unless(bar, color_bar::room(canvas, &color_bar::ticks(map, height))),
            },
            Content::Lines(lines) => Sides {
                left: unless(labels, line_panel::axis_room(canvas, lines, height)),
                right: layer_number_overhang(canvas, lines.n_layers),
            },
            Content::Curves(curves) => Sides {
                left: unless(labels, curve_panel::axis_room(canvas, curves, height)),
                right: number_axis::overhang(canvas, curves),
            },
            Content::Bars(bars) => Sides {
                left: unless(labels, bar_panel::axis_room(canvas, bars, height)),
                right: bar_panel::overhang(canvas, bars),
            },
        }
    };
    panels.iter().enumerate().map(sides).collect()
}

/// How wide a plot is in a row that fills the figure.
fn plot_width(canvas: &Canvas<'_>, sides: &[Sides]) -> f32 {
    let taken: f32 = sides.iter().map(|sides| sides.left + sides.right).sum();
    let gaps = COLUMN_GAP * sides.len().saturating_sub(1) as f32;
    (canvas.width - 2.0 * MARGIN - gaps - taken) / sides.len().max(1) as f32
}

/// Places panels from left to right; all plots begin at 0 from the top yet.
fn arrange<'a>(panels: &'a [Panel], sides: &[Sides], width: f32) -> Vec<Slot<'a>> {
    let height = row_height(panels);
    let mut start = MARGIN;
    let slot = |(index, (panel, sides)): (usize, (&'a Panel, &Sides))| {
        let plot = Rect { x: start + sides.left, y: 0.0, width, height };
        let bounds = Bounds { start, end: plot.right() + sides.right };
        start = bounds.end + COLUMN_GAP;
        let (labels, bar) = (shares_labels(panels, index), shares_bar(panels, index));
        Slot { panel, bounds, plot, has_labels: !labels, has_bar: !bar }
    };
    panels.iter().zip(sides).enumerate().map(slot).collect()
}

fn row_height(panels: &[Panel]) -> f32 {
    panels.iter().map(plot_height).fold(0.0, f32::max)
}

fn plot_height(panel: &Panel) -> f32 {
    match &panel.content {
        Content::Map(map) => map_panel::plot_height(map.rows.len()),
        Content::Lines(_) | Content::Curves(_) | Content::Bars(_) => line_panel::PLOT_HEIGHT,
    }
}

/// Whether the panel before has the same rows, or the same vertical axis.
fn shares_labels(panels: &[Panel], index: usize) -> bool {
    let before = index.checked_sub(1).map(|before| &panels[before].content);
    match (before, &panels[index].content) {
        (Some(Content::Map(before)), Content::Map(map)) => before.rows == map.rows,
        (Some(before), content) => {
            let axes = [before, content].map(vertical_axis);
            axes[0].is_some() && axes[0] == axes[1]
        }
        _ => false,
    }
}

/// The ends of a panel's vertical axis and what it shows, where it has one.
fn vertical_axis(content: &Content) -> Option<(f64, f64, &str)> {
    match content {
        Content::Map(_) => None,
        Content::Lines(Lines { low, high, measure, .. })
        | Content::Curves(Curves { low, high, measure, .. })
        | Content::Bars(Bars { low, high, measure, .. }) => Some((*low, *high, measure)),
    }
}

/// Whether the panel after has the same colour bar.
fn shares_bar(panels: &[Panel], index: usize) -> bool {
    let after = panels.get(index + 1).map(|after| &after.content);
    match (&panels[index].content, after) {
        (Content::Map(map), Some(Content::Map(after))) => {
            (map.scale, &map.measure) == (after.scale, &after.measure)
        }
        _ => false,
    }
}

/// What stands above the plots: the panels' titles, and below them or in the same line those of the colour bars,
/// which the panels draw.
struct Header {
    /// Titles and colour bars' titles share a line: they fit in all rows.
    one_line: bool,
}

impl Header {
    fn of(canvas: &Canvas<'_>, rows: &[Vec<Slot<'_>>]) -> Header {
        let fits = |slot: &Slot<'_>| {
            let title = canvas.font.width(&panel_title(canvas, slot), PANEL_TITLE_SIZE);
            slot.plot.x + title + 2.0 * GAP <= bar_title_start(canvas, slot)
        };
        Header { one_line: rows.iter().flatten().all(fits) }
    }

    fn height(&self, slots: &[Slot<'_>]) -> f32 {
        let has_titles = slots.iter().any(|slot| !slot.panel.title.is_empty());
        let has_bars = slots.iter().any(|slot| matches!(slot.panel.content, Content::Map(_)));
        let titles = if has_titles { PANEL_TITLE_SIZE * LEADING } else { 0.0 };
        let bars = if has_bars { SMALL_SIZE * LEADING } else { 0.0 };
        GAP + if self.one_line { titles.max(bars) } else { titles + bars }
    }

    /// Writes the panel's title above the middle of its plot, or as near as the neighbours allow.
    fn draw_title(&self, canvas: &mut Canvas<'_>, slot: &Slot<'_>, top: f32) {
        let title = panel_title(canvas, slot);
        if title.is_empty() {
            return;
        }
        let half = canvas.font.width(&title, PANEL_TITLE_SIZE) / 2.0;
        let end = if self.one_line { bar_title_start(canvas, slot) - 2.0 * GAP } else { slot.bounds.end };
        let center = slot.plot.x + slot.plot.width / 2.0;
        let x = center.min(end - half).max(slot.bounds.start + half);
        // In one line both titles have the same baseline.
        let y = if self.one_line { slot.plot.y - GAP } else { top + ASCENT * PANEL_TITLE_SIZE };
        canvas.text(title, x, y, PANEL_TITLE_SIZE, Anchor::Middle);
    }
}

/// The panel's title, shortened to its room.
fn panel_title(canvas: &Canvas<'_>, slot: &Slot<'_>) -> String {
    let measure = |text: &str| canvas.font.width(text, PANEL_TITLE_SIZE);
    shorten(&canvas.fit(&clean(&slot.panel.title)), slot.bounds.end - slot.bounds.start, measure)
}

/// Where the colour bar's title begins; without one, far to the right.
fn bar_title_start(canvas: &Canvas<'_>, slot: &Slot<'_>) -> f32 {
    match &slot.panel.content {
        Content::Map(map) if slot.has_bar => {
            let title = color_bar::title(canvas, map, slot.bounds.end - slot.bounds.start);
            let center =
                color_bar::title_center(canvas, &title, color_bar::place(slot.plot), slot.bounds.end);
            center - canvas.font.width(&title, SMALL_SIZE) / 2.0
        }
        _ => slot.bounds.end + 2.0 * GAP,
    }
}
