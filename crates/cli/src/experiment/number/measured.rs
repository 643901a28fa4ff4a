//! A number with its interval, and how both are written.

use std::rc::Rc;

use causal_trace_core::Metric;
use causal_trace_results::statistics::Summary;

/// A number, how sure it is, and what it is.
#[derive(Clone)]
pub(in crate::experiment) struct Measured {
    pub(in crate::experiment) value: f64,
    pub(in crate::experiment) ci95: Option<[f64; 2]>,
    pub(in crate::experiment) what: String,
    /// Shown in per cent.
    pub(in crate::experiment) is_share: bool,
    /// How it comes from averages, where it does: to be computed over other prompts of its run.
    pub(in crate::experiment) over: Option<OverPrompts>,
}

/// A number of a run's averages, whichever prompts they are over.
#[derive(Clone)]
pub(in crate::experiment) struct OverPrompts {
    /// The run's name.
    pub(in crate::experiment) run: String,
    pub(in crate::experiment) metric: Metric,
    pub(in crate::experiment) number: NumberOf,
}

/// What a number is of some averages.
type NumberOf = Rc<dyn Fn(&Summary) -> Option<f64>>;

impl Measured {
    pub(in crate::experiment) fn new(value: f64, what: String) -> Self {
        Measured { value, ci95: None, what, is_share: false, over: None }
    }

    pub(super) fn share(value: f64, what: String) -> Self {
        Measured { is_share: true, ..Measured::new(value, what) }
    }

    /// The interval, or the number alone.
    pub(in crate::experiment) fn ends(&self) -> [f64; 2] {
        self.ci95.filter(|ends| ends.iter().all(|end| end.is_finite())).unwrap_or([self.value; 2])
    }

    /// As in "0.218 [0.205, 0.231]".
    pub(in crate::experiment) fn shown(&self) -> String {
        let number = |value| if self.is_share { percent(value) } else { short(value) };
        match self.ci95 {
            // One prompt has an interval without width.
            Some([low, high]) if low.is_finite() && low < high => {
                format!("{} [{}, {}]", number(self.value), number(low), number(high))
            }
            _ => number(self.value),
        }
    }
}

/// Three decimals, or as many digits as a small number needs.
pub(in crate::experiment) fn short(value: f64) -> String {
    let size = value.abs();
    match () {
        () if value.is_nan() => "–".to_owned(),
        () if size != 0.0 && size < 0.0005 => format!("{value:.1e}"),
        () if size >= 100.0 => format!("{value:.0}"),
        () => format!("{value:.3}"),
    }
}

/// A fraction in per cent.
pub(in crate::experiment) fn percent(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { format!("{:.1} %", 100.0 * value) }
}

/// The 95 % interval of a correlation, by Fisher's transformation.
pub(in crate::experiment) fn correlation_interval(r: f64, n: usize) -> Option<[f64; 2]> {
    if n < 4 || r.abs() >= 1.0 {
        return None;
    }
    let (z, half) = (r.atanh(), 1.96 / ((n - 3) as f64).sqrt());
    Some([(z - half).tanh(), (z + half).tanh()])
}

/// The 95 % interval of a share of `n` (Wilson).
pub(in crate::experiment) fn share_interval(share: f64, n: usize) -> [f64; 2] {
    let (n, z) = (n as f64, 1.96f64);
    let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_they_need() {
        let shown = [0.21849, 4.0e-6, -0.02, 0.0, 250.4, f64::NAN].map(short);
        assert_eq!(shown, ["0.218", "4.0e-6", "-0.020", "0.000", "250", "–"]);
        assert_eq!(percent(0.0127), "1.3 %");
        let measured = Measured { ci95: Some([0.1, 0.3]), ..Measured::new(0.2, String::new()) };
        assert_eq!(measured.shown(), "0.200 [0.100, 0.300]");
        let single = Measured { ci95: Some([0.2, 0.2]), ..measured };
        assert_eq!(single.shown(), "0.200");
    }

    #[test]
    fn intervals_are_the_textbooks() {
        // Wilson for 5 of 50; Fisher for r = 0.5, n = 28.
        let [low, high] = share_interval(0.1, 50);
        assert!((low - 0.0435).abs() < 1e-3 && (high - 0.2136).abs() < 1e-3, "{low} {high}");
        let [low, high] = correlation_interval(0.5, 28).unwrap();
        assert!((low - 0.1558).abs() < 1e-3 && (high - 0.7356).abs() < 1e-3, "{low} {high}");
        assert_eq!(correlation_interval(0.5, 3), None);
    }
}
