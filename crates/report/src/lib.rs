//! Figures of causal tracing, drawn from plain data: this crate needs neither model nor engine.
//!
//! A [`Figure`] holds panels: maps of rows and layers, lines over the layers, curves over a number, bars in groups. It
//! is laid out once, in `layout`, as cells, lines and texts; from that one description come
//! - [`Figure::svg`]: text stays text and names a list of font families;
//! - [`Figure::pdf`]: text stays text, in a subset of the embedded font;
//! - [`Figure::png`]: that SVG, rendered with the embedded font.
//!
//! The same figure gives the same bytes, and each says what made it: in its small print and in its file's metadata
//! ([`Provenance`]).
//!
//! [`figures`] makes the figures of a results folder; a [`Gallery`] puts many in one PDF or HTML document. A
//! [`HeatMap`] is the figure of one trace, which [`terminal_map`] also draws with the cells of a terminal.
//!
//! [`page`] is what a browser shows of results folders: the data and the HTML of `report` and `serve`.

mod calibration;
mod color_scale;
mod error;
mod figure;
pub mod figures;
mod font;
mod gallery;
mod heat_map;
mod label;
mod layout;
mod log_ticks;
pub mod page;
mod pdf;
mod png;
mod provenance;
mod ramp;
mod scale;
mod scene;
mod svg;
mod terminal;
mod words;

pub use calibration::{Calibrated, Table};
pub use color_scale::{ColorScale, Ramp};
pub use error::{FigureError, PanelProblem};
pub use figure::{
    BarFill, BarSeries, Bars, Content, CurvePoint, CurveSeries, Curves, Figure, Groups, Lines, Map,
    NumberAxis, Panel, Parts, Reference, Rows, Series, Stroke, Width,
};
pub use gallery::Gallery;
pub use heat_map::HeatMap;
pub use png::PRINT_DPI;
pub use provenance::Provenance;
pub use terminal::{ColorDepth, MIN_WIDTH, terminal_map};
