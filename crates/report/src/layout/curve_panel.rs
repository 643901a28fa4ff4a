//! Curves over a numeric axis, with bands or whiskers of uncertainty.

use crate::figure::{CurvePoint, CurveSeries, Curves};
use crate::label::shorten;
use crate::ramp::Rgb;
use crate::scale::Scale;
use crate::scene::{Anchor, Area, Curve, Item, Rect};

use super::axes::{grid, value_axis, value_axis_room, value_ticks, value_y};
use super::canvas::{Bounds, Canvas, GAP, SMALL_SIZE, Style};
use super::line_panel::{BAND_OPACITY, stretches};
use super::looks::{Look, crowded_mark, look, mark};
use super::number_axis::{self, NumberScale};

const REFERENCE: Rgb = Rgb(0x59, 0x59, 0x59);
const REFERENCE_DASHES: &[f32] = &[3.0, 2.0];
const REFERENCE_THICKNESS: f32 = 0.6;
const WHISKER: f32 = 0.6;
/// From more points than this on, single ones are drawn smaller.
const CROWD: usize = 80;

/// How much room the vertical axis needs left of the plot.
pub(super) fn axis_room(canvas: &Canvas<'_>, curves: &Curves, height: f32) -> f32 {
    value_axis_room(canvas, &value_ticks(scale(curves), height))
}

fn scale(curves: &Curves) -> Scale {
    Scale { pale: curves.low, dark: curves.high }
}

/// Draws curves; gives where their horizontal axis ends.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    curves: &Curves,
    plot: Rect,
    bounds: Bounds,
    has_labels: bool,
) -> f32 {
    let scale = scale(curves);
    let ticks = value_ticks(scale, plot.height);
    grid(canvas, plot, scale, &ticks);
    let numbers = NumberScale::of(curves);
    let place = Place { plot, scale, numbers: &numbers };
    references(canvas, curves, &place);
    for series in &curves.series {
        canvas.ground.extend(place.bands(series));
    }
    for series in &curves.series {
        canvas.marks.extend(place.lines(series));
    }
    for series in &curves.series {
        let is_crowded = !series.is_joined && series.points.len() > CROWD;
        let mark = if is_crowded { crowded_mark } else { mark };
        let points = series.points.iter().filter(|point| !point.y.is_nan());
        canvas.marks.extend(points.map(|point| mark(series.stroke, place.of(point.x, point.y))));
    }
    canvas.frame(plot);
    if has_labels {
        value_axis(canvas, plot, scale, &ticks, &curves.measure);
    }
    number_axis::draw(canvas, &numbers, plot, &curves.axis.label, bounds)
}

/// Dashed lines across the plot, each with its label at the end that the curves are farther from, above the line
/// or, where there is no room, below it.
fn references(canvas: &mut Canvas<'_>, curves: &Curves, place: &Place<'_>) {
    let plot = place.plot;
    for reference in &curves.references {
        let y = value_y(plot, place.scale, reference.value);
        canvas.ground.push(Item::Curve(Curve {
            points: vec![(plot.x, y), (plot.right(), y)],
            thickness: REFERENCE_THICKNESS,
            color: REFERENCE,
            dashes: REFERENCE_DASHES,
            opacity: 1.0,
        }));
        let measure = |text: &str| canvas.font.width(text, SMALL_SIZE);
        let label = shorten(&canvas.fit(&reference.label), plot.width - 2.0 * GAP, measure);
        let is_high = y - plot.y < SMALL_SIZE + 2.0;
        let baseline = if is_high { y + SMALL_SIZE } else { y - 1.5 };
        let room = measure(&label) + 2.0 * GAP;
        let left = place.clearance(curves, y, plot.x, plot.x + room);
        let right = place.clearance(curves, y, plot.right() - room, plot.right());
        let (x, anchor) =
            if left > right { (plot.x + GAP, Anchor::Start) } else { (plot.right() - GAP, Anchor::End) };
        if !label.is_empty() {
            canvas.colored_text(label, x, baseline, &Style { size: SMALL_SIZE, anchor, color: REFERENCE });
        }
    }
}

/// Where points lie.
struct Place<'a> {
    plot: Rect,
    scale: Scale,
    numbers: &'a NumberScale,
}

impl Place<'_> {
    fn of(&self, x: f64, y: f64) -> (f32, f32) {
        (self.numbers.x(self.plot, x), value_y(self.plot, self.scale, y))
    }

    /// How far the curves stay from a height between two places.
    fn clearance(&self, curves: &Curves, y: f32, start: f32, end: f32) -> f32 {
        let pairs = curves.series.iter().flat_map(|series| series.points.windows(2));
        let distance = |pair: &[CurvePoint]| {
            let [from, to] = [pair[0], pair[1]].map(|point| self.of(point.x, point.y));
            let (first, last) = (from.0.max(start), to.0.min(end));
            if first > last || from.1.is_nan() || to.1.is_nan() {
                return f32::INFINITY;
            }
            let slope = (to.1 - from.1) / (to.0 - from.0).max(f32::EPSILON);
            let [above, below] = [first, last].map(|x| from.1 + slope * (x - from.0) - y);
            if above * below < 0.0 { 0.0 } else { above.abs().min(below.abs()) }
        };
        pairs.map(distance).fold(f32::INFINITY, f32::min)
    }

    /// One line for each stretch of points with values, and a whisker for each interval of points that are not
    /// joined.
    fn lines(&self, series: &CurveSeries) -> Vec<Item> {
        let Look { color, thickness, dashes, opacity } = look(series.stroke);
        if !series.is_joined {
            let whisker = |point: &CurvePoint| {
                let [low, high] = point.interval.filter(|ends| ends.iter().all(|end| !end.is_nan()))?;
                let points = vec![self.of(point.x, low), self.of(point.x, high)];
                Some(Item::Curve(Curve { points, thickness: WHISKER, color, dashes: &[], opacity }))
            };
            return series.points.iter().filter_map(whisker).collect();
        }
        let line = |stretch: std::ops::Range<usize>| {
            let points = series.points[stretch].iter().map(|point| self.of(point.x, point.y)).collect();
            Item::Curve(Curve { points, thickness, color, dashes, opacity })
        };
        let is_missing = |at: usize| series.points[at].y.is_nan();
        let stretches = stretches(series.points.len(), is_missing);
        stretches.into_iter().filter(|stretch| stretch.len() > 1).map(line).collect()
    }

    /// One area for each stretch of joined points with intervals; a single point has a whisker's width.
    fn bands(&self, series: &CurveSeries) -> Vec<Item> {
        if !series.is_joined {
            return Vec::new();
        }
        let interval = |at: usize| series.points[at].interval.unwrap_or([f64::NAN; 2]);
        let area = |stretch: std::ops::Range<usize>| {
            let end = |at: usize, end: usize| self.of(series.points[at].x, interval(at)[end]);
            let upper = stretch.clone().map(|at| end(at, 1));
            let mut corners: Vec<_> = upper.chain(stretch.rev().map(|at| end(at, 0))).collect();
            if let [(x, top), (_, bottom)] = corners[..] {
                let (left, right) = (x - 1.5, x + 1.5);
                corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
            }
            Item::Area(Area { corners, color: look(series.stroke).color, opacity: BAND_OPACITY })
        };
        let is_missing = |at: usize| interval(at).iter().any(|end| end.is_nan());
        stretches(series.points.len(), is_missing).into_iter().map(area).collect()
    }
}
