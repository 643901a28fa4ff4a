//! Maps in a terminal: aligned, within their width, and free of escape codes where there are no colours.

use crate::common::{LONG_SUBJECT, SHORT, SPACE_NEEDLE, long, map};
use causal_trace_core::{Component, Direction, Metric};
use causal_trace_report::{ColorDepth, MIN_WIDTH, terminal_map};
use unicode_width::UnicodeWidthStr;

/// The text without escape codes.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let start = parts.next().unwrap_or_default().to_owned();
    parts.fold(start, |plain, part| plain + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn without_colours_shades_are_characters() {
    let map = map(Component::Residual, &SHORT, 0..2, 12);
    let expected = "\
Impact of restoring a state in the corrupted run of gpt2-xl
Mac*|...............                     |
 OS*|%%%%%%%%%%%%***---...               |
  is|                                    |
made|                  ......            |
  by|                     ---***@@@@@@@@@|
      0  1  2  3  4  5  6  7  8  9 10 11
     single restored layer within gpt2-xl
     p(Seattle) 0.059| .:-=+*#%@| 0.911
";
    assert_eq!(terminal_map(&map, ColorDepth::None, 80).unwrap(), expected);
}

#[test]
fn no_line_is_too_wide_and_all_rows_align() {
    for (tokens, subject) in [(SPACE_NEEDLE.to_vec(), 0..4), (long(), LONG_SUBJECT)] {
        for width in [0, MIN_WIDTH, 40, 80, 200] {
            for layers in [1, 12, 48, 96, 300] {
                for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::None] {
                    let map = map(Component::Mlp, &tokens, subject.clone(), layers);
                    let text = terminal_map(&map, depth, width).unwrap();
                    assert_eq!(text.contains('\u{1b}'), depth != ColorDepth::None);
                    let text = plain(&text);
                    let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
                    assert!(widths.iter().all(|&line| line <= width.max(MIN_WIDTH)), "{text}");
                    let rows = &widths[1..=tokens.len()];
                    assert!(rows.iter().all(|row| row == &rows[0]), "{text}");
                }
            }
        }
    }
}

#[test]
fn grouped_layers_are_said_to_be() {
    let map = map(Component::Residual, &SPACE_NEEDLE, 0..4, 96);
    let narrow = terminal_map(&map, ColorDepth::None, 60).unwrap();
    assert!(narrow.contains("each column: the strongest of 2 layers"), "{narrow}");
    let wide = terminal_map(&map, ColorDepth::None, 120).unwrap();
    assert!(!wide.contains("each column"), "{wide}");
}

#[test]
fn colours_are_those_of_the_figure() {
    let map = map(Component::Attention, &SHORT, 0..2, 12);
    let text = terminal_map(&map, ColorDepth::TrueColor, 80).unwrap();
    assert!(text.contains("\u{1b}[48;2;103;0;13m") && map.svg().unwrap().contains("#67000d"));
    assert!(text.lines().filter(|line| line.contains('\u{1b}')).all(|line| line.contains("\u{1b}[0m")));
}

#[test]
fn tokens_cannot_write_escape_codes_of_their_own() {
    let mut map = map(Component::Residual, &SHORT, 0..2, 12);
    map.tokens[0] = "\u{1b}[2J".to_owned();
    map.model = "\u{1b}]0;title\u{7}".to_owned();
    map.answer = "\u{9b}31m".to_owned();
    let text = terminal_map(&map, ColorDepth::None, 80).unwrap();
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text}");
}

#[test]
fn in_the_noise_direction_dark_is_the_lowest_probability() {
    let mut map = map(Component::Residual, &SHORT, 0..2, 12);
    map.direction = Direction::Noise;
    map.values.fill(map.clean);
    map.values[0] = 0.1;
    let text = terminal_map(&map, ColorDepth::None, 80).unwrap();
    assert!(text.contains("Mac*|@@@    ") && text.contains("0.100|@%#*+=-:. | 0.923"), "{text}");
}

#[test]
fn dark_is_the_expected_change_of_every_metric() {
    let mut map = map(Component::Residual, &SHORT, 0..2, 12);
    (map.metric, map.clean, map.corrupted) = (Metric::Rank, 1.0, 40.0);
    map.values.fill(map.corrupted);
    (map.values[0], map.values[1]) = (2.0, 90.0);
    let text = terminal_map(&map, ColorDepth::None, 80).unwrap();
    assert!(text.contains("on the answer's rank in the corrupted run"), "{text}");
    assert!(text.contains("Mac*|@@@    ") && text.contains("rank(Seattle) 2.00|@%#*+=-:. | 40.0"), "{text}");
}
