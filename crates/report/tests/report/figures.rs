//! The figures' files: SVG against recorded ones, PNG pixel by pixel, PDF as a reader finds it.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p causal-trace-report` records the SVG files anew: look at them before keeping
//! them.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::common::{LONG_SUBJECT, SHORT, long, map};
use causal_trace_core::{Component, Direction};
use causal_trace_report::{HeatMap, PRINT_DPI};

fn short(component: Component) -> HeatMap {
    map(component, &SHORT, 0..2, 12)
}

pub(crate) fn assert_recorded(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    assert!(recorded == found, "{} differs: see this file's doc on how to record it anew", path.display());
}

#[test]
fn five_tokens_of_each_component_are_drawn_as_recorded() {
    for component in Component::ROME {
        let svg = short(component).svg().unwrap();
        assert_recorded(&format!("short{}.svg", component.file_suffix()), &svg);
    }
}

#[test]
fn the_other_components_are_named() {
    for (component, title, axis) in [
        (
            Component::ResidPre,
            "restoring a state before a layer",
            "single restored layer input within gpt2-xl",
        ),
        (
            Component::ResidMid,
            "restoring a state within a layer",
            "single restored mid-layer state within gpt2-xl",
        ),
        (
            Component::MlpSevered,
            "restoring a state with MLPs severed",
            "single restored layer within gpt2-xl",
        ),
        (
            Component::AttentionSevered,
            "a state with attention severed",
            "single restored layer within gpt2-xl",
        ),
    ] {
        let text = crate::panels::text_of(&short(component).svg().unwrap());
        assert!(text.contains(title) && text.contains(axis), "{text}");
    }
}

#[test]
fn forty_tokens_are_drawn_as_recorded() {
    let svg = map(Component::Residual, &long(), LONG_SUBJECT, 12).svg().unwrap();
    assert_recorded("long.svg", &svg);
}

#[test]
fn the_noise_direction_is_drawn_as_recorded() {
    let mut map = short(Component::Mlp);
    map.direction = Direction::Noise;
    map.values.iter_mut().for_each(|value| *value = map.clean + map.corrupted - *value);
    assert_recorded("short_noise.svg", &map.svg().unwrap());
}

#[test]
fn the_svg_is_xml_whose_texts_can_be_read_and_found() {
    let svg = map(Component::Attention, &long(), LONG_SUBJECT, 28).svg().unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<_> = document.descendants().filter(|node| node.has_tag_name("text")).collect();
    let contents: Vec<_> = texts.iter().filter_map(|node| node.text()).collect();
    for expected in [
        "<|endoftext|>",
        "↵",
        "␣␣",
        "中文*",
        "Москва*",
        "Zürich*",
        "R&D",
        "\"quoted\"",
        "p(Seattle)",
        "Impact of restoring attention in the corrupted run",
        "of gpt2-xl",
        "center of interval of 10 restored attention layers within gpt2-xl",
    ] {
        assert!(contents.contains(&expected), "{expected} is not among {contents:?}");
    }
    let sizes = texts.iter().filter_map(|node| node.attribute("font-size")?.parse::<f32>().ok());
    assert!(sizes.fold(f32::INFINITY, f32::min) >= 6.0);
    let width: f32 =
        document.root_element().attribute("width").unwrap().trim_end_matches("pt").parse().unwrap();
    assert!(width <= 84.0 / 25.4 * 72.0);
}

#[test]
fn a_long_model_name_is_shortened_in_the_title() {
    let mut map = short(Component::Mlp);
    let usual = map.svg().unwrap().matches("</text>").count();
    map.model = "a-very-long-name-of-a-model-".repeat(4);
    let svg = map.svg().unwrap();
    assert!(svg.contains(">of a-very-long-name-of-a-model-a-very-long-name") && svg.contains("…</text>"));
    assert!(svg.contains(&format!("in the corrupted run of {}: p(Seattle)</title>", map.model)));
    // The layer axis' label takes one more line.
    assert_eq!(svg.matches("</text>").count(), usual + 1);
}

#[test]
fn hostile_texts_stay_inside_their_elements() {
    let mut map = short(Component::Residual);
    map.tokens[0] = "\u{0}\u{ffff}</text>&amp;".to_owned();
    map.model = "a<b>\u{1b}[31m & \"c\"".repeat(20);
    map.answer = " ]]><!--".to_owned();
    map.note = "<script>alert(1)</script>\nsecond line".to_owned();
    let svg = map.svg().unwrap();
    roxmltree::Document::parse(&svg).unwrap();
    assert!(!svg.contains("<script") && !svg.contains('\u{1b}'));
    map.pdf().unwrap();
    map.png(72.0).unwrap();
}

/// A decoded RGB picture.
struct Picture {
    width: usize,
    info: png::Info<'static>,
    pixels: Vec<u8>,
}

impl Picture {
    fn decode(file: &[u8]) -> Picture {
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let info = reader.info().clone();
        Picture { width: info.width as usize, info, pixels }
    }

    /// The colour at a place given in points, as SVG writes it.
    fn color_at(&self, x: f32, y: f32) -> String {
        let [x, y] = [x, y].map(|length| (length * PRINT_DPI / 72.0) as usize);
        let at = 3 * (y * self.width + x);
        format!("#{:02x}{:02x}{:02x}", self.pixels[at], self.pixels[at + 1], self.pixels[at + 2])
    }
}

/// The cells of an SVG: x, y and colour in reading order; and the size of a cell.
fn cells(svg: &str, count: usize) -> (Vec<(f32, f32, String)>, f32, f32) {
    let document = roxmltree::Document::parse(svg).unwrap();
    let rects: Vec<_> = document.descendants().filter(|node| node.has_tag_name("rect")).take(count).collect();
    let number = |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse::<f32>().unwrap();
    let cell = |node: &roxmltree::Node<'_, '_>| {
        (number(node, "x"), number(node, "y"), node.attribute("fill").unwrap().to_owned())
    };
    let last = rects.last().unwrap();
    (rects.iter().map(cell).collect(), number(last, "width"), number(last, "height"))
}

#[test]
fn the_png_has_its_size_and_every_cell_its_colour() {
    let map = map(Component::Residual, &SHORT, 0..2, 48);
    let picture = Picture::decode(&map.png(PRINT_DPI).unwrap());
    let svg = map.svg().unwrap();
    assert_eq!(picture.info.width, (238.0_f32 * 300.0 / 72.0).round() as u32);
    assert_eq!(picture.info.pixel_dims.unwrap().xppu, 11811);
    let (cells, width, height) = cells(&svg, map.values.len());
    for (x, y, color) in &cells {
        assert_eq!(picture.color_at(x + width / 2.0, y + height / 2.0), *color);
    }
    let highest = map.values.iter().copied().fold(0.0, f32::max);
    for ((_, _, color), value) in cells.iter().zip(&map.values) {
        assert!(*value > map.corrupted || color == "#fcfbfd");
        assert!(*value < highest || color == "#3f007d");
    }
}

#[test]
fn no_seams_show_between_cells() {
    let map = map(Component::Residual, &SHORT, 0..2, 48);
    let picture = Picture::decode(&map.png(PRINT_DPI).unwrap());
    let (cells, width, height) = cells(&map.svg().unwrap(), map.values.len());
    let known: std::collections::HashSet<_> = cells.iter().map(|(_, _, color)| color.clone()).collect();
    let (left, top, _) = &cells[0];
    // The frame, half a point thick, lies on the outer cells' edges.
    let steps = |length: f32, count: usize| {
        (4..(length * count as f32 * 4.0) as usize - 4).map(|step| step as f32 / 4.0)
    };
    for y in steps(height, 5) {
        for x in steps(width, 48) {
            let color = picture.color_at(left + x, top + y);
            assert!(known.contains(&color), "{color} at {x}, {y} is no cell's colour");
        }
    }
}

#[test]
fn the_same_map_gives_the_same_bytes() {
    let map = short(Component::Mlp);
    assert_eq!(map.svg(), map.svg());
    assert_eq!(map.png(PRINT_DPI), map.png(PRINT_DPI));
    let pdf = map.pdf().unwrap();
    assert_eq!(pdf, map.pdf().unwrap());
    assert!(!contains(&pdf, b"CreationDate") && contains(&pdf, b"causal-trace"));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_pdfs_text_can_be_copied() {
    if Command::new("pdftotext").arg("-v").output().is_err() {
        println!("skipped: pdftotext (poppler-utils) is not installed");
        return;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copied.pdf");
    fs::write(&path, map(Component::Mlp, &long(), LONG_SUBJECT, 28).pdf().unwrap()).unwrap();
    let output =
        Command::new("pdftotext").args(["-layout".as_ref(), path.as_os_str(), "-".as_ref()]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    for expected in [
        "Impact of restoring MLPs in the corrupted run",
        "of gpt2-xl",
        "center of interval of 10 restored MLP layers within gpt2-xl",
        "p(Seattle)",
        "Zürich*",
        "Москва*",
        "<|endoftext|>",
        "R&D",
        "\\u{4e2d}",
        "seed 1, causal-trace 0.1.0",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}
