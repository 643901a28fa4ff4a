//! How far a download is: a bar on a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// Without a terminal, a line is written after so much time, if a tenth of all has come since the last one.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Some files on their way.
pub(super) struct Transfer<'a> {
    printer: &'a Printer,
    bar: ProgressBar,
    total: u64,
    /// Bytes of the files that are there.
    done: u64,
    /// Bytes that this process has received.
    received: u64,
    /// Where it is, and where it was at the last line.
    position: u64,
    said: u64,
    started: Instant,
    said_at: Instant,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(printer: &'a Printer, total: u64) -> Self {
        let mut transfer = Transfer::silent(printer, total);
        if printer.shows_progress() {
            transfer.bar = ProgressBar::new(total);
        }
        let template =
            "{msg} {bar:30} {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            transfer.bar.set_style(style);
        }
        transfer
    }

    /// Of what is too small for a bar.
    pub(super) fn silent(printer: &'a Printer, total: u64) -> Self {
        let (bar, now) = (ProgressBar::hidden(), Instant::now());
        Transfer {
            printer,
            bar,
            total,
            done: 0,
            received: 0,
            position: 0,
            said: 0,
            started: now,
            said_at: now,
        }
    }

    pub(super) fn begin(&mut self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    /// So much of the file was there before.
    pub(super) fn resume(&mut self, len: u64) {
        self.position = self.done + len;
        self.bar.set_position(self.position);
        // What was there has not come now, and says nothing about how long the rest takes.
        self.bar.reset_eta();
    }

    /// So much of the file is there.
    pub(super) fn at(&mut self, len: u64) {
        let position = self.done + len;
        self.received += position.saturating_sub(self.position);
        self.position = position;
        self.bar.set_position(position);
        let is_worth_a_line = (position - self.said.min(position)) * 10 >= self.total;
        if self.bar.is_hidden() && is_worth_a_line && self.said_at.elapsed() >= BETWEEN_LINES {
            self.say();
        }
    }

    pub(super) fn end(&mut self, size: u64) {
        self.done += size;
        self.position = self.done;
        self.bar.set_position(self.done);
    }

    pub(super) fn wait(&self, name: &str) {
        self.note(&format!("another process is downloading {name}; waiting for it"));
    }

    /// Says something beside the bar.
    pub(super) fn note(&self, text: &str) {
        self.bar.suspend(|| self.printer.note(text));
    }

    /// Bytes that came, and how long that took.
    pub(super) fn received(&self) -> (u64, Duration) {
        (self.received, self.started.elapsed())
    }

    fn say(&mut self) {
        let rate = self.received as f64 / self.started.elapsed().as_secs_f64();
        let left = Duration::try_from_secs_f64((self.total - self.position.min(self.total)) as f64 / rate);
        let left = left.map_or(String::new(), |left| format!(", about {} left", HumanDuration(left)));
        self.printer.note(&format!("{} of {}{left}", DecimalBytes(self.position), DecimalBytes(self.total)));
        (self.said, self.said_at) = (self.position, Instant::now());
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
