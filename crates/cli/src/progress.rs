//! Progress bars: around a sink, and over things that are counted.

use std::ops::ControlFlow;

use causal_trace_core::{Baseline, Metric, Sink, Site};
use indicatif::{ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// Shows how far a trace is while another sink receives its numbers.
pub(crate) struct WithProgress<'a> {
    inner: &'a mut dyn Sink,
    bar: ProgressBar,
}

impl<'a> WithProgress<'a> {
    pub(crate) fn new(inner: &'a mut dyn Sink, printer: &Printer) -> Self {
        let bar = if printer.shows_progress() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("tracing {bar:30} {percent:>3} %  {eta} left") {
            bar.set_style(style);
        }
        WithProgress { inner, bar }
    }
}

impl Drop for WithProgress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Sink for WithProgress<'_> {
    fn baseline(&mut self, baseline: &Baseline) {
        self.inner.baseline(baseline);
    }

    fn patched(&mut self, site: Site, metric: Metric, samples: &[f32]) {
        self.inner.patched(site, metric, samples);
    }

    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.inner.progress(done, total)
    }
}

/// A bar over things that are done one by one.
pub(crate) struct Counted {
    bar: ProgressBar,
}

impl Counted {
    pub(crate) fn new(printer: &Printer, what: &'static str, total: usize) -> Self {
        let bar =
            if printer.shows_progress() { ProgressBar::new(total as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos} of {len}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Counted { bar }
    }

    pub(crate) fn done(&mut self, n: u64) {
        self.bar.inc(n);
    }

    /// How far it is, of how many; for work that tells both.
    pub(crate) fn at(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        ControlFlow::Continue(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
