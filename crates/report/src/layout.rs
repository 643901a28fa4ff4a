//! From a figure to a scene: titles, panels, legend and small print, from top to bottom.
//!
//! Made for one or both columns of a paper (84 and 174 mm) and never to be scaled down there: no text is below
//! 6 points.

mod axes;
mod bar_panel;
mod canvas;
mod cells;
mod color_bar;
mod curve_panel;
mod legend;
mod line_panel;
mod looks;
mod map_panel;
mod number_axis;
mod panel_row;
mod sheet;

pub(crate) use canvas::Glyphs;
pub(crate) use sheet::lay_out_sheet;

use crate::color_scale::ColorScale;
use crate::figure::{Content, Figure, Map, Parts, Width};
use crate::font::Font;
use crate::label::{clean, shorten};
use crate::provenance::paragraphs;
use crate::ramp::Rgb;
use crate::scene::{Anchor, Scene};
use crate::{FigureError, HeatMap};
use canvas::{Canvas, MARGIN, SMALL_SIZE, Style};

/// One column: 84 mm, in points.
pub(crate) const COLUMN_WIDTH: f32 = 238.0;
/// Both columns: 174 mm, in points.
pub(crate) const PAGE_WIDTH: f32 = 493.0;

const INK: Rgb = Rgb(0x22, 0x22, 0x22);
const SOFT_INK: Rgb = Rgb(0x59, 0x59, 0x59);

const TITLE: Style = Style { size: 7.5, anchor: Anchor::Middle, color: INK };
const SUBTITLE: Style = Style { size: 6.5, anchor: Anchor::Middle, color: INK };
const SMALL_PRINT: Style = Style { size: SMALL_SIZE, anchor: Anchor::Start, color: SOFT_INK };

/// Between the subtitle and titles of panels.
const TITLE_GAP: f32 = 2.5;
/// Between two rows of panels, and around the legend.
const ROW_GAP: f32 = 6.0;

/// Lays a figure out.
///
/// # Errors
/// Those of [`Figure::check`].
pub(crate) fn lay_out(figure: &Figure, glyphs: Glyphs) -> Result<Scene, FigureError> {
    lay_out_parts(figure, Parts::ALL, glyphs)
}

/// Lays a figure out with some of its parts only.
///
/// # Errors
/// Those of [`Figure::check`].
pub(crate) fn lay_out_parts(figure: &Figure, parts: Parts, glyphs: Glyphs) -> Result<Scene, FigureError> {
    lay_out_with(figure, parts, &small_print(figure, paragraphs(&figure.provenance)), glyphs)
}

/// Lays a figure out for a document that says what made it: its small print leaves that out.
///
/// # Errors
/// Those of [`Figure::check`].
pub(crate) fn lay_out_within(figure: &Figure, glyphs: Glyphs) -> Result<Scene, FigureError> {
    lay_out_with(figure, Parts::ALL, &small_print(figure, Vec::new()), glyphs)
}

fn lay_out_with(
    figure: &Figure,
    parts: Parts,
    small_print: &[String],
    glyphs: Glyphs,
) -> Result<Scene, FigureError> {
    figure.check()?;
    let font = Font::embedded()?;
    let width = match figure.width {
        Width::Column => COLUMN_WIDTH,
        Width::Page => PAGE_WIDTH,
    };
    let mut canvas = Canvas::new(&font, glyphs, width);
    let mut bottom = if parts.title { titles(&mut canvas, figure) } else { MARGIN };
    if figure.panels.iter().any(|panel| !panel.title.is_empty()) {
        bottom += TITLE_GAP;
    }
    bottom = panel_row::draw_all(&mut canvas, figure, bottom);
    bottom = legend::draw(&mut canvas, figure, bottom);
    let mut bottom = bottom + 2.0;
    for text in small_print.iter().filter(|_| parts.caption) {
        bottom = canvas.paragraph(&canvas.fit(text), MARGIN, bottom, canvas.bounds(), &SMALL_PRINT);
    }
    let title = [&figure.title, &figure.subtitle].map(|text| canvas.fit(&clean(text)));
    Ok(Scene {
        width,
        height: (bottom + MARGIN).ceil(),
        title: title.join(" ").trim_end().to_owned(),
        description: small_print.join("; "),
        provenance: figure.provenance.clone(),
        items: canvas.items(),
    })
}

/// Lays a heat map out, as a figure of one panel.
///
/// # Errors
/// Those of [`HeatMap::check`].
pub(crate) fn lay_out_heat_map(map: &HeatMap, glyphs: Glyphs) -> Result<Scene, FigureError> {
    map.check()?;
    let figure = map.figure();
    let mut scene = lay_out(&figure, glyphs)?;
    if let [Content::Map(Map { measure, layer_axis, .. })] =
        figure.panels.iter().map(|panel| &panel.content).collect::<Vec<_>>()[..]
    {
        let font = Font::embedded()?;
        scene.title = glyphs.fit(&font, &format!("{}: {measure}", scene.title));
        scene.description = glyphs.fit(&font, &format!("{layer_axis}. {}", scene.description));
    }
    Ok(scene)
}

/// The title's lines and the subtitle in smaller type; gives where they end.
fn titles(canvas: &mut Canvas<'_>, figure: &Figure) -> f32 {
    let bounds = canvas.bounds();
    let center = canvas.width / 2.0;
    let bottom = canvas.paragraph(&canvas.fit(&clean(&figure.title)), center, MARGIN, bounds, &TITLE);
    let measure = |text: &str| canvas.font.width(text, SUBTITLE.size);
    let subtitle = shorten(&canvas.fit(&clean(&figure.subtitle)), bounds.end - bounds.start, measure);
    canvas.paragraph(&subtitle, center, bottom, bounds, &SUBTITLE)
}

/// The figure's own paragraphs, what its panels need to be said, and what made it.
fn small_print(figure: &Figure, made: Vec<String>) -> Vec<String> {
    let maps = || {
        figure.panels.iter().filter_map(|panel| match &panel.content {
            Content::Map(map) => Some(map),
            Content::Lines(_) | Content::Curves(_) | Content::Bars(_) => None,
        })
    };
    let mut notes = Vec::new();
    let mut note = |text: String| {
        if !notes.contains(&text) {
            notes.push(text);
        }
    };
    for map in maps() {
        if let (Some(no_value), true) = (&map.no_value, map.values.iter().any(|value| value.is_nan())) {
            note(format!("hatched: {no_value}"));
        }
        let ColorScale { cutoff, dark, .. } = map.scale;
        if cutoff {
            note(format!(
                "0 cutoff: effects {} 0 are drawn as 0",
                if dark < 0.0 { "above" } else { "below" }
            ));
        }
        if map.scale.root {
            note("colours darken with the square root of the count".to_owned());
        }
        if map.values.iter().any(|&value| map.scale.is_beyond(value)) {
            note("values beyond the colour bar's ends are drawn as the ends".to_owned());
        }
    }
    let own = figure.small_print.iter().map(|text| clean(text.trim()));
    let notes = (!notes.is_empty()).then(|| notes.join("; "));
    own.chain(notes).chain(made).filter(|paragraph| !paragraph.is_empty()).collect()
}
