//! The layers across, rows and values down.

use crate::label::shorten;
use crate::scale::{Scale, Tick};
use crate::scene::{Anchor, Item, Line, Rect};

use super::INK;
use super::canvas::{
    ASCENT, Bounds, Canvas, GAP, HAIR, HALF_CAPITAL, LEADING, SMALL_SIZE, Style, TICK_LENGTH,
};
use crate::ramp::Rgb;

pub(super) const ROW_LABEL_SIZE: f32 = 6.5;
pub(super) const LAYER_AXIS: Style = Style { size: 7.0, anchor: Anchor::Middle, color: INK };
/// The vertical axis' label.
const MEASURE_SIZE: f32 = 7.0;
const VALUE_TICK_ROOM: f32 = 14.0;
const GRID: Rgb = Rgb(0xe3, 0xe3, 0xe3);

/// The rows' labels, left of the plot.
pub(super) fn row_labels(canvas: &mut Canvas<'_>, plot: Rect, labels: Vec<String>) {
    let height = plot.height / labels.len().max(1) as f32;
    for (row, content) in labels.into_iter().enumerate() {
        let y = plot.y + (row as f32 + 0.5) * height + HALF_CAPITAL * ROW_LABEL_SIZE;
        canvas.text(content, plot.x - GAP, y, ROW_LABEL_SIZE, Anchor::End);
    }
}

/// The layer axis' marks and numbers.
pub(super) fn layer_ticks(canvas: &mut Canvas<'_>, plot: Rect, n_layers: usize) {
    let width = plot.width / n_layers as f32;
    let room = canvas.font.width(&(n_layers - 1).to_string(), SMALL_SIZE) + GAP;
    let step = [1, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|&step| step as f32 * width >= room);
    for layer in (0..n_layers).step_by(step.unwrap_or(n_layers)) {
        let x = plot.x + (layer as f32 + 0.5) * width;
        canvas.line((x, plot.bottom()), (x, plot.bottom() + TICK_LENGTH));
        let y = plot.bottom() + TICK_LENGTH + 1.0 + ASCENT * SMALL_SIZE;
        canvas.text(layer.to_string(), x, y, SMALL_SIZE, Anchor::Middle);
    }
}

/// How far the last layer's number may reach beyond the plot.
pub(super) fn layer_number_overhang(canvas: &Canvas<'_>, n_layers: usize) -> f32 {
    canvas.font.width(&(n_layers - 1).to_string(), SMALL_SIZE) / 2.0
}

/// The layer axis' label below its numbers; gives where it ends.
pub(super) fn layer_label(canvas: &mut Canvas<'_>, plot: Rect, label: &str, bounds: Bounds) -> f32 {
    let top = number_bottom(plot) + 1.0;
    canvas.paragraph(&canvas.fit(label), plot.x + plot.width / 2.0, top, bounds, &LAYER_AXIS)
}

/// Where a horizontal axis' numbers end.
pub(super) fn number_bottom(plot: Rect) -> f32 {
    plot.bottom() + TICK_LENGTH + 1.0 + LEADING * SMALL_SIZE
}

/// The marks of a vertical axis of a height.
pub(super) fn value_ticks(scale: Scale, height: f32) -> Vec<Tick> {
    scale.ticks(((height / VALUE_TICK_ROOM) as usize).max(2))
}

/// How much room the vertical axis needs left of the plot.
pub(super) fn value_axis_room(canvas: &Canvas<'_>, ticks: &[Tick]) -> f32 {
    let numbers = canvas.widest(ticks.iter().map(|tick| tick.label.as_str()), SMALL_SIZE);
    LEADING * MEASURE_SIZE + GAP + numbers + 1.0 + TICK_LENGTH
}

/// Where a value lies; beyond the ends at the end.
pub(super) fn value_y(plot: Rect, scale: Scale, value: f64) -> f32 {
    let share = (value - scale.low()) / (scale.high() - scale.low());
    plot.bottom() - share.clamp(0.0, 1.0) as f32 * plot.height
}

/// Faint lines across the plot at the marks of the vertical axis; darker at 0.
pub(super) fn grid(canvas: &mut Canvas<'_>, plot: Rect, scale: Scale, ticks: &[Tick]) {
    for tick in ticks {
        let y = value_y(plot, scale, tick.value);
        let color = if tick.value == 0.0 { Rgb(0x99, 0x99, 0x99) } else { GRID };
        canvas.ground.push(Item::Line(Line {
            from: (plot.x, y),
            to: (plot.right(), y),
            thickness: HAIR,
            color,
        }));
    }
}

/// The vertical axis' marks, numbers and label.
pub(super) fn value_axis(canvas: &mut Canvas<'_>, plot: Rect, scale: Scale, ticks: &[Tick], measure: &str) {
    for tick in ticks {
        let y = value_y(plot, scale, tick.value);
        let end = plot.x - TICK_LENGTH;
        canvas.line((plot.x, y), (end, y));
        let baseline = y + HALF_CAPITAL * SMALL_SIZE;
        canvas.text(tick.label.clone(), end - 1.0, baseline, SMALL_SIZE, Anchor::End);
    }
    let x = plot.x - value_axis_room(canvas, ticks) + ASCENT * MEASURE_SIZE;
    // A label longer than the axis would run over the corners: smaller type first, then fewer letters.
    let text = canvas.fit(measure);
    let fits = canvas.font.width(&text, MEASURE_SIZE) <= plot.height;
    let size = if fits { MEASURE_SIZE } else { SMALL_SIZE };
    let text = shorten(&text, plot.height, |text| canvas.font.width(text, size));
    canvas.upward_text(text, x, plot.y + plot.height / 2.0, size);
}
