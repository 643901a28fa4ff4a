//! Many figures in one document: pages to print, or one page for the browser.

pub(crate) mod html;
mod pages;

use crate::label::clean;
use crate::provenance::{Provenance, paragraphs};
use crate::{Figure, FigureError};

/// Many figures in one document that says once what made them; their own small print leaves it out, their metadata
/// does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Gallery {
    /// The title.
    pub title: String,
    /// What one must know to read the figures, a paragraph each.
    pub notes: Vec<String>,
    /// The figures, in reading order.
    pub figures: Vec<Figure>,
    /// What made all of them.
    pub provenance: Vec<Provenance>,
}

impl Gallery {
    /// The gallery as a PDF file of A4 pages, with a heading and numbers.
    ///
    /// A figure that is higher than a page is scaled down to it. The same gallery gives the same bytes.
    ///
    /// # Errors
    /// No figures, and those of [`Figure::check`].
    pub fn pdf(&self) -> Result<Vec<u8>, FigureError> {
        self.check()?;
        pages::write(self)
    }

    /// The gallery as one HTML page that needs no other file and holds no script.
    ///
    /// # Errors
    /// No figures, and those of [`Figure::check`].
    pub fn html(&self) -> Result<String, FigureError> {
        self.check()?;
        html::write(self)
    }

    fn check(&self) -> Result<(), FigureError> {
        if self.figures.is_empty() { Err(FigureError::NoFigures) } else { Ok(()) }
    }

    /// The notes, and what made the figures.
    fn paragraphs(&self) -> Vec<String> {
        let notes = self.notes.iter().map(|note| clean(note.trim())).filter(|note| !note.is_empty());
        notes.chain(paragraphs(&self.provenance)).collect()
    }
}
