//! A figure as it is laid out, before any file format: the one description that all writers draw.
//!
//! Lengths are points (1/72 inch); x grows to the right, y downwards.

use crate::Provenance;
use crate::ramp::Rgb;

/// A laid-out figure, its items in drawing order.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// For the file's metadata and for readers who cannot see the figure.
    pub(crate) title: String,
    /// As `title`, longer.
    pub(crate) description: String,
    /// What made the numbers, for the file's metadata.
    pub(crate) provenance: Vec<Provenance>,
    pub(crate) items: Vec<Item>,
}

/// One thing that is drawn.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A filled rectangle whose edges are kept sharp.
    Fill(Rect, Rgb),
    /// A filled polygon that what lies below shines through.
    Area(Area),
    /// A straight line.
    Line(Line),
    /// A line through several points.
    Curve(Curve),
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

/// A filled polygon.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    /// Its corners; the last is joined to the first.
    pub(crate) corners: Vec<(f32, f32)>,
    pub(crate) color: Rgb,
    /// 1 hides what lies below.
    pub(crate) opacity: f32,
}

/// A line through several points; its ends and joints are round.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(crate) points: Vec<(f32, f32)>,
    pub(crate) thickness: f32,
    pub(crate) color: Rgb,
    /// Lengths of strokes and gaps by turns; none for a solid line.
    pub(crate) dashes: &'static [f32],
    pub(crate) opacity: f32,
}

/// A straight line; its ends are square, so that two of them close a corner.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) from: (f32, f32),
    pub(crate) to: (f32, f32),
    pub(crate) thickness: f32,
    pub(crate) color: Rgb,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) content: String,
    /// Where the anchor lies.
    pub(crate) x: f32,
    /// The baseline.
    pub(crate) y: f32,
    pub(crate) size: f32,
    pub(crate) anchor: Anchor,
    pub(crate) color: Rgb,
    /// Runs upwards instead of to the right.
    pub(crate) upwards: bool,
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
