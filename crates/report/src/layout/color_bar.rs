//! The colour bar right of a map.

use crate::figure::Map;
use crate::label::shorten;
use crate::scale::Tick;
use crate::scene::{Anchor, Item, Rect};

use super::canvas::{Canvas, GAP, HALF_CAPITAL, SMALL_SIZE, TICK_LENGTH};

const WIDTH: f32 = 6.0;
const SLICES: usize = 128;
const TICK_ROOM: f32 = 11.0;
/// How far below the bar's top a number's middle stays.
const CLEARANCE: f32 = 0.8;
const MAX_TICKS: usize = 7;

/// The marks of a bar of a height.
pub(super) fn ticks(map: &Map, height: f32) -> Vec<Tick> {
    map.scale.ticks(((height / TICK_ROOM) as usize).min(MAX_TICKS), map.counts)
}

/// How much room the bar needs right of its map.
pub(super) fn room(canvas: &Canvas<'_>, ticks: &[Tick]) -> f32 {
    GAP + WIDTH + TICK_LENGTH + 1.0 + canvas.widest(ticks.iter().map(|tick| tick.label.as_str()), SMALL_SIZE)
}

/// Where the bar lies.
pub(super) fn place(plot: Rect) -> Rect {
    Rect { x: plot.right() + GAP, width: WIDTH, ..plot }
}

/// The bar's colours, from the scale's smaller end at the bottom to its larger end at the top.
pub(super) fn slices(canvas: &mut Canvas<'_>, map: &Map, bar: Rect) {
    let scale = map.scale.scale();
    let height = bar.height / SLICES as f32;
    for slice in 0..SLICES {
        let y = bar.y + slice as f32 * height;
        let bottom = if slice + 1 < SLICES { y + 2.0 * height } else { bar.bottom() };
        let share = 1.0 - (slice as f64 + 0.5) / SLICES as f64;
        let color = map.scale.color(scale.value_at(share));
        canvas.ground.push(Item::Fill(Rect { y, height: bottom - y, ..bar }, color));
    }
}

/// The bar's marks and their numbers.
pub(super) fn draw_ticks(canvas: &mut Canvas<'_>, map: &Map, bar: Rect, ticks: Vec<Tick>) {
    let scale = map.scale.scale();
    for Tick { value, label } in ticks {
        let share = if scale.is_flat() { 0.0 } else { (value - scale.low()) / (scale.high() - scale.low()) };
        let y = bar.bottom() - share as f32 * bar.height;
        let end = bar.right() + TICK_LENGTH;
        canvas.line((bar.right(), y), (end, y));
        // A number at the top stays below the bar's title.
        let middle = y.max(bar.y + CLEARANCE);
        canvas.text(label, end + 1.0, middle + HALF_CAPITAL * SMALL_SIZE, SMALL_SIZE, Anchor::Start);
    }
}

/// What stands above the bar, at most `most` wide.
pub(super) fn title(canvas: &Canvas<'_>, map: &Map, most: f32) -> String {
    shorten(&canvas.fit(&map.measure), most, |text| canvas.font.width(text, SMALL_SIZE))
}

/// Where the title's middle lies: above the bar's, moved left as far as it must to end at `right`.
pub(super) fn title_center(canvas: &Canvas<'_>, title: &str, bar: Rect, right: f32) -> f32 {
    let half = canvas.font.width(title, SMALL_SIZE) / 2.0;
    (bar.x + bar.width / 2.0).min(right - half)
}

/// Writes the title above the bar.
pub(super) fn draw_title(canvas: &mut Canvas<'_>, title: String, bar: Rect, right: f32) {
    let x = title_center(canvas, &title, bar, right);
    canvas.text(title, x, bar.y - GAP, SMALL_SIZE, Anchor::Middle);
}
