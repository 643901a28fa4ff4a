//! Figures of causal tracing, drawn from plain data: this crate needs neither model nor engine.
//!
//! A [`HeatMap`] holds what one trace found. Its title, labels, colours and measures are laid out once, in
//! `layout`, as rectangles, lines and texts; from that one description come
//! - [`HeatMap::svg`]: text stays text and names a list of font families;
//! - [`HeatMap::pdf`]: text stays text, in a subset of the embedded font;
//! - [`HeatMap::png`]: that SVG, rendered with the embedded font.
//!
//! [`terminal_map`] draws the same map with the cells of a terminal. The same map gives the same bytes.

mod error;
mod font;
mod heat_map;
mod label;
mod layout;
mod pdf;
mod png;
mod ramp;
mod scale;
mod scene;
mod svg;
mod terminal;

pub use error::FigureError;
pub use heat_map::HeatMap;
pub use png::PRINT_DPI;
pub use terminal::{ColorDepth, MIN_WIDTH, terminal_map};
