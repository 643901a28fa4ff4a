//! The only door to stdout and stderr.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use causal_trace_report::ColorDepth;

/// Columns of a terminal that does not tell, and of a pipe.
const USUAL_WIDTH: usize = 100;

/// A text with its control characters spelled out, so that a prompt cannot break a line or steer the terminal.
pub(crate) fn shown(text: &str) -> String {
    let spelled = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(spelled).collect()
}

/// An error and its causes; a cause that its error spells out already is not said again.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

/// Results go to stdout, everything else to stderr.
#[derive(Debug)]
pub(crate) struct Printer {
    quiet: bool,
    no_progress: bool,
    /// Whether whoever read stdout has gone away.
    is_alone: AtomicBool,
}

impl Printer {
    pub(crate) fn new(quiet: bool) -> Self {
        Printer { quiet, no_progress: false, is_alone: AtomicBool::new(false) }
    }

    /// The same without progress bars if so: they and the lines of `--log` would write over each other.
    pub(crate) fn without_progress(self, so: bool) -> Self {
        Printer { no_progress: so, ..self }
    }

    /// Whether only errors are said.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A result, with a line end.
    pub(crate) fn result(&self, text: &str) {
        let written = writeln!(std::io::stdout().lock(), "{}", text.trim_end_matches('\n'));
        // A reader that has seen enough (as `head` does) is not an error; a full disk is.
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_alone.store(true, Ordering::Relaxed)
            }
            Err(error) => {
                self.error(&anyhow::anyhow!("cannot write to stdout: {error}"));
                std::process::exit(1);
            }
        }
    }

    /// Whether results have a reader, as far as is known.
    pub(crate) fn has_reader(&self) -> bool {
        !self.is_alone.load(Ordering::Relaxed)
    }

    /// Something worth knowing beside the result.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{}", shown(text));
        }
    }

    /// What went wrong, in one line.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let _ = writeln!(std::io::stderr().lock(), "error: {}", shown(&in_one_line(error)));
    }

    /// Whether a progress bar would be seen.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !self.no_progress && std::io::stderr().is_terminal()
    }

    /// How many colours stdout shows (`NO_COLOR`, `FORCE_COLOR`, `COLORTERM` and `TERM` are heeded; where the first two
    /// disagree, there are none, as in clap's help).
    pub(crate) fn color_depth(&self) -> ColorDepth {
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return ColorDepth::None;
        }
        match supports_color::on(supports_color::Stream::Stdout) {
            Some(level) if level.has_16m => ColorDepth::TrueColor,
            Some(level) if level.has_256 => ColorDepth::Ansi256,
            _ => ColorDepth::None,
        }
    }

    /// Columns of stdout.
    pub(crate) fn width(&self) -> usize {
        let terminal = terminal_size::terminal_size_of(std::io::stdout());
        terminal.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let full = std::io::Error::other("disk full");
        let error = anyhow::Error::from(full).context("cannot write a: disk full").context("part 3");
        assert_eq!(in_one_line(&error), "part 3: cannot write a: disk full");
        assert_eq!(in_one_line(&anyhow::anyhow!("b").context("a")), "a: b");
    }
}
