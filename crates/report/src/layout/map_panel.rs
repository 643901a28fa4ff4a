//! A map with its labels, layer axis and colour bar.

use crate::figure::{Map, Rows};
use crate::label::{clean, shorten, visible};
use crate::scene::Rect;

use super::axes::{ROW_LABEL_SIZE, layer_label, layer_ticks, row_labels};
use super::canvas::{Bounds, Canvas, GAP};
use super::{cells, color_bar};

/// The widest label of a token, and of a row with a name.
const MAX_TOKEN_WIDTH: f32 = 64.0;
const MAX_NAME_WIDTH: f32 = 120.0;
/// Row heights: as high as rows are drawn, as low as row labels can stand, and what a map of few rows fills.
const MAX_ROW: f32 = 12.0;
const MIN_ROW: f32 = 7.6;
const USUAL_HEIGHT: f32 = 110.0;
const MIN_HEIGHT: f32 = 36.0;

/// How high a map of so many rows is.
pub(super) fn plot_height(rows: usize) -> f32 {
    let rows = rows as f32;
    ((USUAL_HEIGHT / rows).clamp(MIN_ROW, MAX_ROW) * rows).max(MIN_HEIGHT)
}

/// How much room the labels need left of the plot.
pub(super) fn label_room(canvas: &Canvas<'_>, map: &Map) -> f32 {
    canvas.widest(labels(canvas, map).iter().map(String::as_str), ROW_LABEL_SIZE) + GAP
}

/// The rows' labels, shortened; tokens are starred where they belong to the subject.
fn labels(canvas: &Canvas<'_>, map: &Map) -> Vec<String> {
    let measure = |text: &str| canvas.font.width(text, ROW_LABEL_SIZE);
    match &map.rows {
        Rows::Named(names) => {
            names.iter().map(|name| shorten(&canvas.fit(&clean(name)), MAX_NAME_WIDTH, measure)).collect()
        }
        Rows::Tokens { tokens, subject } => {
            let label = |(token, text): (usize, &String)| {
                let star = if subject.contains(&token) { "*" } else { "" };
                let most = MAX_TOKEN_WIDTH - measure(star);
                format!("{}{star}", shorten(&canvas.fit(&visible(text)), most, measure))
            };
            tokens.iter().enumerate().map(label).collect()
        }
    }
}

/// Draws a map; gives where its layer axis ends.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    map: &Map,
    plot: Rect,
    bounds: Bounds,
    has_labels: bool,
    has_bar: bool,
) -> f32 {
    let bar = color_bar::place(plot);
    cells::draw(canvas, map, plot);
    if has_bar {
        color_bar::slices(canvas, map, bar);
    }
    canvas.frame(plot);
    if has_bar {
        canvas.frame(bar);
    }
    if has_labels {
        row_labels(canvas, plot, labels(canvas, map));
    }
    layer_ticks(canvas, plot, map.n_layers);
    if has_bar {
        color_bar::draw_ticks(canvas, map, bar, color_bar::ticks(map, plot.height));
        let title = color_bar::title(canvas, map, bounds.end - bounds.start);
        color_bar::draw_title(canvas, title, bar, bounds.end);
    }
    layer_label(canvas, plot, &map.layer_axis, bounds)
}
