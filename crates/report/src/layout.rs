//! From a heat map to a scene: tokens down, layers across, colour bar at the right, as in ROME's figures.
//!
//! Made for one column of a paper (84 mm) and never to be scaled down there: no text is below 6 points.

use crate::font::Font;
use crate::label::{shorten, visible, wrap};
use crate::ramp::{Rgb, color};
use crate::scene::{Anchor, Item, Line, Rect, Scene, Text};
use crate::{FigureError, HeatMap};

/// Which characters a file format can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyphs {
    /// Any: the viewer finds a font.
    Any,
    /// Those of the embedded font; others are spelled out.
    Embedded,
}

/// One column: 84 mm, in points.
const WIDTH: f32 = 238.0;
const MARGIN: f32 = 2.0;

const TOKEN_SIZE: f32 = 6.5;
const SMALL_SIZE: f32 = 6.0;
const TITLE: Style = Style { size: 7.5, anchor: Anchor::Middle, color: INK };
const MODEL: Style = Style { size: 6.5, anchor: Anchor::Middle, color: INK };
const LAYER_AXIS: Style = Style { size: 7.0, anchor: Anchor::Middle, color: INK };
const SMALL_PRINT: Style = Style { size: SMALL_SIZE, anchor: Anchor::Start, color: SOFT_INK };

/// From one baseline to the next, in sizes.
const LEADING: f32 = 1.25;
/// From the middle of a capital letter down to its baseline, in sizes.
const HALF_CAPITAL: f32 = 0.365;
/// From a line's top to its baseline, in sizes.
const ASCENT: f32 = 0.95;

/// The widest token label.
const MAX_TOKEN_WIDTH: f32 = 64.0;
/// Row heights: as high as rows are drawn, as low as token labels can stand, and what a map of few rows fills.
const MAX_ROW: f32 = 12.0;
const MIN_ROW: f32 = 7.6;
const USUAL_HEIGHT: f32 = 110.0;
const MIN_HEIGHT: f32 = 36.0;

const BAR_WIDTH: f32 = 6.0;
const BAR_SLICES: usize = 128;
const BAR_TICK_ROOM: f32 = 11.0;
const MAX_BAR_TICKS: usize = 7;
const TICK_LENGTH: f32 = 2.0;
const GAP: f32 = 3.0;
const HAIR: f32 = 0.5;
/// How far a cell reaches below its neighbours, so that no viewer shows a seam between them.
const OVERLAP: f32 = 0.4;

const INK: Rgb = Rgb(0x22, 0x22, 0x22);
const SOFT_INK: Rgb = Rgb(0x59, 0x59, 0x59);

/// Lays the map out.
///
/// # Errors
/// Those of [`HeatMap::check`].
pub(crate) fn lay_out(map: &HeatMap, glyphs: Glyphs) -> Result<Scene, FigureError> {
    map.check()?;
    let font = Font::embedded()?;
    let fit = |text: String| match glyphs {
        Glyphs::Any => text,
        Glyphs::Embedded => font.replace_lacking(&text),
    };
    let texts = Texts {
        title: fit(map.title()),
        model: fit(map.of_model()),
        layer_axis: fit(map.layer_axis()),
        small_print: map.small_print().into_iter().map(fit).collect(),
        answer: fit(visible(&map.answer)),
        tokens: map.tokens.iter().map(|token| fit(visible(token))).collect(),
    };
    Ok(Layout { map, font: &font, texts, items: Vec::new() }.scene())
}

/// How a paragraph is set.
struct Style {
    size: f32,
    anchor: Anchor,
    color: Rgb,
}

/// What is written, fit for the file format.
struct Texts {
    title: String,
    model: String,
    layer_axis: String,
    small_print: Vec<String>,
    answer: String,
    tokens: Vec<String>,
}

struct Layout<'a> {
    map: &'a HeatMap,
    font: &'a Font,
    texts: Texts,
    items: Vec<Item>,
}

impl Layout<'_> {
    fn scene(mut self) -> Scene {
        let tokens = self.token_labels();
        let ticks =
            self.map.scale().ticks(((self.plot_height() / BAR_TICK_ROOM) as usize).min(MAX_BAR_TICKS));
        let tick_width = self.widest(ticks.iter().map(|tick| tick.label.as_str()), SMALL_SIZE);
        let bar_room = GAP + BAR_WIDTH + TICK_LENGTH + 1.0 + tick_width + MARGIN;

        let left = MARGIN + self.widest(tokens.iter().map(String::as_str), TOKEN_SIZE) + GAP;
        let (top, title) = self.title();
        let plot = Rect { x: left, y: top, width: WIDTH - left - bar_room, height: self.plot_height() };
        let bar = Rect { x: plot.right() + GAP, width: BAR_WIDTH, ..plot };

        self.cells(plot);
        self.bar_slices(bar);
        self.frame(plot);
        self.frame(bar);
        let layer_ticks = self.layer_ticks(plot);
        let bar_ticks: Vec<_> =
            ticks.into_iter().map(|tick| self.bar_tick(bar, tick.value, tick.label)).collect();
        self.items.extend(title);
        self.token_axis(plot, tokens);
        self.items.extend(layer_ticks);
        self.items.extend(bar_ticks);
        self.bar_title(bar);
        let bottom = self.below(plot);
        Scene {
            width: WIDTH,
            height: (bottom + MARGIN).ceil(),
            title: format!("{} {}: p({})", self.texts.title, self.texts.model, self.texts.answer),
            description: format!("{}. {}", self.texts.layer_axis, self.texts.small_print.join("; ")),
            items: self.items,
        }
    }

    fn plot_height(&self) -> f32 {
        let rows = self.map.tokens.len() as f32;
        ((USUAL_HEIGHT / rows).clamp(MIN_ROW, MAX_ROW) * rows).max(MIN_HEIGHT)
    }

    fn widest<'t>(&self, texts: impl Iterator<Item = &'t str>, size: f32) -> f32 {
        texts.map(|text| self.font.width(text, size)).fold(0.0, f32::max)
    }

    /// The tokens, shortened, and starred where they belong to the subject.
    fn token_labels(&self) -> Vec<String> {
        let measure = |text: &str| self.font.width(text, TOKEN_SIZE);
        let label = |(token, text): (usize, &String)| {
            let star = if self.map.subject.contains(&token) { "*" } else { "" };
            format!("{}{star}", shorten(text, MAX_TOKEN_WIDTH - measure(star), measure))
        };
        self.texts.tokens.iter().enumerate().map(label).collect()
    }

    /// The title's lines, the last of which names the model in smaller type; and where the plot begins below it and the colour bar's title.
    fn title(&self) -> (f32, Vec<Item>) {
        let (mut lines, bottom) = self.paragraph(&self.texts.title, WIDTH / 2.0, MARGIN, &TITLE);
        let measure = |text: &str| self.font.width(text, MODEL.size);
        let model = shorten(&self.texts.model, WIDTH - 2.0 * MARGIN, measure);
        let (model, bottom) = self.paragraph(&model, WIDTH / 2.0, bottom, &MODEL);
        lines.extend(model);
        (bottom + SMALL_SIZE * LEADING + GAP, lines)
    }

    /// A text in lines as wide as the figure, from `top` on, and where it ends. Lines lie at `x` as far as the
    /// figure's margins allow.
    fn paragraph(&self, text: &str, x: f32, top: f32, style: &Style) -> (Vec<Item>, f32) {
        let Style { size, anchor, color } = *style;
        let measure = |line: &str| self.font.width(line, size);
        let mut y = top + ASCENT * size;
        let mut items = Vec::new();
        for content in wrap(text, WIDTH - 2.0 * MARGIN, measure) {
            let before = anchor.share() * measure(&content);
            let after = measure(&content) - before;
            let x = x.min(WIDTH - MARGIN - after).max(MARGIN + before);
            items.push(Item::Text(Text { content, x, y, size, anchor, color }));
            y += LEADING * size;
        }
        (items, y - ASCENT * size)
    }

    fn cells(&mut self, plot: Rect) {
        let scale = self.map.scale();
        let (rows, columns) = (self.map.tokens.len(), self.map.n_layers);
        let (width, height) = (plot.width / columns as f32, plot.height / rows as f32);
        for (row, values) in self.map.rows().enumerate() {
            for (column, &value) in values.iter().enumerate() {
                let (x, y) = (plot.x + column as f32 * width, plot.y + row as f32 * height);
                let right =
                    if column + 1 < columns { x + width + OVERLAP.min(width / 2.0) } else { plot.right() };
                let bottom = if row + 1 < rows { y + height + OVERLAP } else { plot.bottom() };
                let cell = Rect { x, y, width: right - x, height: bottom - y };
                self.items.push(Item::Fill(cell, color(self.map.component, scale.darkness(value))));
            }
        }
    }

    /// The colour bar, from the scale's smaller end at the bottom to its larger end at the top.
    fn bar_slices(&mut self, bar: Rect) {
        let scale = self.map.scale();
        let height = bar.height / BAR_SLICES as f32;
        for slice in 0..BAR_SLICES {
            let y = bar.y + slice as f32 * height;
            let bottom = if slice + 1 < BAR_SLICES { y + 2.0 * height } else { bar.bottom() };
            let share = 1.0 - (slice as f32 + 0.5) / BAR_SLICES as f32;
            let shade = color(self.map.component, scale.darkness(scale.value_at(share)));
            self.items.push(Item::Fill(Rect { y, height: bottom - y, ..bar }, shade));
        }
    }

    fn frame(&mut self, rect: Rect) {
        let (left, top, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.items.extend(corners.windows(2).map(|ends| line(ends[0], ends[1])));
    }

    fn token_axis(&mut self, plot: Rect, labels: Vec<String>) {
        let height = plot.height / labels.len() as f32;
        let texts = labels.into_iter().enumerate().map(|(row, content)| {
            let y = plot.y + (row as f32 + 0.5) * height + HALF_CAPITAL * TOKEN_SIZE;
            text(content, plot.x - GAP, y, TOKEN_SIZE, Anchor::End)
        });
        self.items.extend(texts);
    }

    /// Draws the layer axis' marks and gives its numbers.
    fn layer_ticks(&mut self, plot: Rect) -> Vec<Item> {
        let layers = self.map.n_layers;
        let width = plot.width / layers as f32;
        let room = self.font.width(&(layers - 1).to_string(), SMALL_SIZE) + GAP;
        let step = [1, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|&step| step as f32 * width >= room);
        let mut numbers = Vec::new();
        for layer in (0..layers).step_by(step.unwrap_or(layers)) {
            let x = plot.x + (layer as f32 + 0.5) * width;
            self.items.push(line((x, plot.bottom()), (x, plot.bottom() + TICK_LENGTH)));
            let y = plot.bottom() + TICK_LENGTH + 1.0 + ASCENT * SMALL_SIZE;
            numbers.push(text(layer.to_string(), x, y, SMALL_SIZE, Anchor::Middle));
        }
        numbers
    }

    /// Draws one of the colour bar's marks and gives its number.
    fn bar_tick(&mut self, bar: Rect, value: f32, label: String) -> Item {
        let scale = self.map.scale();
        let share = if scale.is_flat() { 0.0 } else { (value - scale.low()) / (scale.high() - scale.low()) };
        let y = bar.bottom() - share * bar.height;
        let end = bar.right() + TICK_LENGTH;
        self.items.push(line((bar.right(), y), (end, y)));
        text(label, end + 1.0, y + HALF_CAPITAL * SMALL_SIZE, SMALL_SIZE, Anchor::Start)
    }

    /// `p(answer)` above the colour bar, moved left as far as it must to stay in the figure.
    fn bar_title(&mut self, bar: Rect) {
        let measure = |text: &str| self.font.width(text, SMALL_SIZE);
        let content = format!("p({})", shorten(&self.texts.answer, WIDTH / 2.0, measure));
        let half = measure(&content) / 2.0;
        let x = (bar.x + bar.width / 2.0).min(WIDTH - MARGIN - half);
        self.items.push(text(content, x, bar.y - GAP, SMALL_SIZE, Anchor::Middle));
    }

    /// The layer axis' label and the small print; gives where they end.
    fn below(&mut self, plot: Rect) -> f32 {
        let top = plot.bottom() + TICK_LENGTH + 1.0 + LEADING * SMALL_SIZE + 1.0;
        let center = plot.x + plot.width / 2.0;
        let (mut items, bottom) = self.paragraph(&self.texts.layer_axis, center, top, &LAYER_AXIS);
        let mut bottom = bottom + 2.0;
        for text in &self.texts.small_print {
            let (lines, end) = self.paragraph(text, MARGIN, bottom, &SMALL_PRINT);
            items.extend(lines);
            bottom = end;
        }
        self.items.extend(items);
        bottom
    }
}

fn line(from: (f32, f32), to: (f32, f32)) -> Item {
    Item::Line(Line { from, to, thickness: HAIR, color: INK })
}

fn text(content: String, x: f32, y: f32, size: f32, anchor: Anchor) -> Item {
    Item::Text(Text { content, x, y, size, anchor, color: INK })
}
