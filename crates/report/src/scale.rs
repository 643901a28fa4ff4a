//! From values to shades, and the round numbers that mark a scale.

/// Differences below this share of the scale's larger end are rounding, not effects.
const ROUNDING: f64 = 1e-6;

/// The values that get the palest and the darkest colour. `dark` may be the smaller one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// The value without any effect.
    pub(crate) pale: f64,
    /// The value with the largest effect.
    pub(crate) dark: f64,
}

impl Scale {
    /// The smaller end.
    pub(crate) fn low(self) -> f64 {
        self.pale.min(self.dark)
    }

    /// The larger end.
    pub(crate) fn high(self) -> f64 {
        self.pale.max(self.dark)
    }

    /// Whether the ends coincide, so that no value is darker than another.
    pub(crate) fn is_flat(self) -> bool {
        self.high() - self.low() <= ROUNDING * self.high().abs()
    }

    /// How dark a value is drawn: 0 (pale) to 1; values beyond the ends are drawn as the ends.
    pub(crate) fn darkness(self, value: f64) -> f32 {
        if self.is_flat() {
            return 0.0;
        }
        ((value - self.pale) / (self.dark - self.pale)).clamp(0.0, 1.0) as f32
    }

    /// The value, or the end that it lies beyond.
    pub(crate) fn clamp(self, value: f64) -> f64 {
        value.max(self.low()).min(self.high())
    }

    /// The value at a share of the way from the smaller to the larger end.
    pub(crate) fn value_at(self, share: f64) -> f64 {
        self.low() + share * (self.high() - self.low())
    }

    /// Round numbers within the scale that are whole, at most `most`, or its ends where fewer than two fit.
    pub(crate) fn whole_ticks(self, most: usize) -> Vec<Tick> {
        let is_whole = |tick: &Tick| (tick.value - tick.value.round()).abs() < 1e-9;
        let mut ticks = self.ticks(most);
        ticks.retain(is_whole);
        ticks.iter_mut().for_each(|tick| tick.label = format!("{:.0}", tick.value));
        if ticks.len() < 2 && !self.is_flat() {
            return [self.low(), self.high()]
                .map(|value| Tick { value, label: format!("{value:.0}") })
                .into();
        }
        ticks
    }

    /// At most `most` round numbers within the scale, or its ends where fewer than two fit.
    pub(crate) fn ticks(self, most: usize) -> Vec<Tick> {
        let end = |value| Tick { value, label: probability(value) };
        if self.is_flat() {
            return vec![end(self.low())];
        }
        let ticks = round_ticks(self.low(), self.high(), most.max(2));
        if ticks.len() < 2 { vec![end(self.low()), end(self.high())] } else { ticks }
    }
}

/// A marked value of a scale.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// The value, within the scale.
    pub(crate) value: f64,
    /// The value as it is written.
    pub(crate) label: String,
}

/// Multiples of the smallest 1, 2 or 5 times a power of ten that gives at most `most` of them.
fn round_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let start = ((high - low) / most as f64).log10().floor() as i32;
    let steps = (start..start + 3).flat_map(|power| [1, 2, 5].map(|digit| (digit, power)));
    for (digit, power) in steps {
        let step = f64::from(digit) * 10f64.powi(power);
        // A thousandth of a step forgives an end that float32 put just inside a round number.
        let first = (low / step - 1e-3).ceil() as i64;
        let last = (high / step + 1e-3).floor() as i64;
        if last - first < most as i64 {
            let tick = |multiple: i64| {
                let value = multiple as f64 * step;
                let label = tick_label(value, power, high.abs().max(low.abs()));
                Tick { value: value.clamp(low, high), label }
            };
            return (first..=last).map(tick).collect();
        }
    }
    Vec::new()
}

/// A multiple of `10^power`, with as many digits as that needs.
fn tick_label(value: f64, power: i32, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let value = value.abs();
    if (0.01..1e5).contains(&largest) {
        let decimals = usize::try_from(-power).unwrap_or(0);
        return format!("{sign}{value:.decimals$}");
    }
    let digits = usize::try_from(value.log10().floor() as i32 - power).unwrap_or(0);
    format!("{sign}{value:.digits$e}")
}

/// A probability with three decimals, or as a power of ten when it is small.
pub(crate) fn probability(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value.abs() < 0.01 {
        format!("{value:.1e}")
    } else {
        format!("{value:.3}")
    }
}

/// A number with about three digits, as it is written over a bar.
pub(crate) fn short_number(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    let value = value.abs();
    let text = match value {
        _ if value >= 1e5 => format!("{value:.1e}"),
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => probability(value),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pale: f64, dark: f64, most: usize) -> Vec<String> {
        Scale { pale, dark }.ticks(most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_within_the_scale() {
        assert_eq!(labels(0.05, 0.72, 5), ["0.2", "0.4", "0.6"]);
        assert_eq!(labels(0.72, 0.05, 5), ["0.2", "0.4", "0.6"]);
        assert_eq!(labels(0.0, 1.0, 6), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(0.0001, 0.0013, 4), ["5e-4", "1.0e-3"]);
        assert_eq!(labels(0.500005, 0.500045, 4), ["0.50001", "0.50002", "0.50003", "0.50004"]);
        assert_eq!(labels(0.13, 0.18, 2), ["0.130", "0.180"]);
        assert_eq!(labels(0.3, 0.3, 5), ["0.300"]);
        assert_eq!(labels(-0.02, 0.07, 5), ["−0.02", "0", "0.02", "0.04", "0.06"]);
        assert_eq!(labels(0.0, 2.5e7, 4), ["0", "1e7", "2e7"]);
    }

    #[test]
    fn numbers_over_bars_are_short() {
        let numbers = [0.0, 0.1234, -0.5, 2.345, -56.78, 345.6, 123_456.0, 0.00123];
        let expected = ["0", "0.123", "−0.500", "2.35", "−56.8", "346", "1.2e5", "1.2e-3"];
        assert_eq!(numbers.map(short_number), expected);
    }

    #[test]
    fn counts_are_marked_by_whole_numbers() {
        let labels = |most: f64| -> Vec<String> {
            let ticks = Scale { pale: 0.0, dark: most }.whole_ticks(7);
            ticks.into_iter().map(|tick| tick.label).collect()
        };
        assert_eq!(labels(0.0), ["0"]);
        assert_eq!(labels(1.0), ["0", "1"]);
        assert_eq!(labels(2.0), ["0", "1", "2"]);
        assert_eq!(labels(12.0), ["0", "2", "4", "6", "8", "10", "12"]);
    }

    #[test]
    fn values_beyond_the_scale_are_clipped() {
        let scale = Scale { pale: 0.25, dark: 0.75 };
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|value| scale.darkness(value)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        let flat = Scale { pale: 0.5, dark: 0.5 };
        assert_eq!(flat.darkness(0.7), 0.0);
    }

    #[test]
    fn a_reversed_scale_darkens_towards_its_smaller_end() {
        let scale = Scale { pale: 0.5, dark: 0.0 };
        assert_eq!([0.0, 0.25, 0.5].map(|value| scale.darkness(value)), [1.0, 0.5, 0.0]);
        assert_eq!(scale.value_at(0.0), 0.0);
    }
}
