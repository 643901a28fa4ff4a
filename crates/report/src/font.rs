//! The embedded font: what PNG and PDF are set in, and how wide texts are.

use rustybuzz::UnicodeBuffer;
use unicode_width::UnicodeWidthChar;

use crate::FigureError;
use crate::label::push_code;

/// The embedded font's family.
pub(crate) const FAMILY: &str = "DejaVu Sans";

/// The embedded font's file.
pub(crate) static FILE: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");

/// The embedded font, ready to measure texts.
pub(crate) struct Font {
    face: rustybuzz::Face<'static>,
}

impl Font {
    /// Reads the embedded font.
    pub(crate) fn embedded() -> Result<Font, FigureError> {
        let face = rustybuzz::Face::from_slice(FILE, 0);
        face.map(|face| Font { face }).ok_or_else(|| FigureError::draw("font", "its file cannot be read"))
    }

    /// How wide a text is set at a size, in the size's unit. A character that the font lacks counts as it would
    /// in a typical font that has it.
    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        let (known, lacking): (String, String) = text.chars().partition(|&character| self.has(character));
        let foreign: f32 = lacking.chars().map(|character| 0.6 * character.width().unwrap_or(0) as f32).sum();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&known);
        let advances = rustybuzz::shape(&self.face, &[], buffer);
        let units: i32 = advances.glyph_positions().iter().map(|glyph| glyph.x_advance).sum();
        size * (units as f32 / self.face.units_per_em() as f32 + foreign)
    }

    /// The text with every character that the font lacks replaced by its code, as in `\u{4e2d}`.
    pub(crate) fn replace_lacking(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        for character in text.chars() {
            if self.has(character) {
                replaced.push(character);
            } else {
                push_code(&mut replaced, character);
            }
        }
        replaced
    }

    fn has(&self, character: char) -> bool {
        self.face.glyph_index(character).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_the_font_lacks_are_spelled_out() {
        let font = Font::embedded().unwrap();
        assert_eq!(font.replace_lacking("Zürich Москва 中"), "Zürich Москва \\u{4e2d}");
        assert_eq!(font.replace_lacking("␣↵⇥◌…*\u{fffd}"), "␣↵⇥◌…*\u{fffd}");
    }

    #[test]
    fn widths_grow_with_text_and_size() {
        let font = Font::embedded().unwrap();
        assert_eq!(font.width("", 6.0), 0.0);
        assert!(font.width("iii", 6.0) < font.width("mmm", 6.0));
        assert!((font.width("中中", 6.0) - 14.4).abs() < 1e-4);
        assert!((font.width("layer", 12.0) - 2.0 * font.width("layer", 6.0)).abs() < 1e-4);
    }
}
