//! Vertical axes that panels share.

use crate::{Bars, Content, Curves, Lines, Panel};

/// Room above the highest and below the lowest value, as a share of their distance; bars have numbers there.
const HEADROOM: f64 = 0.04;
const BAR_HEADROOM: f64 = 0.1;

/// Gives all panels other than maps the same vertical axis, which holds 0 and all values, bands and whiskers.
pub(super) fn share_limits(panels: &mut [Panel]) {
    let (low, high) = panels.iter().flat_map(|panel| values(&panel.content)).fold((0.0, 0.0), wider);
    let has_bars = panels.iter().any(|panel| matches!(panel.content, Content::Bars(_)));
    let room = if has_bars { BAR_HEADROOM } else { HEADROOM } * (high - low);
    let below = if low < 0.0 { low - room } else { 0.0 };
    let above = if high > 0.0 { high + room } else { 0.0 };
    // Without any effect the axis is that of a probability.
    let above = if above > below { above } else { 1.0 };
    for panel in panels {
        match &mut panel.content {
            Content::Map(_) => {}
            Content::Lines(Lines { low, high, .. })
            | Content::Curves(Curves { low, high, .. })
            | Content::Bars(Bars { low, high, .. }) => (*low, *high) = (below, above),
        }
    }
}

/// `NaN` is left out by `min` and `max`.
fn wider((low, high): (f64, f64), value: f64) -> (f64, f64) {
    (low.min(value), high.max(value))
}

/// Everything that must lie on the axis.
fn values(content: &Content) -> Vec<f64> {
    match content {
        Content::Map(_) => Vec::new(),
        Content::Lines(lines) => {
            let series = lines.series.iter();
            series.flat_map(|series| with_ends(&series.values, series.band.as_ref())).collect()
        }
        Content::Bars(bars) => {
            let series = bars.series.iter();
            series.flat_map(|series| with_ends(&series.values, series.intervals.as_ref())).collect()
        }
        Content::Curves(curves) => {
            let points = curves.series.iter().flat_map(|series| &series.points);
            let of_points =
                points.flat_map(|point| [point.y].into_iter().chain(point.interval.into_iter().flatten()));
            of_points.chain(curves.references.iter().map(|reference| reference.value)).collect()
        }
    }
}

fn with_ends<'a>(values: &'a [f64], ends: Option<&'a [Vec<f64>; 2]>) -> impl Iterator<Item = f64> + 'a {
    values.iter().chain(ends.into_iter().flatten().flatten()).copied()
}
