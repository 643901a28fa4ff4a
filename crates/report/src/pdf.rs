//! A scene as PDF. Text stays text, each label in one piece, in a subset of the embedded font.

use krilla::color::rgb;
use krilla::configure::{ConfigurationBuilder, PdfVersion};
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, LineCap, Stroke};
use krilla::surface::Surface;
use krilla::text::TextDirection;
use krilla::{Document, SerializeSettings};

use crate::font::{FILE, Font};
use crate::layout::{Glyphs, lay_out};
use crate::ramp::Rgb;
use crate::scene::{Item, Line, Rect, Scene, Text};
use crate::{FigureError, HeatMap};

/// What every LaTeX includes without a warning.
const VERSION: PdfVersion = PdfVersion::Pdf15;

/// The program that the file's metadata names.
const CREATOR: &str = concat!("causal-trace ", env!("CARGO_PKG_VERSION"));

impl HeatMap {
    /// The map as a PDF file of one page, one column of a paper wide.
    ///
    /// Characters that the embedded font lacks are shown by their codes, as in `\u{4e2d}`. The file holds no
    /// date: the same map gives the same bytes.
    ///
    /// # Errors
    /// Those of [`HeatMap::check`].
    pub fn pdf(&self) -> Result<Vec<u8>, FigureError> {
        write_pdf(&lay_out(self, Glyphs::Embedded)?)
    }
}

fn write_pdf(scene: &Scene) -> Result<Vec<u8>, FigureError> {
    let fail = |reason: &str| FigureError::draw("PDF", reason);
    let font = krilla::text::Font::new(FILE.into(), 0).ok_or_else(|| fail("the font cannot be embedded"))?;
    let settings =
        PageSettings::from_wh(scene.width, scene.height).ok_or_else(|| fail("the page is empty"))?;
    let configuration = ConfigurationBuilder::new().with_version(VERSION).finish();
    let configuration = configuration.map_err(|error| fail(&format!("{error:?}")))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(
        Metadata::new()
            .title(scene.title.clone())
            .description(scene.description.clone())
            .language("en".to_owned())
            .creator(CREATOR.to_owned()),
    );
    let mut page = document.start_page_with(settings);
    {
        let mut pen = Pen { surface: page.surface(), font, measure: Font::embedded()? };
        scene.items.iter().for_each(|item| pen.draw(item));
    }
    page.finish();
    document.finish().map_err(|error| fail(&format!("{error:?}")))
}

struct Pen<'a> {
    surface: Surface<'a>,
    font: krilla::text::Font,
    measure: Font,
}

impl Pen<'_> {
    fn draw(&mut self, item: &Item) {
        match item {
            Item::Fill(rect, color) => self.fill(*rect, *color),
            Item::Line(line) => self.line(line),
            Item::Text(text) => self.text(text),
        }
    }

    fn fill(&mut self, rect: Rect, color: Rgb) {
        let mut path = PathBuilder::new();
        path.move_to(rect.x, rect.y);
        path.line_to(rect.right(), rect.y);
        path.line_to(rect.right(), rect.bottom());
        path.line_to(rect.x, rect.bottom());
        path.close();
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(solid(color)));
        path.finish().iter().for_each(|path| self.surface.draw_path(path));
    }

    fn line(&mut self, line: &Line) {
        let mut path = PathBuilder::new();
        path.move_to(line.from.0, line.from.1);
        path.line_to(line.to.0, line.to.1);
        let paint = solid(line.color).paint;
        let stroke = Stroke { paint, width: line.thickness, line_cap: LineCap::Square, ..Stroke::default() };
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(stroke));
        path.finish().iter().for_each(|path| self.surface.draw_path(path));
    }

    fn text(&mut self, text: &Text) {
        let left = text.x - text.anchor.share() * self.measure.width(&text.content, text.size);
        let start = Point::from_xy(left, text.y);
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(solid(text.color)));
        let font = self.font.clone();
        self.surface.draw_text(start, font, text.size, &text.content, false, TextDirection::Auto);
    }
}

fn solid(Rgb(red, green, blue): Rgb) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::default(),
    }
}
