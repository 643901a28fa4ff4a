//! A scene as SVG 1.1. Text stays text; families beside the embedded one are named for viewers that lack it.

use std::fmt::Write;

use crate::figure::Parts;
use crate::font::FAMILY;
use crate::label::clean;
use crate::layout::{Glyphs, lay_out_heat_map, lay_out_parts};
use crate::scene::{Anchor, Area, Curve, Item, Line, Rect, Scene, Text};
use crate::{Figure, FigureError, HeatMap};

impl HeatMap {
    /// The map as an SVG file, one column of a paper wide.
    ///
    /// # Errors
    /// Those of [`HeatMap::check`].
    pub fn svg(&self) -> Result<String, FigureError> {
        Ok(write_svg(&lay_out_heat_map(self, Glyphs::Any)?))
    }
}

impl Figure {
    /// The figure as an SVG file that states what made it.
    ///
    /// # Errors
    /// Those of [`Figure::check`].
    pub fn svg(&self) -> Result<String, FigureError> {
        self.svg_with(Parts::ALL)
    }

    /// The same with some of its parts only.
    ///
    /// # Errors
    /// The same.
    pub fn svg_with(&self, parts: Parts) -> Result<String, FigureError> {
        Ok(write_svg(&lay_out_parts(self, parts, Glyphs::Any)?))
    }
}

/// The scene as an SVG file.
pub(crate) fn write_svg(scene: &Scene) -> String {
    let (width, height) = (number(scene.width), number(scene.height));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"{width}pt\" height=\"{height}pt\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"'{FAMILY}', Verdana, Helvetica, Arial, sans-serif\">\n\
         <title>{}</title>\n<desc>{}</desc>\n",
        escape(&scene.title),
        escape(&scene.description)
    );
    svg.push_str(&metadata(scene));
    for group in scene.items.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
        svg.push_str(group_start(&group[0]));
        group.iter().for_each(|item| svg.push_str(&element(item)));
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// The scene as an SVG of fewer bytes, for a page of many: neighbouring cells whose colours no eye tells apart are
/// drawn as one.
pub(crate) fn write_compact_svg(scene: &Scene) -> String {
    let mut items: Vec<Item> = Vec::with_capacity(scene.items.len());
    for item in &scene.items {
        match (items.last_mut(), item) {
            (Some(Item::Fill(before, color)), Item::Fill(rect, next_color))
                if color.is_close_to(*next_color) && is_continued(*before, *rect) =>
            {
                before.width = rect.right() - before.x;
                before.height = rect.bottom() - before.y;
            }
            _ => items.push(item.clone()),
        }
    }
    write_svg(&Scene { items, ..scene.clone() })
}

/// Whether a cell goes on where the one before it ends: to the right, or downwards in a colour bar.
fn is_continued(before: Rect, next: Rect) -> bool {
    let across = (before.y, before.height) == (next.y, next.height)
        && before.x < next.x
        && next.x <= before.right()
        && before.right() <= next.right();
    let down = (before.x, before.width) == (next.x, next.width)
        && before.y < next.y
        && next.y <= before.bottom()
        && before.bottom() <= next.bottom();
    across || down
}

/// What made the figure, in the terms of the Dublin Core; nothing where it is not known.
fn metadata(scene: &Scene) -> String {
    let mut terms = String::new();
    let mut term = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(terms, "<dc:{name}>{}</dc:{name}>", escape(&clean(value)));
    };
    for made in &scene.provenance {
        term("creator", &made.program);
        term("source", &made.subject());
        term("description", &made.settings);
    }
    if terms.is_empty() {
        return terms;
    }
    format!(
        "<metadata>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<rdf:Description rdf:about=\"\">\n\
         <dc:title>{}</dc:title>\n{terms}</rdf:Description>\n</rdf:RDF>\n</metadata>\n",
        escape(&scene.title)
    )
}

/// What all items of a kind have in common.
fn group_start(item: &Item) -> &'static str {
    match item {
        Item::Fill(..) => "<g shape-rendering=\"crispEdges\">\n",
        Item::Line(_) => "<g stroke-linecap=\"square\">\n",
        Item::Curve(_) => "<g fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n",
        Item::Area(_) | Item::Text(_) => "<g>\n",
    }
}

fn element(item: &Item) -> String {
    let mut element = String::new();
    // Writing to a String cannot fail.
    let _ = match item {
        Item::Fill(Rect { x, y, width, height }, color) => writeln!(
            element,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{color}\"/>",
            number(*x),
            number(*y),
            number(*width),
            number(*height)
        ),
        Item::Line(Line { from, to, thickness, color }) => writeln!(
            element,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{color}\" stroke-width=\"{}\"/>",
            number(from.0),
            number(from.1),
            number(to.0),
            number(to.1),
            number(*thickness)
        ),
        Item::Area(Area { corners, color, opacity }) => writeln!(
            element,
            "<polygon points=\"{}\" fill=\"{color}\" fill-opacity=\"{}\"/>",
            points(corners),
            number(*opacity)
        ),
        Item::Curve(curve) => writeln!(element, "{}", polyline(curve)),
        Item::Text(Text { content, x, y, size, anchor, color, upwards }) => writeln!(
            element,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" fill=\"{color}\"{}>{}</text>",
            number(*x),
            number(*y),
            number(*size),
            anchor_name(*anchor),
            if *upwards {
                format!(" transform=\"rotate(-90 {} {})\"", number(*x), number(*y))
            } else {
                String::new()
            },
            escape(content)
        ),
    };
    element
}

fn polyline(Curve { points: line, thickness, color, dashes, opacity }: &Curve) -> String {
    let dashes: Vec<String> = dashes.iter().map(|&length| number(length)).collect();
    let dashes =
        if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", dashes.join(" ")) };
    let opacity =
        if *opacity < 1.0 { format!(" stroke-opacity=\"{}\"", number(*opacity)) } else { String::new() };
    format!(
        "<polyline points=\"{}\" stroke=\"{color}\" stroke-width=\"{}\"{dashes}{opacity}/>",
        points(line),
        number(*thickness)
    )
}

fn points(points: &[(f32, f32)]) -> String {
    let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
    points.join(" ")
}

fn anchor_name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// A length to a thousandth of a point, without trailing zeros.
fn number(length: f32) -> String {
    let text = format!("{length:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ramp::Rgb;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 10.0, 2.5, 1.0 / 3.0].map(number), ["0", "10", "2.5", "0.333"]);
    }

    #[test]
    fn neighbours_of_like_colour_become_one() {
        let cell = |x: f32, y: f32, grey: u8| {
            Item::Fill(Rect { x, y, width: 1.2, height: 1.0 }, Rgb(grey, grey, grey))
        };
        let items = vec![cell(0.0, 0.0, 250), cell(1.0, 0.0, 251), cell(2.0, 0.0, 255), cell(0.0, 1.0, 250)];
        let scene = Scene {
            width: 4.0,
            height: 2.0,
            title: String::new(),
            description: String::new(),
            provenance: Vec::new(),
            items,
        };
        let svg = write_compact_svg(&scene);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("<rect x=\"0\" y=\"0\" width=\"2.2\" height=\"1\" fill=\"#fafafa\"/>"), "{svg}");
    }

    #[test]
    fn markup_in_a_text_is_escaped() {
        assert_eq!(escape("<|endoftext|> & co"), "&lt;|endoftext|&gt; &amp; co");
    }
}
