//! Ctrl-C (and SIGTERM): the part in hand is finished and saved; a second one ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::printer::Printer;

/// The exit code of a second Ctrl-C: the sweep has failed.
const FAILED: i32 = 1;

/// Whether somebody asked for an end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on; `when_asked` is called at the first Ctrl-C, from another thread.
    pub(crate) fn listen(when_asked: impl Fn() + Send + 'static) -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&asked);
        ctrlc::set_handler(move || {
            if heard.swap(true, Ordering::SeqCst) {
                std::process::exit(FAILED);
            }
            when_asked();
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Interrupt(asked))
    }

    /// The same; the first Ctrl-C is answered with a note.
    pub(crate) fn announced(printer: &Printer) -> Result<Self> {
        let quiet = printer.is_quiet();
        Self::listen(move || {
            Printer::new(quiet).note("finishing and saving the part in hand; Ctrl-C again ends at once");
        })
    }

    /// Whether somebody asked for an end.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
