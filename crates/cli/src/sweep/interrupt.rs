//! Ctrl-C: the part in hand is finished and saved; a second one ends the program at once. SIGTERM asks for an end
//! too, however often: schedulers send it more than once, and end what does not listen by other means. (SIGHUP is left to
//! `nohup`.)

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
    /// Listens from now on; `when_asked` is called the first time, from another thread.
    pub(crate) fn listen(when_asked: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&asked);
        let ask = Arc::new(move || {
            let is_first = !heard.swap(true, Ordering::SeqCst);
            if is_first {
                when_asked();
            }
            is_first
        });
        let interrupt = Arc::clone(&ask);
        ctrlc::set_handler(move || {
            if !interrupt() {
                std::process::exit(FAILED);
            }
        })
        .context("cannot listen for Ctrl-C")?;
        on_terminate(move || {
            ask();
        })
        .context("cannot listen for SIGTERM")?;
        Ok(Interrupt(asked))
    }

    /// The same; the first time is answered with a note.
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

/// Calls `terminate` for every SIGTERM.
#[cfg(unix)]
fn on_terminate(terminate: impl Fn() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::SIGTERM;

    let mut signals = signal_hook::iterator::Signals::new([SIGTERM])?;
    let listen = move || signals.forever().for_each(|_| terminate());
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(())
}

/// There is no such signal.
#[cfg(not(unix))]
fn on_terminate(_: impl Fn() + Send + 'static) -> std::io::Result<()> {
    Ok(())
}
