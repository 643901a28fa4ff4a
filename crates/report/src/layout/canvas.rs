//! Where panels leave what they draw: three layers, and paragraphs set in lines.

use crate::font::Font;
use crate::label::wrap;
use crate::ramp::Rgb;
use crate::scene::{Anchor, Item, Line, Rect, Text};

use super::INK;

pub(super) const MARGIN: f32 = 2.0;
pub(super) const SMALL_SIZE: f32 = 6.0;
pub(super) const GAP: f32 = 3.0;
pub(super) const TICK_LENGTH: f32 = 2.0;
pub(super) const HAIR: f32 = 0.5;
/// From one baseline to the next, in sizes.
pub(super) const LEADING: f32 = 1.25;
/// From the middle of a capital letter down to its baseline, in sizes.
pub(super) const HALF_CAPITAL: f32 = 0.365;
/// From a line's top to its baseline, in sizes.
pub(super) const ASCENT: f32 = 0.95;

/// Which characters a file format can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyphs {
    /// Any: the viewer finds a font.
    Any,
    /// Those of the embedded font; others are spelled out.
    Embedded,
}

impl Glyphs {
    /// The text with what the format can show.
    pub(super) fn fit(self, font: &Font, text: &str) -> String {
        match self {
            Glyphs::Any => text.to_owned(),
            Glyphs::Embedded => font.replace_lacking(text),
        }
    }
}

/// From left to right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) start: f32,
    pub(super) end: f32,
}

/// How a paragraph is set.
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) anchor: Anchor,
    pub(super) color: Rgb,
}

/// What has been drawn so far.
pub(super) struct Canvas<'a> {
    pub(super) font: &'a Font,
    pub(super) width: f32,
    glyphs: Glyphs,
    /// Below everything else: cells and bands.
    pub(super) ground: Vec<Item>,
    /// Lines: frames, marks and curves.
    pub(super) marks: Vec<Item>,
    texts: Vec<Item>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(font: &'a Font, glyphs: Glyphs, width: f32) -> Self {
        Canvas { font, width, glyphs, ground: Vec::new(), marks: Vec::new(), texts: Vec::new() }
    }

    /// Everything in drawing order.
    pub(super) fn items(self) -> Vec<Item> {
        let Canvas { mut ground, marks, texts, .. } = self;
        ground.extend(marks);
        ground.extend(texts);
        ground
    }

    /// From margin to margin.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { start: MARGIN, end: self.width - MARGIN }
    }

    /// The text with what the file format can show.
    pub(super) fn fit(&self, text: &str) -> String {
        self.glyphs.fit(self.font, text)
    }

    pub(super) fn widest<'t>(&self, texts: impl Iterator<Item = &'t str>, size: f32) -> f32 {
        texts.map(|text| self.font.width(text, size)).fold(0.0, f32::max)
    }

    /// A thin straight line.
    pub(super) fn line(&mut self, from: (f32, f32), to: (f32, f32)) {
        self.marks.push(Item::Line(Line { from, to, thickness: HAIR, color: INK }));
    }

    pub(super) fn frame(&mut self, rect: Rect) {
        let (left, top, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        corners.windows(2).for_each(|ends| self.line(ends[0], ends[1]));
    }

    pub(super) fn text(&mut self, content: String, x: f32, y: f32, size: f32, anchor: Anchor) {
        self.colored_text(content, x, y, &Style { size, anchor, color: INK });
    }

    pub(super) fn colored_text(&mut self, content: String, x: f32, y: f32, style: &Style) {
        let Style { size, anchor, color } = *style;
        self.texts.push(Item::Text(Text { content, x, y, size, anchor, color, upwards: false }));
    }

    /// A text that runs upwards, its middle at `y`.
    pub(super) fn upward_text(&mut self, content: String, x: f32, y: f32, size: f32) {
        let anchor = Anchor::Middle;
        self.texts.push(Item::Text(Text { content, x, y, size, anchor, color: INK, upwards: true }));
    }

    /// A text in lines within `bounds`, from `top` on; gives where it ends. Lines lie at `x` as far as the bounds
    /// allow.
    pub(super) fn paragraph(&mut self, text: &str, x: f32, top: f32, bounds: Bounds, style: &Style) -> f32 {
        let font = self.font;
        let measure = |line: &str| font.width(line, style.size);
        let mut y = top + ASCENT * style.size;
        for content in wrap(text, bounds.end - bounds.start, measure) {
            let before = style.anchor.share() * measure(&content);
            let after = measure(&content) - before;
            let x = x.min(bounds.end - after).max(bounds.start + before);
            self.colored_text(content, x, y, style);
            y += LEADING * style.size;
        }
        y - ASCENT * style.size
    }
}
