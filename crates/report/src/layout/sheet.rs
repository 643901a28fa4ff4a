//! What stands above and below the figures of a printed page.

use crate::FigureError;
use crate::font::Font;
use crate::label::{clean, shorten};
use crate::scene::{Anchor, Scene};

use super::canvas::{ASCENT, Canvas, Glyphs, LEADING, MARGIN, SMALL_SIZE, Style};
use super::{INK, PAGE_WIDTH, SMALL_PRINT, SOFT_INK};

const TITLE_SIZE: f32 = 9.0;
const NUMBER: Style = Style { size: 7.0, anchor: Anchor::End, color: SOFT_INK };
const GAP: f32 = 8.0;

/// The heading and the foot of a page, and how high they are.
pub(crate) struct Sheet {
    pub(crate) heading: Scene,
    pub(crate) foot: Scene,
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}

/// The title and the page's number above, paragraphs below.
///
/// # Errors
/// When the embedded font cannot be read.
pub(crate) fn lay_out_sheet(title: &str, number: &str, paragraphs: &[String]) -> Result<Sheet, FigureError> {
    let font = Font::embedded()?;
    let canvas = || Canvas::new(&font, Glyphs::Embedded, PAGE_WIDTH);
    let mut heading = canvas();
    let bounds = heading.bounds();
    let room = bounds.end - bounds.start - font.width("0000 of 0000  ", NUMBER.size);
    let title = shorten(&heading.fit(&clean(title)), room, |text| font.width(text, TITLE_SIZE));
    let baseline = ASCENT * TITLE_SIZE;
    let style = Style { size: TITLE_SIZE, anchor: Anchor::Start, color: INK };
    heading.colored_text(title, MARGIN, baseline, &style);
    heading.colored_text(number.to_owned(), bounds.end, baseline, &NUMBER);
    let top = LEADING * TITLE_SIZE + GAP;

    let mut foot = canvas();
    let mut bottom = GAP;
    for text in paragraphs {
        bottom = foot.paragraph(&foot.fit(text), MARGIN, bottom, bounds, &SMALL_PRINT);
    }
    let bottom = bottom + SMALL_SIZE / 2.0;
    Ok(Sheet { heading: scene(heading, top), foot: scene(foot, bottom), top, bottom })
}

fn scene(canvas: Canvas<'_>, height: f32) -> Scene {
    Scene {
        width: canvas.width,
        height,
        title: String::new(),
        description: String::new(),
        provenance: Vec::new(),
        items: canvas.items(),
    }
}
