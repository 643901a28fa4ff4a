//! Bars in groups, with whiskers of uncertainty and their values.

use crate::figure::{BarSeries, Bars, Groups};
use crate::label::{clean, wrap_at_hyphens};
use crate::scale::{Scale, short_number};
use crate::scene::{Anchor, Area, Item, Line, Rect};

use super::INK;
use super::axes::{
    LAYER_AXIS, grid, layer_label, layer_number_overhang, layer_ticks, number_bottom, value_axis,
    value_axis_room, value_ticks, value_y,
};
use super::canvas::{ASCENT, Bounds, Canvas, GAP, HAIR, LEADING, SMALL_SIZE, TICK_LENGTH};
use super::looks::bar_color;

/// The share of a group that its bars fill.
const FILLED: f32 = 0.78;
/// The widest bar.
const MAX_BAR: f32 = 24.0;
/// Bars at least this wide have gaps between them, and whiskers caps.
const WIDE: f32 = 4.0;
const BAR_GAP: f32 = 0.6;
/// More bars than this have no values over them.
const MAX_LABELLED: usize = 12;
/// Between the names of neighbouring groups.
const NAME_GAP: f32 = 2.0;

/// How much room the vertical axis needs left of the plot.
pub(super) fn axis_room(canvas: &Canvas<'_>, bars: &Bars, height: f32) -> f32 {
    value_axis_room(canvas, &value_ticks(scale(bars), height))
}

/// How far the groups' labels reach beyond the plot.
pub(super) fn overhang(canvas: &Canvas<'_>, bars: &Bars) -> f32 {
    match bars.groups {
        Groups::Named(_) => 0.0,
        Groups::Layers(n_layers) => layer_number_overhang(canvas, n_layers),
    }
}

fn scale(bars: &Bars) -> Scale {
    Scale { pale: bars.low, dark: bars.high }
}

/// Draws bars; gives where their horizontal axis ends.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    bars: &Bars,
    plot: Rect,
    bounds: Bounds,
    has_labels: bool,
) -> f32 {
    let scale = scale(bars);
    let ticks = value_ticks(scale, plot.height);
    grid(canvas, plot, scale, &ticks);
    let place = Place::of(bars, plot, scale);
    for (index, series) in bars.series.iter().enumerate() {
        for (group, &value) in series.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            place.bar(canvas, series, index, group, value);
        }
    }
    labels(canvas, bars, &place);
    let zero = value_y(plot, scale, 0.0);
    canvas.line((plot.x, zero), (plot.right(), zero));
    canvas.frame(plot);
    if has_labels {
        value_axis(canvas, plot, scale, &ticks, &bars.measure);
    }
    horizontal_axis(canvas, bars, plot, bounds)
}

/// Where bars lie.
struct Place {
    plot: Rect,
    scale: Scale,
    group: f32,
    bar: f32,
    n_series: usize,
}

impl Place {
    fn of(bars: &Bars, plot: Rect, scale: Scale) -> Place {
        let n_series = bars.series.len();
        let group = plot.width / bars.groups.len() as f32;
        let bar = (FILLED * group / n_series as f32).min(MAX_BAR);
        Place { plot, scale, group, bar, n_series }
    }

    /// The middle of a bar.
    fn x(&self, series: usize, group: usize) -> f32 {
        let from_middle = series as f32 - (self.n_series as f32 - 1.0) / 2.0;
        self.plot.x + (group as f32 + 0.5) * self.group + from_middle * self.bar
    }

    fn y(&self, value: f64) -> f32 {
        value_y(self.plot, self.scale, value)
    }

    /// Draws one bar and its whisker.
    fn bar(&self, canvas: &mut Canvas<'_>, series: &BarSeries, index: usize, group: usize, value: f64) {
        let is_wide = self.bar >= WIDE;
        let half = (self.bar - if is_wide { BAR_GAP } else { 0.0 }) / 2.0;
        let (x, end, zero) = (self.x(index, group), self.y(value), self.y(0.0));
        let corners = vec![(x - half, zero), (x + half, zero), (x + half, end), (x - half, end)];
        canvas.ground.push(Item::Area(Area { corners, color: bar_color(series.fill), opacity: 1.0 }));
        let Some([low, high]) = whisker(series, group) else { return };
        let (top, bottom) = (self.y(high), self.y(low));
        let mut line = |from, to| {
            canvas.ground.push(Item::Line(Line { from, to, thickness: HAIR, color: INK }));
        };
        line((x, top), (x, bottom));
        if is_wide {
            let cap = (0.6 * half).min(1.8);
            [top, bottom].into_iter().for_each(|y| line((x - cap, y), (x + cap, y)));
        }
    }
}

/// The ends of a bar's whisker.
fn whisker(series: &BarSeries, group: usize) -> Option<[f64; 2]> {
    let [low, high] = series.intervals.as_ref()?;
    let ends = [low[group], high[group]];
    ends.iter().all(|end| !end.is_nan()).then_some(ends)
}

/// The values beyond the bars' ends, if they are few and every one has room.
fn labels(canvas: &mut Canvas<'_>, bars: &Bars, place: &Place) {
    if bars.series.len() * bars.groups.len() > MAX_LABELLED {
        return;
    }
    let mut labels = Vec::new();
    for (index, series) in bars.series.iter().enumerate() {
        for (group, &value) in series.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let text = match &series.labels {
                Some(labels) => canvas.fit(&clean(&labels[group])),
                None => short_number(value),
            };
            let [low, high] = whisker(series, group).unwrap_or([value; 2]);
            let y = if value < 0.0 {
                place.y(low.min(value)) + 1.5 + 0.73 * SMALL_SIZE
            } else {
                place.y(high.max(value)) - 1.5
            };
            labels.push((text, place.x(index, group), y));
        }
    }
    let widest = canvas.widest(labels.iter().map(|(text, ..)| text.as_str()), SMALL_SIZE);
    let room = if place.n_series == 1 { place.group } else { place.bar };
    if widest + 1.0 <= room {
        labels.into_iter().for_each(|(text, x, y)| canvas.text(text, x, y, SMALL_SIZE, Anchor::Middle));
    }
}

/// The groups' names or numbers, and the axis' label; gives where it ends.
fn horizontal_axis(canvas: &mut Canvas<'_>, bars: &Bars, plot: Rect, bounds: Bounds) -> f32 {
    let names = match &bars.groups {
        Groups::Layers(n_layers) => {
            layer_ticks(canvas, plot, *n_layers);
            return if bars.axis.is_empty() {
                number_bottom(plot)
            } else {
                layer_label(canvas, plot, &bars.axis, bounds)
            };
        }
        Groups::Named(names) => names,
    };
    let bottom = group_names(canvas, plot, names);
    if bars.axis.is_empty() {
        return bottom;
    }
    let middle = plot.x + plot.width / 2.0;
    canvas.paragraph(&canvas.fit(&bars.axis), middle, bottom + GAP / 2.0, bounds, &LAYER_AXIS)
}

/// The groups' names, each in as many lines as it needs; gives where they end.
fn group_names(canvas: &mut Canvas<'_>, plot: Rect, names: &[String]) -> f32 {
    let width = plot.width / names.len() as f32;
    let top = plot.bottom() + TICK_LENGTH + 1.0;
    let mut bottom = top;
    for (group, name) in names.iter().enumerate() {
        let x = plot.x + (group as f32 + 0.5) * width;
        canvas.line((x, plot.bottom()), (x, plot.bottom() + TICK_LENGTH));
        let font = canvas.font;
        let measure = |text: &str| font.width(text, SMALL_SIZE);
        let lines = wrap_at_hyphens(&canvas.fit(&clean(name)), width - NAME_GAP, measure);
        let mut y = top;
        for line in lines {
            canvas.text(line, x, y + ASCENT * SMALL_SIZE, SMALL_SIZE, Anchor::Middle);
            y += LEADING * SMALL_SIZE;
        }
        bottom = bottom.max(y);
    }
    bottom
}
