//! The one file of `report`: the page, its script and all numbers, as large as is allowed.

use std::io::{self, Write};

use causal_trace_results::ResultsFolder;

use super::collector::Collector;
use super::fit::{Contents, choose};
use super::packer::{Packed, Packer};
use super::shell::{data_block, file_page};
use super::{Folder, PageError, Report, left_out};

/// What a folder may say of that which is left out, in bytes: its words, and a byte of its name, quoted and escaped.
const WORDS: usize = 500;
const NAME: usize = 8;
/// What a row of the table may grow by, in bytes, when its numbers are left out.
const GROWTH: usize = 4;

/// Results folders on their way into one file.
///
/// # Memory
/// For each folder the rows of its table, one part, and, packed, the numbers that may fit into the file, with and
/// without the single samples.
#[derive(Debug)]
pub struct ReportFile {
    max_size: usize,
    folders: Vec<Folder>,
    packed: Vec<Vec<Packed>>,
}

/// A whole file, ready to be written.
#[derive(Debug)]
pub struct FinishedReport {
    pieces: Vec<String>,
    /// How many prompts the tables have.
    pub prompts: usize,
    /// How many of them have their numbers in the file.
    pub prompts_with_numbers: usize,
    /// Whether the single samples are in it, of folders that have any.
    pub has_samples: bool,
    /// What had to be left out of folders: their names, and what the page says of it.
    pub left_out: Vec<(String, String)>,
}

impl ReportFile {
    /// Nothing in it yet; it is to have so many bytes at most.
    #[must_use]
    pub fn new(max_size: usize) -> Self {
        ReportFile { max_size, folders: Vec::new(), packed: Vec::new() }
    }

    /// Adds a folder under a name of its own; `progress` is told how many facts were read.
    ///
    /// # Errors
    /// When the folder cannot be read, or its numbers are not what its manifest says.
    pub fn add(
        &mut self,
        folder: &ResultsFolder,
        name: &str,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(), PageError> {
        let mut collector = Collector::new(folder.manifest());
        let mut packer = Packer::new(folder.manifest().settings.direction, self.max_size);
        for part in folder.complete_parts()? {
            let records = folder.read_part(part)?;
            let facts = records.len();
            for record in records {
                collector.add(&record, packer.chunk())?;
                packer.add(record);
            }
            progress(facts);
        }
        self.folders.push(collector.finish(name)?);
        self.packed.push(packer.finish());
        Ok(())
    }

    /// Decides what fits, and leaves out the rest: the single samples of all folders, then the last prompts' numbers.
    ///
    /// # Errors
    /// When the page with its tables alone is larger than allowed.
    pub fn finish(self) -> Result<FinishedReport, PageError> {
        let ReportFile { max_size, folders, packed } = self;
        let mut report = Report::new(folders);
        let page = page_size(&report);
        let room = max_size.checked_sub(page).ok_or(PageError::TooLarge { needed: page, max_size })?;
        let Contents { has_samples, chunks } = choose(packed, room);
        let had_samples = report.folders.iter().any(|folder| folder.has_samples);
        for (folder, chunks) in report.folders.iter_mut().zip(&chunks) {
            left_out::mark(folder, chunks.len(), has_samples, max_size);
        }
        let rows = || report.folders.iter().flat_map(|folder| &folder.prompts);
        let (prompts, prompts_with_numbers) =
            (rows().count(), rows().filter(|row| row.chunk.is_some()).count());
        let left_out = |folder: &Folder| Some((folder.name.clone(), folder.left_out.clone()?));
        let left_out = report.folders.iter().filter_map(left_out).collect();
        let (before, after) = file_page(&report);
        let mut pieces = vec![before];
        for (folder, chunks) in chunks.iter().enumerate() {
            pieces.extend(chunks.iter().enumerate().map(|(chunk, text)| element(folder, chunk, text)));
        }
        pieces.push(after);
        let has_samples = has_samples && had_samples;
        Ok(FinishedReport { pieces, prompts, prompts_with_numbers, has_samples, left_out })
    }
}

impl FinishedReport {
    /// How many bytes the file has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pieces.iter().map(String::len).sum()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.pieces.iter().try_for_each(|piece| out.write_all(piece.as_bytes()))
    }
}

/// A chunk where the page looks for it.
fn element(folder: usize, chunk: usize, text: &str) -> String {
    data_block("application/octet-stream", &format!("chunk-{folder}-{chunk}"), text)
}

/// The size of the page with everything but the chunks, whatever is left out, at most.
fn page_size(report: &Report) -> usize {
    let (before, after) = file_page(report);
    let said = |folder: &Folder| WORDS + NAME * folder.name.len() + GROWTH * folder.prompts.len();
    before.len() + after.len() + report.folders.iter().map(said).sum::<usize>()
}
