//! A scene as PDF. Text stays text, each label in one piece, in a subset of the embedded font.

use krilla::color::rgb;
use krilla::configure::{ConfigurationBuilder, PdfVersion};
use krilla::geom::{Path, PathBuilder, Point, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, LineCap, LineJoin, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::text::TextDirection;
use krilla::{Document, SerializeSettings};

use crate::figure::Parts;
use crate::font::{FILE, Font};
use crate::layout::{Glyphs, lay_out_heat_map, lay_out_parts};
use crate::ramp::Rgb;
use crate::scene::{Area, Curve, Item, Line, Rect, Scene, Text};
use crate::{Figure, FigureError, HeatMap, Provenance};

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
        write_pdf(&lay_out_heat_map(self, Glyphs::Embedded)?)
    }
}

impl Figure {
    /// The figure as a PDF file of one page that states what made it.
    ///
    /// Characters that the embedded font lacks are shown by their codes, as in `\u{4e2d}`. The file holds no
    /// date: the same figure gives the same bytes.
    ///
    /// # Errors
    /// Those of [`Figure::check`].
    pub fn pdf(&self) -> Result<Vec<u8>, FigureError> {
        self.pdf_with(Parts::ALL)
    }

    /// The same with some of its parts only.
    ///
    /// # Errors
    /// The same.
    pub fn pdf_with(&self, parts: Parts) -> Result<Vec<u8>, FigureError> {
        write_pdf(&lay_out_parts(self, parts, Glyphs::Embedded)?)
    }
}

fn write_pdf(scene: &Scene) -> Result<Vec<u8>, FigureError> {
    let about = About {
        title: scene.title.clone(),
        description: scene.description.clone(),
        keywords: scene.provenance.iter().map(Provenance::subject).collect(),
    };
    let placed = Placed { scene, x: 0.0, y: 0.0, scale: 1.0 };
    write_pages(about, &[Page { width: scene.width, height: scene.height, scenes: vec![placed] }])
}

/// What a PDF file says about itself.
pub(crate) struct About {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) keywords: Vec<String>,
}

/// A page and what lies on it.
pub(crate) struct Page<'a> {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) scenes: Vec<Placed<'a>>,
}

/// A scene on a page, its upper left corner at (x, y).
pub(crate) struct Placed<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) scale: f32,
}

/// The pages as a PDF file.
pub(crate) fn write_pages(about: About, pages: &[Page<'_>]) -> Result<Vec<u8>, FigureError> {
    let fail = |reason: &str| FigureError::draw("PDF", reason);
    let font = krilla::text::Font::new(FILE.into(), 0).ok_or_else(|| fail("the font cannot be embedded"))?;
    let configuration = ConfigurationBuilder::new().with_version(VERSION).finish();
    let configuration = configuration.map_err(|error| fail(&format!("{error:?}")))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(metadata(about));
    let measure = Font::embedded()?;
    for page in pages {
        let settings =
            PageSettings::from_wh(page.width, page.height).ok_or_else(|| fail("the page is empty"))?;
        let mut sheet = document.start_page_with(settings);
        {
            let mut pen = Pen { surface: sheet.surface(), font: font.clone(), measure: &measure };
            page.scenes.iter().for_each(|placed| pen.scene(placed));
        }
        sheet.finish();
    }
    document.finish().map_err(|error| fail(&format!("{error:?}")))
}

fn metadata(about: About) -> Metadata {
    let metadata = Metadata::new()
        .title(about.title)
        .description(about.description)
        .language("en".to_owned())
        .creator(CREATOR.to_owned());
    if about.keywords.is_empty() { metadata } else { metadata.keywords(about.keywords) }
}

struct Pen<'a> {
    surface: Surface<'a>,
    font: krilla::text::Font,
    measure: &'a Font,
}

impl Pen<'_> {
    fn scene(&mut self, placed: &Placed<'_>) {
        let Placed { scene, x, y, scale } = *placed;
        let is_moved = (x, y, scale) != (0.0, 0.0, 1.0);
        if is_moved {
            self.surface.push_transform(&Transform::from_row(scale, 0.0, 0.0, scale, x, y));
        }
        scene.items.iter().for_each(|item| self.draw(item));
        if is_moved {
            self.surface.pop();
        }
    }

    fn draw(&mut self, item: &Item) {
        match item {
            Item::Fill(rect, color) => self.fill(*rect, *color),
            Item::Area(area) => self.area(area),
            Item::Line(line) => self.line(line),
            Item::Curve(curve) => self.curve(curve),
            Item::Text(text) => self.text(text),
        }
    }

    fn fill(&mut self, rect: Rect, color: Rgb) {
        let (left, top, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        self.fill_path(path(&corners, true), solid(color));
    }

    fn area(&mut self, Area { corners, color, opacity }: &Area) {
        let opacity = NormalizedF32::new(*opacity).unwrap_or(NormalizedF32::ONE);
        self.fill_path(path(corners, true), Fill { opacity, ..solid(*color) });
    }

    fn fill_path(&mut self, path: Option<Path>, fill: Fill) {
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(fill));
        path.iter().for_each(|path| self.surface.draw_path(path));
    }

    fn line(&mut self, line: &Line) {
        let paint = solid(line.color).paint;
        let stroke = Stroke { paint, width: line.thickness, line_cap: LineCap::Square, ..Stroke::default() };
        self.stroke_path(path(&[line.from, line.to], false), stroke);
    }

    fn curve(&mut self, Curve { points, thickness, color, dashes, opacity }: &Curve) {
        let stroke = Stroke {
            paint: solid(*color).paint,
            width: *thickness,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            opacity: NormalizedF32::new(*opacity).unwrap_or(NormalizedF32::ONE),
            dash: (!dashes.is_empty()).then(|| StrokeDash { array: dashes.to_vec(), offset: 0.0 }),
            ..Stroke::default()
        };
        self.stroke_path(path(points, false), stroke);
    }

    fn stroke_path(&mut self, path: Option<Path>, stroke: Stroke) {
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(stroke));
        path.iter().for_each(|path| self.surface.draw_path(path));
    }

    fn text(&mut self, text: &Text) {
        let left = text.x - text.anchor.share() * self.measure.width(&text.content, text.size);
        let start = Point::from_xy(left, text.y);
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(solid(text.color)));
        let font = self.font.clone();
        if text.upwards {
            self.surface.push_transform(&Transform::from_rotate_at(-90.0, text.x, text.y));
        }
        self.surface.draw_text(start, font, text.size, &text.content, false, TextDirection::Auto);
        if text.upwards {
            self.surface.pop();
        }
    }
}

/// Straight lines from point to point; none where no path can be made of them.
fn path(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        if index == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn solid(Rgb(red, green, blue): Rgb) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::default(),
    }
}
