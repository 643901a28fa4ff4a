//! The marks of logarithmic axes.

use crate::scale::{Tick, probability};

/// Numbers in this range are written out, if all marks lie in it.
const WRITTEN_OUT: std::ops::RangeInclusive<f64> = 0.001..=10_000.0;

/// At most `most` powers of ten between two positive numbers, equally far apart; 1, 2 and 5 times powers of ten where
/// there are fewer than two; the ends where there are fewer than two of these.
pub(crate) fn log_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let most = most.max(2);
    // A thousandth forgives rounding at the ends.
    let (first, last) = ((low.log10() - 1e-3).ceil() as i32, (high.log10() + 1e-3).floor() as i32);
    if last > first {
        let step =
            (1..).find(|step| (last.div_euclid(*step) - (first - 1).div_euclid(*step)) as usize <= most);
        let step = step.unwrap_or(1);
        // Multiples of the step, so that 1 is among them.
        let powers = (first..=last).filter(|power| power.rem_euclid(step) == 0);
        let ticks = labelled(powers.map(|power| (1, power)).collect());
        if ticks.len() > 1 {
            return ticks;
        }
        return labelled(vec![(1, first), (1, last)]);
    }
    let digits = (first - 1..=last).flat_map(|power| [1, 2, 5].map(|digit| (digit, power)));
    let within = |&(digit, power): &(i32, i32)| {
        let value = number(digit, power);
        low * 0.999 <= value && value <= high * 1.001
    };
    let ticks = labelled(digits.filter(within).collect());
    if ticks.len() > 1 && ticks.len() <= most {
        return ticks;
    }
    [low, high].map(|value| Tick { value, label: probability(value) }).into()
}

fn number(digit: i32, power: i32) -> f64 {
    // Dividing is exact for powers of ten below 1.
    if power < 0 { f64::from(digit) / 10f64.powi(-power) } else { f64::from(digit) * 10f64.powi(power) }
}

/// Multiples of powers of ten with labels: written out, or as in 10⁻⁶.
fn labelled(multiples: Vec<(i32, i32)>) -> Vec<Tick> {
    let is_plain = multiples.iter().all(|&(digit, power)| WRITTEN_OUT.contains(&number(digit, power)));
    let label = |digit: i32, power: i32| match (is_plain, digit) {
        (true, _) => number(digit, power).to_string(),
        (false, 1) => format!("10{}", superscript(power)),
        (false, _) => format!("{digit}·10{}", superscript(power)),
    };
    multiples
        .into_iter()
        .map(|(digit, power)| Tick { value: number(digit, power), label: label(digit, power) })
        .collect()
}

fn superscript(number: i32) -> String {
    let raised = |character| match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    };
    number.to_string().chars().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, most: usize) -> Vec<String> {
        log_ticks(low, high, most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn marks_are_powers_of_ten_with_1_among_them() {
        assert_eq!(labels(1e-6, 1e6, 5), ["10⁻⁶", "10⁻³", "10⁰", "10³", "10⁶"]);
        assert_eq!(labels(1e-6, 1e6, 7), ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰", "10²", "10⁴", "10⁶"]);
        assert_eq!(labels(0.001, 100.0, 8), ["0.001", "0.01", "0.1", "1", "10", "100"]);
        assert_eq!(labels(4e-7, 3e-3, 8), ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³"]);
        assert_eq!(labels(1e-30, 1e30, 2).len(), 2);
    }

    #[test]
    fn short_axes_have_other_marks_too() {
        assert_eq!(labels(1.0, 9.0, 6), ["1", "2", "5"]);
        assert_eq!(labels(2e-6, 6e-6, 6), ["2·10⁻⁶", "5·10⁻⁶"]);
        assert_eq!(labels(0.03, 0.04, 6), ["0.030", "0.040"]);
    }
}
