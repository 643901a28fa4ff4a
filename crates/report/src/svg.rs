//! A scene as SVG 1.1. Text stays text; families beside the embedded one are named for viewers that lack it.

use std::fmt::Write;

use crate::font::FAMILY;
use crate::layout::{Glyphs, lay_out};
use crate::scene::{Anchor, Item, Line, Rect, Scene, Text};
use crate::{FigureError, HeatMap};

impl HeatMap {
    /// The map as an SVG file, one column of a paper wide.
    ///
    /// # Errors
    /// Those of [`HeatMap::check`].
    pub fn svg(&self) -> Result<String, FigureError> {
        Ok(write_svg(&lay_out(self, Glyphs::Any)?))
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
    for group in scene.items.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
        svg.push_str(group_start(&group[0]));
        group.iter().for_each(|item| svg.push_str(&element(item)));
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// What all items of a kind have in common.
fn group_start(item: &Item) -> &'static str {
    match item {
        Item::Fill(..) => "<g shape-rendering=\"crispEdges\">\n",
        Item::Line(_) => "<g stroke-linecap=\"square\">\n",
        Item::Text(_) => "<g>\n",
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
        Item::Text(Text { content, x, y, size, anchor, color }) => writeln!(
            element,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" fill=\"{color}\">{}</text>",
            number(*x),
            number(*y),
            number(*size),
            anchor_name(*anchor),
            escape(content)
        ),
    };
    element
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 10.0, 2.5, 1.0 / 3.0].map(number), ["0", "10", "2.5", "0.333"]);
    }

    #[test]
    fn markup_in_a_text_is_escaped() {
        assert_eq!(escape("<|endoftext|> & co"), "&lt;|endoftext|&gt; &amp; co");
    }
}
