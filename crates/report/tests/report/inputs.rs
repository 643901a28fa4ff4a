//! Maps at the edge of what can be drawn, and beyond it.

use crate::common::{SHORT, map};
use causal_trace_core::{Component, Direction};
use causal_trace_report::{ColorDepth, FigureError, HeatMap, PRINT_DPI, terminal_map};

fn short() -> HeatMap {
    map(Component::Residual, &SHORT, 0..2, 12)
}

/// The error that every way of drawing gives.
fn error(map: &HeatMap) -> FigureError {
    let error = map.check().unwrap_err().to_string();
    assert_eq!(map.svg().unwrap_err().to_string(), error);
    assert_eq!(map.pdf().unwrap_err().to_string(), error);
    assert_eq!(map.png(PRINT_DPI).unwrap_err().to_string(), error);
    assert_eq!(terminal_map(map, ColorDepth::None, 80).unwrap_err().to_string(), error);
    map.check().unwrap_err()
}

fn draw(map: &HeatMap) {
    roxmltree::Document::parse(&map.svg().unwrap()).unwrap();
    map.pdf().unwrap();
    map.png(72.0).unwrap();
    terminal_map(map, ColorDepth::TrueColor, 80).unwrap();
}

#[test]
fn a_map_without_tokens_or_layers_is_refused() {
    let (mut no_tokens, mut no_layers) = (short(), short());
    no_tokens.tokens.clear();
    no_layers.n_layers = 0;
    assert_eq!(error(&no_tokens), FigureError::Empty { what: "tokens" });
    assert_eq!(error(&no_layers), FigureError::Empty { what: "layers" });
}

#[test]
fn values_must_fill_the_grid() {
    let mut map = short();
    map.values.pop();
    assert_eq!(error(&map), FigureError::ValueCount { tokens: 5, layers: 12, expected: 60, found: 59 });
    assert_eq!(error(&map).to_string(), "the heat map has 59 values, but 5 tokens and 12 layers need 60");
}

#[test]
fn numbers_must_be_finite() {
    let mut map = short();
    map.values[14] = f32::NAN;
    assert!(matches!(error(&map), FigureError::NotFinite { token: 1, layer: 2, .. }));
    let mut map = short();
    map.clean = f32::INFINITY;
    assert_eq!(error(&map), FigureError::Baseline { run: "clean", value: f32::INFINITY });
}

#[test]
fn the_subject_must_lie_within_the_prompt() {
    let mut map = short();
    map.subject = 3..6;
    assert_eq!(error(&map), FigureError::Subject { start: 3, end: 6, tokens: 5 });
    map.subject = 0..0;
    draw(&map);
}

#[test]
fn resolutions_out_of_reach_are_refused() {
    for dpi in [0.0, -300.0, 1e9, f32::NAN, f32::INFINITY] {
        assert!(matches!(short().png(dpi), Err(FigureError::Resolution { .. })), "{dpi}");
    }
}

#[test]
fn flat_and_lowered_maps_are_pale() {
    for value in [0.3, 0.0, 0.9] {
        for direction in [Direction::Denoise, Direction::Noise] {
            let mut map = short();
            (map.clean, map.corrupted, map.direction) = (value, value, direction);
            map.values.fill(value);
            draw(&map);
            assert!(!map.svg().unwrap().contains("#3f007d"));
        }
    }
    let mut lowered = short();
    lowered.values.fill(lowered.corrupted / 2.0);
    assert!(!lowered.svg().unwrap().contains("#3f007d"));
}

#[test]
fn one_cell_and_many_layers_are_drawn() {
    draw(&map(Component::Mlp, &["Rome"], 0..1, 1));
    draw(&map(Component::Mlp, &["Rome", " is"], 0..1, 126));
    draw(&map(Component::Mlp, &["Rome"; 200], 0..1, 2));
}
