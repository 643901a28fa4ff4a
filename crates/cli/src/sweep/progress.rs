//! How far a sweep is: a bar on a terminal, now and then a line elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// How often a line is written where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(30);
/// Steps of the bar; work is counted in operations, of which there are too many.
const STEPS: f64 = 10_000.0;

/// Prompts done, sites a second and the time left.
pub(crate) struct SweepProgress<'a> {
    printer: &'a Printer,
    bar: ProgressBar,
    start: Instant,
    last_line: Instant,
    n_prompts: usize,
    total_cost: f64,
    /// What was done before the part in hand, in this call.
    cost: f64,
    prompts: usize,
    sites: usize,
}

impl<'a> SweepProgress<'a> {
    pub(crate) fn new(printer: &'a Printer, n_prompts: usize, total_cost: f64) -> Self {
        let bar =
            if printer.shows_progress() { ProgressBar::new(STEPS as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let now = Instant::now();
        SweepProgress {
            printer,
            bar,
            start: now,
            last_line: now,
            n_prompts,
            total_cost,
            cost: 0.0,
            prompts: 0,
            sites: 0,
        }
    }

    /// A share of the part in hand is done, which has so many prompts and sites in all.
    pub(crate) fn in_part(&mut self, share: f64, n_prompts: usize, part_cost: f64, part_sites: usize) {
        let done = self.cost + share * part_cost;
        let sites = self.sites as f64 + share * part_sites as f64;
        let prompts = self.prompts + (share * n_prompts as f64) as usize;
        self.show(prompts, done, sites);
    }

    /// A part is saved.
    pub(crate) fn finish_part(&mut self, n_prompts: usize, cost: f64, sites: usize) {
        self.cost += cost;
        self.prompts += n_prompts;
        self.sites += sites;
        self.show(self.prompts, self.cost, self.sites as f64);
    }

    /// A part is there that another worker has done.
    pub(crate) fn done_by_others(&mut self, n_prompts: usize, cost: f64) {
        self.n_prompts = self.n_prompts.saturating_sub(n_prompts);
        self.total_cost -= cost;
    }

    fn show(&mut self, prompts: usize, cost: f64, sites: f64) {
        let share = if self.total_cost > 0.0 { (cost / self.total_cost).min(1.0) } else { 1.0 };
        self.bar.set_position((share * STEPS) as u64);
        let text = || {
            let elapsed = self.start.elapsed().as_secs_f64();
            let rate = sites / elapsed.max(1e-3);
            let left = if share > 0.0 { elapsed * (1.0 - share) / share } else { f64::NAN };
            let n_prompts = self.n_prompts;
            format!("{prompts} of {n_prompts} prompts, {rate:.0} sites/s, {} left", duration(left))
        };
        if self.printer.shows_progress() {
            self.bar.set_message(text());
        } else if self.last_line.elapsed() >= BETWEEN_LINES {
            self.printer.note(&text());
            self.last_line = Instant::now();
        }
    }
}

impl Drop for SweepProgress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Seconds as `5 s`, `3 min` or `2 h 10 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "some time".to_owned();
    }
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 1.0 => "a second".to_owned(),
        _ if seconds < 90.0 => format!("{seconds:.0} s"),
        0..60 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let shown = [0.4, 89.0, 90.0, 3599.0, 3660.0, f64::NAN].map(duration);
        assert_eq!(shown, ["a second", "89 s", "2 min", "1 h 0 min", "1 h 1 min", "some time"]);
    }
}
