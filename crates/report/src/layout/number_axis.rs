//! A horizontal axis of numbers, linear or logarithmic.

use crate::figure::Curves;
use crate::log_ticks::log_ticks;
use crate::scale::{Scale, Tick};
use crate::scene::{Anchor, Rect};

use super::axes::layer_label;
use super::canvas::{ASCENT, Bounds, Canvas, GAP, SMALL_SIZE, TICK_LENGTH};

/// Free room at both ends, as a share of the axis.
const PADDING: f64 = 0.04;
/// Room for a mark's number.
const TICK_ROOM: f32 = 22.0;
/// From here on a power of ten has room for marks at its multiples.
const MINOR_ROOM: f32 = 24.0;
const MINOR_LENGTH: f32 = 1.2;

/// Where numbers lie on a panel's horizontal axis.
pub(super) struct NumberScale {
    is_logarithmic: bool,
    /// The smallest and the largest number.
    ends: (f64, f64),
    /// What lies at the plot's edges: numbers, or their logarithms.
    edges: (f64, f64),
}

impl NumberScale {
    pub(super) fn of(curves: &Curves) -> NumberScale {
        let is_logarithmic = curves.axis.is_logarithmic;
        let ends = curves.ends();
        let place = |number: f64| if is_logarithmic { number.log10() } else { number };
        let (low, high) = (place(ends.0), place(ends.1));
        // A single number lies in the middle.
        let room = if high > low { PADDING * (high - low) } else { 0.5 };
        NumberScale { is_logarithmic, ends, edges: (low - room, high + room) }
    }

    pub(super) fn x(&self, plot: Rect, number: f64) -> f32 {
        let place = if self.is_logarithmic { number.log10() } else { number };
        let share = (place - self.edges.0) / (self.edges.1 - self.edges.0);
        plot.x + share as f32 * plot.width
    }

    fn ticks(&self, width: f32) -> Vec<Tick> {
        let (low, high) = self.ends;
        let most = ((width / TICK_ROOM) as usize).max(2);
        if self.is_logarithmic {
            log_ticks(low, high, most)
        } else {
            Scale { pale: low, dark: high }.ticks(most)
        }
    }

    /// Multiples of powers of ten, where these stand far enough apart.
    fn minor(&self, plot: Rect) -> Vec<f64> {
        let (low, high) = self.edges;
        if !self.is_logarithmic || plot.width / ((high - low) as f32) < MINOR_ROOM {
            return Vec::new();
        }
        let powers = low.floor() as i32..=high.ceil() as i32;
        let all = powers.flat_map(|power| (2..10).map(move |digit| f64::from(digit) * 10f64.powi(power)));
        all.filter(|number| (low..=high).contains(&number.log10())).collect()
    }
}

/// How far the last number may reach beyond the plot, whose width is not known yet.
pub(super) fn overhang(canvas: &Canvas<'_>, curves: &Curves) -> f32 {
    let ticks = NumberScale::of(curves).ticks(canvas.width);
    canvas.widest(ticks.iter().map(|tick| tick.label.as_str()), SMALL_SIZE) / 2.0
}

/// Draws the axis below the plot; gives where its label ends.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    scale: &NumberScale,
    plot: Rect,
    label: &str,
    bounds: Bounds,
) -> f32 {
    for number in scale.minor(plot) {
        let x = scale.x(plot, number);
        canvas.line((x, plot.bottom()), (x, plot.bottom() + MINOR_LENGTH));
    }
    let mut free_from = f32::NEG_INFINITY;
    for Tick { value, label } in scale.ticks(plot.width) {
        let x = scale.x(plot, value);
        canvas.line((x, plot.bottom()), (x, plot.bottom() + TICK_LENGTH));
        let half = canvas.font.width(&label, SMALL_SIZE) / 2.0;
        if x - half >= free_from {
            free_from = x + half + GAP;
            let y = plot.bottom() + TICK_LENGTH + 1.0 + ASCENT * SMALL_SIZE;
            canvas.text(label, x, y, SMALL_SIZE, Anchor::Middle);
        }
    }
    layer_label(canvas, plot, label, bounds)
}
