//! Lines over the layers, with bands of uncertainty.

use crate::figure::{Lines, Series};
use crate::scale::Scale;
use crate::scene::{Area, Curve, Item, Rect};

use super::axes::{grid, layer_label, layer_ticks, value_axis, value_axis_room, value_ticks, value_y};
use super::canvas::{Bounds, Canvas};
use super::looks::{Look, look};

pub(super) const PLOT_HEIGHT: f32 = 120.0;
pub(super) const BAND_OPACITY: f32 = 0.16;
/// Half the length of the mark of a layer whose neighbours have no value.
const POINT: f32 = 1.5;

/// How much room the vertical axis needs left of the plot.
pub(super) fn axis_room(canvas: &Canvas<'_>, lines: &Lines, height: f32) -> f32 {
    value_axis_room(canvas, &value_ticks(scale(lines), height))
}

fn scale(lines: &Lines) -> Scale {
    Scale { pale: lines.low, dark: lines.high }
}

/// Draws lines; gives where their layer axis ends.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    lines: &Lines,
    plot: Rect,
    bounds: Bounds,
    has_labels: bool,
) -> f32 {
    let scale = scale(lines);
    let ticks = value_ticks(scale, plot.height);
    grid(canvas, plot, scale, &ticks);
    let place = Place { plot, scale, n_layers: lines.n_layers };
    for series in &lines.series {
        canvas.ground.extend(place.bands(series));
    }
    for series in &lines.series {
        canvas.marks.extend(place.curves(series));
    }
    canvas.frame(plot);
    if has_labels {
        value_axis(canvas, plot, scale, &ticks, &lines.measure);
    }
    layer_ticks(canvas, plot, lines.n_layers);
    layer_label(canvas, plot, &lines.layer_axis, bounds)
}

/// Where layers and values lie.
struct Place {
    plot: Rect,
    scale: Scale,
    n_layers: usize,
}

impl Place {
    fn point(&self, layer: usize, value: f64) -> (f32, f32) {
        let x = self.plot.x + (layer as f32 + 0.5) * self.plot.width / self.n_layers as f32;
        (x, value_y(self.plot, self.scale, value))
    }

    /// One curve for each stretch of layers that have values.
    fn curves(&self, series: &Series) -> Vec<Item> {
        let Look { color, thickness, dashes, opacity } = look(series.stroke);
        let curve = |layers: std::ops::Range<usize>| {
            let mut points: Vec<_> = layers.map(|layer| self.point(layer, series.values[layer])).collect();
            if let [(x, y)] = points[..] {
                points = vec![(x - POINT, y), (x + POINT, y)];
            }
            Item::Curve(Curve { points, thickness, color, dashes, opacity })
        };
        stretches(self.n_layers, |layer| series.values[layer].is_nan()).into_iter().map(curve).collect()
    }

    /// One area for each stretch of layers that have a band.
    fn bands(&self, series: &Series) -> Vec<Item> {
        let Some([low, high]) = &series.band else { return Vec::new() };
        let color = look(series.stroke).color;
        let area = |layers: std::ops::Range<usize>| {
            let upper = layers.clone().map(|layer| self.point(layer, high[layer]));
            let lower = layers.rev().map(|layer| self.point(layer, low[layer]));
            let mut corners: Vec<_> = upper.chain(lower).collect();
            if let [(x, top), (_, bottom)] = corners[..] {
                corners = vec![(x - POINT, top), (x + POINT, top), (x + POINT, bottom), (x - POINT, bottom)];
            }
            Item::Area(Area { corners, color, opacity: BAND_OPACITY })
        };
        let is_missing = |layer: usize| low[layer].is_nan() || high[layer].is_nan();
        stretches(self.n_layers, is_missing).into_iter().map(area).collect()
    }
}

/// The layers, or anything else that is counted, in stretches without those that are missing.
pub(super) fn stretches(n_layers: usize, is_missing: impl Fn(usize) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut stretches: Vec<std::ops::Range<usize>> = Vec::new();
    for layer in (0..n_layers).filter(|&layer| !is_missing(layer)) {
        match stretches.last_mut() {
            Some(stretch) if stretch.end == layer => stretch.end += 1,
            _ => stretches.push(layer..layer + 1),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_layers_break_a_line() {
        assert_eq!(stretches(5, |layer| layer == 2), [0..2, 3..5]);
        assert_eq!(stretches(3, |layer| layer == 1), [0..1, 2..3]);
        assert!(stretches(3, |_| true).is_empty());
    }
}
