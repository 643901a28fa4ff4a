//! A scene as PNG: its SVG, rendered with the embedded font.

use std::sync::Arc;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::figure::Parts;
use crate::font::{FAMILY, FILE};
use crate::layout::{Glyphs, lay_out_heat_map, lay_out_parts};
use crate::scene::Scene;
use crate::svg::write_svg;
use crate::{Figure, FigureError, HeatMap};

/// The resolution that journals ask of pictures in colour.
pub const PRINT_DPI: f32 = 300.0;

/// The longest side in pixels.
const MAX_SIDE: u32 = 30_000;

const INCHES_PER_METER: f32 = 1000.0 / 25.4;

impl HeatMap {
    /// The map as a PNG file that states its resolution, so that it comes out one column of a paper wide.
    ///
    /// Characters that the embedded font lacks are shown by their codes, as in `\u{4e2d}`.
    ///
    /// # Errors
    /// Those of [`HeatMap::check`], and a resolution that makes the picture empty or too large.
    pub fn png(&self, dpi: f32) -> Result<Vec<u8>, FigureError> {
        write_png(&lay_out_heat_map(self, Glyphs::Embedded)?, dpi)
    }
}

impl Figure {
    /// The figure as a PNG file that states its resolution, and what made it.
    ///
    /// Characters that the embedded font lacks are shown by their codes, as in `\u{4e2d}`.
    ///
    /// # Errors
    /// Those of [`Figure::check`], and a resolution that makes the picture empty or too large.
    pub fn png(&self, dpi: f32) -> Result<Vec<u8>, FigureError> {
        self.png_with(Parts::ALL, dpi)
    }

    /// The same with some of its parts only.
    ///
    /// # Errors
    /// The same.
    pub fn png_with(&self, parts: Parts, dpi: f32) -> Result<Vec<u8>, FigureError> {
        write_png(&lay_out_parts(self, parts, Glyphs::Embedded)?, dpi)
    }
}

fn write_png(scene: &Scene, dpi: f32) -> Result<Vec<u8>, FigureError> {
    encode(&render(scene, dpi)?, dpi, scene).map_err(|error| FigureError::draw("PNG", error))
}

fn render(scene: &Scene, dpi: f32) -> Result<Pixmap, FigureError> {
    let (width, height) = ((scene.width * dpi / 72.0).round(), (scene.height * dpi / 72.0).round());
    let fits = |side: f32| (1.0..=MAX_SIDE as f32).contains(&side);
    let pixmap = if fits(width) && fits(height) { Pixmap::new(width as u32, height as u32) } else { None };
    let mut pixmap = pixmap.ok_or(FigureError::Resolution { dpi, width, height, max: MAX_SIDE })?;
    let tree =
        Tree::from_str(&write_svg(scene), &options()).map_err(|error| FigureError::draw("PNG", error))?;
    let (x, y) = (width / tree.size().width(), height / tree.size().height());
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(x, y), &mut pixmap.as_mut());
    Ok(pixmap)
}

/// Only the embedded font, whatever the machine has, so that the same map gives the same bytes everywhere.
fn options() -> Options<'static> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_source(fontdb::Source::Binary(Arc::new(FILE)));
    Options { font_family: FAMILY.to_owned(), fontdb: Arc::new(fonts), ..Options::default() }
}

/// The opaque pixels as an RGB file.
fn encode(pixmap: &Pixmap, dpi: f32, scene: &Scene) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixmap.width(), pixmap.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels_per_meter = (dpi * INCHES_PER_METER).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: pixels_per_meter,
        yppu: pixels_per_meter,
        unit: png::Unit::Meter,
    }));
    encoder.add_itxt_chunk("Title".to_owned(), scene.title.clone())?;
    if let Some(made) = scene.provenance.first() {
        encoder.add_itxt_chunk("Description".to_owned(), scene.description.clone())?;
        encoder.add_itxt_chunk("Software".to_owned(), made.program.clone())?;
    }
    let rgb: Vec<u8> =
        pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(file)
}
