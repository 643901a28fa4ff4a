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
    pub(super) galleries: Vec<(String, Gallery)>,
}

/// A figure and how it is shown.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Its file in `figures`, without its ending.
    pub(super) stem: String,
    /// What it shows.
    pub(super) caption: String,
    pub(super) figure: Figure,
    /// It is on the page itself; the others are linked.
    pub(super) is_shown: bool,
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
        self.figures.push(Drawn { stem, caption: caption.into(), figure, is_shown: true });
    }

    /// A figure that is linked.
    pub(super) fn link(&mut self, stem: String, caption: impl Into<String>, figure: Figure) {
        self.figures.push(Drawn { stem, caption: caption.into(), figure, is_shown: false });
    }
}
