//! The heat map in a terminal: tokens down, layers across, one or more columns a cell.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::label::{shorten, visible, wrap};
use crate::ramp::{Rgb, color};
use crate::{FigureError, HeatMap, words};

/// Which colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// 24-bit colours.
    TrueColor,
    /// The 256 colours of xterm.
    Ansi256,
    /// None: shades are characters, and no escape code is written.
    None,
}

/// The narrowest map; fewer columns than this are taken as this many.
pub const MIN_WIDTH: usize = 24;

/// The widest cell, about a square.
const MAX_CELL: usize = 3;

/// The shades where there are no colours, pale to dark.
const SHADES: &[u8; 10] = b" .:-=+*#%@";

/// Ends a coloured stretch.
const RESET: &str = "\u{1b}[0m";

/// The map in lines of at most `width` columns (at least [`MIN_WIDTH`]), each ending in a newline.
///
/// Where there are more layers than columns, each column shows the strongest of several layers, and says so.
///
/// # Errors
/// Those of [`HeatMap::check`].
pub fn terminal_map(map: &HeatMap, depth: ColorDepth, width: usize) -> Result<String, FigureError> {
    map.check()?;
    let width = width.max(MIN_WIDTH);
    let labels = token_labels(map, width / 3);
    let margin = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    // One column between labels and cells, and one after them where cells are fenced.
    let columns = Columns::fit(map.n_layers, width - margin - 2);
    let painter = Painter { map, depth };

    let mut lines = vec![format!("{} {}", map.title(), map.of_model())];
    for (label, values) in labels.iter().zip(map.rows()) {
        let padding = " ".repeat(margin - label.width());
        let shades: Vec<f32> =
            values.chunks(columns.layers).map(|values| painter.strongest(values)).collect();
        lines.push(format!("{padding}{label}{}", painter.fenced(&shades, columns.width)));
    }
    let indent = " ".repeat(margin + 1);
    lines.push(format!("{indent}{}", columns.axis(map.n_layers)));
    let axis_label = wrap(&map.layer_axis(), (width - indent.len()) as f32, columns_of);
    lines.extend(axis_label.iter().map(|line| format!("{indent}{line}")));
    if columns.layers > 1 {
        lines.push(format!("{indent}each column: the strongest of {} layers", columns.layers));
    }
    let lines = lines.into_iter().map(|line| if line.contains('\u{1b}') { line } else { fit(&line, width) });
    let legend = painter.legend(&indent, width);
    Ok(lines.chain([legend]).map(|line| line + "\n").collect())
}

/// The line without trailing spaces, shortened where it is too long. Only for lines without escape codes.
fn fit(line: &str, width: usize) -> String {
    shorten(line, width as f32, columns_of).trim_end().to_owned()
}

fn columns_of(text: &str) -> f32 {
    text.width() as f32
}

/// The tokens in at most `most` columns, starred where they belong to the subject.
fn token_labels(map: &HeatMap, most: usize) -> Vec<String> {
    let label = |(token, text): (usize, &String)| {
        let star = if map.subject.contains(&token) { "*" } else { "" };
        format!("{}{star}", shorten(&visible(text), (most - star.len()) as f32, columns_of))
    };
    map.tokens.iter().enumerate().map(label).collect()
}

/// How layers are spread over a terminal's columns.
struct Columns {
    /// Layers per cell.
    layers: usize,
    /// Columns per cell.
    width: usize,
}

impl Columns {
    /// Fills at most `room` columns, which is at least 1.
    fn fit(n_layers: usize, room: usize) -> Columns {
        let layers = n_layers.div_ceil(room);
        let cells = n_layers.div_ceil(layers);
        Columns { layers, width: (room / cells).clamp(1, MAX_CELL) }
    }

    /// The layers' numbers below their cells, as many as fit.
    fn axis(&self, n_layers: usize) -> String {
        let room = n_layers.to_string().len() + 1;
        let fits = |step: &usize| step / self.layers * self.width >= room;
        let step = [1, 5, 10, 20, 50, 100, 200, 500].into_iter().find(fits).unwrap_or(n_layers);
        let mut axis = String::new();
        for layer in (0..n_layers).step_by(step) {
            let column = layer / self.layers * self.width;
            let number = layer.to_string();
            // A cell of three columns has a middle.
            let offset = if self.width > number.len() { (self.width - number.len()) / 2 } else { 0 };
            let _ = write!(axis, "{:1$}{number}", "", (column + offset).saturating_sub(axis.len()));
        }
        axis
    }
}

/// Draws shades with what the terminal has.
struct Painter<'a> {
    map: &'a HeatMap,
    depth: ColorDepth,
}

impl Painter<'_> {
    fn strongest(&self, values: &[f32]) -> f32 {
        let scale = self.map.scale();
        values.iter().map(|&value| scale.darkness(value.into())).fold(0.0, f32::max)
    }

    /// Cells of `width` columns; characters stand between bars, since the palest is a space.
    fn fenced(&self, shades: &[f32], width: usize) -> String {
        let cells = self.cells(shades, width);
        if self.depth == ColorDepth::None { format!("|{cells}|") } else { format!(" {cells}") }
    }

    fn cells(&self, shades: &[f32], width: usize) -> String {
        let mut cells = String::new();
        let mut current = String::new();
        for &shade in shades {
            let Some(escape) = self.background(shade) else {
                cells.push_str(&character(shade).to_string().repeat(width));
                continue;
            };
            if escape != current {
                cells.push_str(&escape);
                current = escape;
            }
            cells.push_str(&" ".repeat(width));
        }
        if current.is_empty() { cells } else { cells + RESET }
    }

    /// The escape code that sets a shade as the background.
    fn background(&self, shade: f32) -> Option<String> {
        let rgb = color(self.map.component, shade);
        match self.depth {
            ColorDepth::TrueColor => Some(format!("\u{1b}[48;2;{};{};{}m", rgb.0, rgb.1, rgb.2)),
            ColorDepth::Ansi256 => Some(format!("\u{1b}[48;5;{}m", nearest_256(rgb))),
            ColorDepth::None => None,
        }
    }

    /// The answer and the scale, from its smaller end to its larger one.
    fn legend(&self, indent: &str, width: usize) -> String {
        let scale = self.map.scale();
        let (low, high) = (self.map.number(scale.low()), self.map.number(scale.high()));
        let steps = SHADES.len();
        let share = |step: usize| step as f64 / (steps - 1) as f64;
        let shades: Vec<f32> = (0..steps).map(|step| scale.darkness(scale.value_at(share(step)))).collect();
        let named = |answer: &str| words::of_answer(self.map.metric, answer);
        let fixed = columns_of(indent) + columns_of(&low) + columns_of(&high) + columns_of(&named("")) + 5.0;
        let answer = visible(&self.map.answer);
        let room = width as f32 - fixed - steps as f32;
        if room < 2.0 {
            return format!("{low}{} {high}", self.fenced(&shades, 1));
        }
        let measure = named(&shorten(&answer, room, columns_of));
        format!("{indent}{measure} {low}{} {high}", self.fenced(&shades, 1))
    }
}

fn character(shade: f32) -> char {
    let step = (shade.clamp(0.0, 1.0) * (SHADES.len() - 1) as f32).round() as usize;
    char::from(SHADES[step.min(SHADES.len() - 1)])
}

/// The index of the nearest of xterm's 6 × 6 × 6 colours and 24 greys.
fn nearest_256(Rgb(red, green, blue): Rgb) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let wanted = [red, green, blue];
    let distance = |given: [u8; 3]| -> u32 {
        wanted.iter().zip(given).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let cube = (0..216u8).map(|index| {
        let levels = [index / 36, index / 6 % 6, index % 6].map(|level| LEVELS[usize::from(level)]);
        (distance(levels), 16 + index)
    });
    let greys = (0..24u8).map(|index| (distance([8 + 10 * index; 3]), 232 + index));
    cube.chain(greys).min().map_or(16, |(_, index)| index)
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Component;

    use super::*;

    #[test]
    fn layers_are_grouped_only_when_they_exceed_the_columns() {
        let fit = |n_layers, room| {
            let Columns { layers, width } = Columns::fit(n_layers, room);
            (layers, width)
        };
        assert_eq!(fit(12, 60), (1, 3));
        assert_eq!(fit(48, 60), (1, 1));
        assert_eq!(fit(48, 48), (1, 1));
        assert_eq!(fit(48, 47), (2, 1));
        assert_eq!(fit(96, 20), (5, 1));
    }

    #[test]
    fn axis_numbers_stand_below_their_cells() {
        assert_eq!(Columns { layers: 1, width: 1 }.axis(12), "0    5    10");
        assert_eq!(Columns { layers: 1, width: 3 }.axis(12), " 0  1  2  3  4  5  6  7  8  9 10 11");
        assert_eq!(Columns { layers: 2, width: 1 }.axis(24), "0    10   20");
    }

    #[test]
    fn pure_colours_have_their_xterm_numbers() {
        assert_eq!(nearest_256(Rgb(255, 255, 255)), 231);
        assert_eq!(nearest_256(Rgb(0, 0, 0)), 16);
        assert_eq!(nearest_256(Rgb(128, 128, 128)), 244);
        assert_eq!(nearest_256(Rgb(250, 0, 2)), 196);
    }

    #[test]
    fn every_component_has_at_least_eight_shades_in_256_colours() {
        for component in Component::ALL {
            let mut shades: Vec<u8> =
                (0..=40).map(|step| nearest_256(color(component, step as f32 / 40.0))).collect();
            shades.dedup();
            assert!(shades.len() >= 8, "{component}: {shades:?}");
        }
    }
}
