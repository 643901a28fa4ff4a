//! A figure as it is laid out, before any file format: the one description that all writers draw.
//!
//! Lengths are points (1/72 inch); x grows to the right, y downwards.

use crate::ramp::Rgb;

/// A laid-out figure, its items in drawing order.
pub(crate) struct Scene {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// For the file's metadata and for readers who cannot see the figure.
    pub(crate) title: String,
    /// As `title`, longer.
    pub(crate) description: String,
    pub(crate) items: Vec<Item>,
}

/// One thing that is drawn.
pub(crate) enum Item {
    /// A filled rectangle whose edges are kept sharp.
    Fill(Rect, Rgb),
    /// A straight line.
    Line(Line),
    /// A line of text.
    Text(Text),
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Rect {
    /// The right edge.
    pub(crate) fn right(self) -> f32 {
        self.x + self.width
    }

    /// The lower edge.
    pub(crate) fn bottom(self) -> f32 {
        self.y + self.height
    }
}

/// A straight line; its ends are square, so that two of them close a corner.
pub(crate) struct Line {
    pub(crate) from: (f32, f32),
    pub(crate) to: (f32, f32),
    pub(crate) thickness: f32,
    pub(crate) color: Rgb,
}

/// A line of text, set upright.
pub(crate) struct Text {
    pub(crate) content: String,
    /// Where the anchor lies.
    pub(crate) x: f32,
    /// The baseline.
    pub(crate) y: f32,
    pub(crate) size: f32,
    pub(crate) anchor: Anchor,
    pub(crate) color: Rgb,
}

/// Which part of a text lies at its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    /// The share of a text's width that lies left of its x.
    pub(crate) fn share(self) -> f32 {
        match self {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        }
    }
}
