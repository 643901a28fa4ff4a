//! Which colour a value of a map gets.

use causal_trace_core::Component;

use crate::ramp::{Rgb, color, diverging};
use crate::scale::{Scale, Tick};

/// The colours of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// From pale to dark in a component's colour: residual purple, mlp green, attention red.
    Sequential(Component),
    /// From blue over white to red: for values on both sides of 0, which is white.
    Diverging,
}

/// The colours of a map and the values at their ends. Maps with equal scales can be compared by eye.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorScale {
    /// The colours.
    pub ramp: Ramp,
    /// The value of the palest colour (of the bluest where colours diverge).
    pub pale: f64,
    /// The value of the darkest colour (of the reddest where colours diverge); it may be the smaller one.
    pub dark: f64,
    /// Values in the wrong direction are drawn as 0, which is the palest colour; the colour bar says so.
    pub cutoff: bool,
    /// Colours darken with the square root of the distance from the palest value, so that small counts are seen
    /// beside large ones; the small print says so.
    pub root: bool,
}

/// From this share of the largest effect in the expected direction on, effects in the wrong one are worth a colour.
const BOTH_WAYS: f64 = 1.0 / 3.0;

impl ColorScale {
    /// Diverging where effects clearly go both ways, so that 0 is seen among them; else sequential.
    #[must_use]
    pub fn fitting(component: Component, expected_sign: f64, values: &[f64]) -> Self {
        let farthest = |sign: f64| values.iter().map(|value| sign * value).fold(0.0, f64::max);
        if farthest(-expected_sign) > BOTH_WAYS * farthest(expected_sign) {
            Self::diverging(values)
        } else {
            Self::sequential(component, expected_sign, values)
        }
    }

    /// From the lowest value or 0, whichever is lower, to the highest. Where effects are expected to be negative, as
    /// when noising, the lowest is the darkest: see [`causal_trace_core::Metric::expected_sign`]. `NaN` is left out
    /// here and below.
    #[must_use]
    pub fn sequential(component: Component, expected_sign: f64, values: &[f64]) -> Self {
        let (low, high) = range(values);
        let (pale, dark) = if expected_sign > 0.0 { (low, high) } else { (high, low) };
        ColorScale { ramp: Ramp::Sequential(component), pale, dark, cutoff: false, root: false }
    }

    /// From 0 to the largest effect in the expected direction; those in the wrong direction are drawn as 0.
    #[must_use]
    pub fn cutoff(component: Component, expected_sign: f64, values: &[f64]) -> Self {
        let scale = Self::sequential(component, expected_sign, values);
        ColorScale { pale: 0.0, cutoff: true, ..scale }
    }

    /// Blue below 0, red above, both as far as the value farthest from 0.
    #[must_use]
    pub fn diverging(values: &[f64]) -> Self {
        let (low, high) = range(values);
        let limit = high.max(-low);
        ColorScale { ramp: Ramp::Diverging, pale: -limit, dark: limit, cutoff: false, root: false }
    }

    /// From 0 to a limit of one's choice.
    #[must_use]
    pub fn up_to(component: Component, limit: f64) -> Self {
        ColorScale { ramp: Ramp::Sequential(component), pale: 0.0, dark: limit, cutoff: false, root: false }
    }

    /// For counts from 0 to the largest.
    #[must_use]
    pub fn counts(component: Component, largest: f64) -> Self {
        ColorScale { root: true, ..Self::up_to(component, largest) }
    }

    /// The colour of a value; one beyond the ends gets the end's.
    pub(crate) fn color(self, value: f64) -> Rgb {
        let scale = self.scale();
        match self.ramp {
            Ramp::Sequential(component) if self.root => color(component, scale.darkness(value).sqrt()),
            Ramp::Sequential(component) => color(component, scale.darkness(value)),
            Ramp::Diverging if scale.is_flat() => diverging(0.5),
            Ramp::Diverging => diverging(scale.darkness(value)),
        }
    }

    /// The values at the ends.
    pub(crate) fn scale(self) -> Scale {
        Scale { pale: self.pale, dark: self.dark }
    }

    /// At most `most` marks of the colour bar.
    pub(crate) fn ticks(self, most: usize, whole: bool) -> Vec<Tick> {
        let scale = self.scale();
        let mut ticks = if whole { scale.whole_ticks(most) } else { scale.ticks(most) };
        for tick in ticks.iter_mut().filter(|tick| self.cutoff && tick.value == 0.0) {
            tick.label = if self.dark < 0.0 { "≥0" } else { "≤0" }.to_owned();
        }
        ticks
    }

    /// Whether a value lies beyond the ends, other than one that is cut off.
    pub(crate) fn is_beyond(self, value: f64) -> bool {
        let scale = self.scale();
        let (below, above) = (value < scale.low(), value > scale.high());
        if self.cutoff { if self.dark < 0.0 { below } else { above } } else { below || above }
    }
}

/// The lowest and the highest of some values and 0.
fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((0.0, 0.0), |(low, high), &value| (value.min(low), value.max(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [f64; 4] = [-0.25, f64::NAN, 0.5, 0.125];

    fn ends(scale: ColorScale) -> (f64, f64) {
        (scale.pale, scale.dark)
    }

    #[test]
    fn every_scale_has_its_ends() {
        let (component, denoise, noise) = (Component::Mlp, 1.0, -1.0);
        assert_eq!(ends(ColorScale::sequential(component, denoise, &VALUES)), (-0.25, 0.5));
        assert_eq!(ends(ColorScale::sequential(component, denoise, &VALUES[2..])), (0.0, 0.5));
        assert_eq!(ends(ColorScale::sequential(component, noise, &VALUES)), (0.5, -0.25));
        assert_eq!(ends(ColorScale::cutoff(component, denoise, &VALUES)), (0.0, 0.5));
        assert_eq!(ends(ColorScale::cutoff(component, noise, &VALUES)), (0.0, -0.25));
        assert_eq!(ends(ColorScale::diverging(&VALUES)), (-0.5, 0.5));
        assert_eq!(ends(ColorScale::diverging(&[])), (0.0, 0.0));
    }

    #[test]
    fn clear_effects_both_ways_diverge() {
        let ramp = |values: &[f64]| ColorScale::fitting(Component::Mlp, 1.0, values).ramp;
        assert_eq!(ramp(&VALUES), Ramp::Diverging);
        assert_eq!(ramp(&[-0.1, f64::NAN, 0.5]), Ramp::Sequential(Component::Mlp));
        let noising = ColorScale::fitting(Component::Mlp, -1.0, &[-0.5, 0.1]);
        assert_eq!((noising.ramp, noising.dark), (Ramp::Sequential(Component::Mlp), -0.5));
    }

    #[test]
    fn zero_is_pale_when_cut_off_and_white_when_diverging() {
        let pale = color(Component::Mlp, 0.0);
        let cutoff = ColorScale::cutoff(Component::Mlp, 1.0, &VALUES);
        assert_eq!([-0.25, 0.0].map(|value| cutoff.color(value)), [pale, pale]);
        assert_ne!(cutoff.color(0.1), pale);
        assert_eq!(ColorScale::diverging(&VALUES).color(0.0), diverging(0.5));
        assert_eq!(ColorScale::diverging(&[0.0]).color(0.0), diverging(0.5));
    }

    #[test]
    fn small_counts_are_seen() {
        let scale = ColorScale::counts(Component::Mlp, 100.0);
        assert_eq!(scale.color(25.0), color(Component::Mlp, 0.5));
        assert_eq!(ColorScale::counts(Component::Mlp, 0.0).color(0.0), color(Component::Mlp, 0.0));
    }

    #[test]
    fn the_bar_says_what_is_cut_off() {
        let labels = |expected_sign| -> Vec<String> {
            let scale = ColorScale::cutoff(Component::Mlp, expected_sign, &VALUES);
            scale.ticks(3, false).into_iter().map(|tick| tick.label).collect()
        };
        assert_eq!(labels(1.0), ["≤0", "0.2", "0.4"]);
        assert_eq!(labels(-1.0), ["−0.2", "−0.1", "≥0"]);
        let cutoff = ColorScale::cutoff(Component::Mlp, 1.0, &VALUES);
        assert_eq!([-0.25, 0.6].map(|value| cutoff.is_beyond(value)), [false, true]);
    }
}
