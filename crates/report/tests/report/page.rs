//! Where a figure's texts lie, measured with the embedded font.

use rustybuzz::{Face, UnicodeBuffer};

static FONT: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");

/// How far texts may touch: less than half a hair.
const TOLERANCE: f32 = 0.2;

/// A text and the box around its glyphs.
struct Placed {
    content: String,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Placed {
    fn overlaps(&self, other: &Placed) -> bool {
        self.left + TOLERANCE < other.right
            && other.left + TOLERANCE < self.right
            && self.top + TOLERANCE < other.bottom
            && other.top + TOLERANCE < self.bottom
    }
}

/// Panics where a text of the SVG is too small, lies beyond the figure's edges, or overlaps another.
pub(crate) fn assert_readable(name: &str, svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap();
    let view_box = document.root_element().attribute("viewBox").unwrap();
    let size: Vec<f32> = view_box.split(' ').map(|number| number.parse().unwrap()).collect();
    let face = Face::from_slice(FONT, 0).unwrap();
    let texts: Vec<Placed> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .map(|node| place(&face, &node))
        .collect();
    for (index, text) in texts.iter().enumerate() {
        let is_inside =
            text.left >= 0.0 && text.top >= 0.0 && text.right <= size[2] && text.bottom <= size[3];
        assert!(is_inside, "{name}: '{}' lies beyond the edges", text.content);
        for other in &texts[..index] {
            assert!(!text.overlaps(other), "{name}: '{}' overlaps '{}'", text.content, other.content);
        }
    }
}

fn place(face: &Face<'_>, node: &roxmltree::Node<'_, '_>) -> Placed {
    let number = |name| node.attribute(name).unwrap().parse::<f32>().unwrap();
    let (x, y, size) = (number("x"), number("y"), number("font-size"));
    assert!(size >= 6.0, "{:?} is set in {size} points", node.text());
    let content = node.text().unwrap_or_default().to_owned();
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(&content);
    let glyphs = rustybuzz::shape(face, &[], buffer);
    let units: i32 = glyphs.glyph_positions().iter().map(|glyph| glyph.x_advance).sum();
    let width = size * units as f32 / face.units_per_em() as f32;
    let before = match node.attribute("text-anchor") {
        Some("middle") => width / 2.0,
        Some("end") => width,
        _ => 0.0,
    };
    // Capitals and brackets: 0.76 of the size above the baseline; brackets and descenders: 0.14 below.
    let (above, below) = (0.76 * size, 0.14 * size);
    if node.attribute("transform").is_some() {
        let (left, right) = (x - above, x + below);
        return Placed { content, left, right, top: y - (width - before), bottom: y + before };
    }
    let left = x - before;
    Placed { content, left, right: left + width, top: y - above, bottom: y + below }
}
