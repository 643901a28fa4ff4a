//! A part of an experiment's page: figures, tables, findings.

use causal_trace_report::{Figure, Gallery};

/// What an analysis has to show.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(super) title: String,
    /// Sentences with numbers.
    pub(super) findings: Vec<String>,
    pub(super) tables: Vec<Table>,
    pub(super) figures: Vec<Drawn>,
    pub(super) galleries: Vec<Many>,
}

/// A figure and how it is shown.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Its file in `figures`, without its ending.
    pub(super) stem: String,
    /// What it shows.
    pub(super) caption: String,
    pub(super) figure: Figure,
    /// It is linked under this heading; without one it is on the page itself.
    pub(super) group: Option<String>,
}

/// Many prompts in one document.
#[derive(Debug)]
pub(super) struct Many {
    pub(super) stem: String,
    pub(super) caption: String,
    pub(super) gallery: Gallery,
}

/// Rows of text under headings.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Table { head: head.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Section { title: title.into(), ..Section::default() }
    }

    /// A figure that is on the page.
    pub(super) fn show(&mut self, stem: String, caption: impl Into<String>, figure: Figure) {
        self.figures.push(Drawn { stem, caption: caption.into(), figure, group: None });
    }

    /// A figure that is linked, together with others of its group.
    pub(super) fn link(&mut self, group: &str, stem: String, caption: impl Into<String>, figure: Figure) {
        self.figures.push(Drawn { stem, caption: caption.into(), figure, group: Some(group.to_owned()) });
    }
}
