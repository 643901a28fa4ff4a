//! How lines, the marks of their points, and bars look.

use crate::figure::{BarFill, Stroke};
use crate::ramp::{Rgb, color};
use crate::scene::{Area, Item};

/// How a line looks.
pub(super) struct Look {
    pub(super) color: Rgb,
    pub(super) thickness: f32,
    pub(super) dashes: &'static [f32],
    pub(super) opacity: f32,
}

/// Six lines told apart by hue, by lightness and by their dashes: colours of Okabe and Ito's palette, made for
/// colour-blind readers, and black.
const LOOKS: [(Rgb, &[f32]); 6] = [
    (Rgb(0x56, 0xb4, 0xe9), &[4.0, 2.0]),
    (Rgb(0x00, 0x72, 0xb2), &[1.2, 1.8]),
    (Rgb(0xd5, 0x5e, 0x00), &[]),
    (Rgb(0xcc, 0x79, 0xa7), &[5.0, 1.8, 1.2, 1.8]),
    (Rgb(0x00, 0x9e, 0x73), &[8.0, 2.2]),
    (Rgb(0x11, 0x11, 0x11), &[]),
];

/// How dark bars are in a component's colour.
const BAR_DARKNESS: f32 = 0.62;
/// Half the size of a point's mark.
const MARK: f32 = 1.9;
const FAINT_MARK: f32 = 1.1;
const CROWDED_SIZE: f32 = 0.65;
const CROWDED_OPACITY: f32 = 0.6;

/// The look of a line.
pub(super) fn look(stroke: Stroke) -> Look {
    match stroke {
        Stroke::Distinct(index) => {
            let (color, dashes) = LOOKS[index % LOOKS.len()];
            Look { color, thickness: 1.1, dashes, opacity: 1.0 }
        }
        Stroke::Faint => Look { color: Rgb(0x70, 0x70, 0x70), thickness: 0.4, dashes: &[], opacity: 0.45 },
    }
}

/// The colour of a bar.
pub(super) fn bar_color(fill: BarFill) -> Rgb {
    match fill {
        BarFill::Component(component) => color(component, BAR_DARKNESS),
        BarFill::Distinct(index) => LOOKS[index % LOOKS.len()].0,
    }
}

/// The mark of one of many points: smaller, and what lies below shines through.
pub(super) fn crowded_mark(stroke: Stroke, at: (f32, f32)) -> Item {
    sized_mark(stroke, at, CROWDED_SIZE, CROWDED_OPACITY)
}

/// The mark of a point: a shape of its own for each of the six lines.
pub(super) fn mark(stroke: Stroke, at: (f32, f32)) -> Item {
    sized_mark(stroke, at, 1.0, look(stroke).opacity)
}

fn sized_mark(stroke: Stroke, (x, y): (f32, f32), size: f32, opacity: f32) -> Item {
    let color = look(stroke).color;
    // Corners, the first one's angle in turns from the right, and a factor that makes the areas alike.
    let (corners, turn, factor, half) = match stroke {
        Stroke::Faint => (10, 0.0, 1.0, FAINT_MARK),
        Stroke::Distinct(index) => match index % LOOKS.len() {
            0 => (4, 0.125, 1.25, MARK),
            1 => (3, 0.75, 1.4, MARK),
            2 => (20, 0.0, 1.0, MARK),
            3 => (4, 0.0, 1.25, MARK),
            4 => (3, 0.25, 1.4, MARK),
            _ => (5, 0.75, 1.15, MARK),
        },
    };
    let radius = size * factor * half;
    let corner = |corner: usize| {
        let angle = (corner as f32 / corners as f32 + turn) * std::f32::consts::TAU;
        (x + radius * angle.cos(), y + radius * angle.sin())
    };
    Item::Area(Area { corners: (0..corners).map(corner).collect(), color, opacity })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_like_lightness_differ_in_their_dashes() {
        for (index, (color, dashes)) in LOOKS.iter().enumerate() {
            for (other, other_dashes) in &LOOKS[..index] {
                assert!(dashes != other_dashes || (color.luminance() - other.luminance()).abs() > 60.0);
            }
        }
    }

    #[test]
    fn no_two_lines_have_the_same_marks() {
        let corners = |index: usize| match mark(Stroke::Distinct(index), (0.0, 0.0)) {
            Item::Area(area) => area.corners,
            _ => Vec::new(),
        };
        for index in 0..LOOKS.len() {
            assert!((0..index).all(|other| corners(other) != corners(index)), "{index}");
        }
    }
}
