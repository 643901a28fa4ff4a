//! Colours: a sequential ramp for each component, pale to dark, that of the severed module where one is; one that
//! diverges from white.
//!
//! The nine classes of ColorBrewer's Purples, Greens and Reds, interpolated linearly: the ramps that matplotlib
//! ships under these names and ROME's figures use; and the eleven of its RdBu, which is told apart with the usual
//! forms of colour blindness. Colour specifications by Cynthia Brewer
//! (<https://colorbrewer2.org>).

use std::fmt;

use causal_trace_core::Component;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Rgb {
    /// Whether no eye tells the colours apart.
    pub(crate) fn is_close_to(self, other: Rgb) -> bool {
        let is_close = |one: u8, other: u8| one.abs_diff(other) <= 2;
        is_close(self.0, other.0) && is_close(self.1, other.1) && is_close(self.2, other.2)
    }

    /// How light it looks, from 0 to 255.
    pub(crate) fn luminance(self) -> f32 {
        0.2126 * f32::from(self.0) + 0.7152 * f32::from(self.1) + 0.0722 * f32::from(self.2)
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

const PURPLES: [u32; 9] =
    [0xfcfbfd, 0xefedf5, 0xdadaeb, 0xbcbddc, 0x9e9ac8, 0x807dba, 0x6a51a3, 0x54278f, 0x3f007d];
const GREENS: [u32; 9] =
    [0xf7fcf5, 0xe5f5e0, 0xc7e9c0, 0xa1d99b, 0x74c476, 0x41ab5d, 0x238b45, 0x006d2c, 0x00441b];
const REDS: [u32; 9] =
    [0xfff5f0, 0xfee0d2, 0xfcbba1, 0xfc9272, 0xfb6a4a, 0xef3b2c, 0xcb181d, 0xa50f15, 0x67000d];

/// RdBu from blue to red.
const BLUE_TO_RED: [u32; 11] = [
    0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b,
    0x67001f,
];

/// A component's colour at a darkness from 0 (pale) to 1.
pub(crate) fn color(component: Component, darkness: f32) -> Rgb {
    let classes = match component {
        Component::Residual | Component::ResidPre | Component::ResidMid => &PURPLES,
        Component::Mlp | Component::MlpSevered => &GREENS,
        Component::Attention | Component::AttentionSevered => &REDS,
    };
    between(classes, darkness)
}

/// The diverging colour at a position from 0 (blue) over 0.5 (white) to 1 (red).
pub(crate) fn diverging(position: f32) -> Rgb {
    between(&BLUE_TO_RED, position)
}

/// The colour at a position from 0 to 1 between the first and the last class.
fn between(classes: &[u32], position: f32) -> Rgb {
    let position = position.clamp(0.0, 1.0) * (classes.len() - 1) as f32;
    let below = (position as usize).min(classes.len() - 2);
    let (from, to) = (classes[below].to_be_bytes(), classes[below + 1].to_be_bytes());
    let share = position - below as f32;
    let mix = |channel: usize| {
        let (from, to) = (f32::from(from[channel]), f32::from(to[channel]));
        (from + share * (to - from)).round() as u8
    };
    Rgb(mix(1), mix(2), mix(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_classes_are_met_exactly() {
        assert_eq!(color(Component::Residual, 0.0), Rgb(0xfc, 0xfb, 0xfd));
        assert_eq!(color(Component::Mlp, 0.5), Rgb(0x74, 0xc4, 0x76));
        assert_eq!(color(Component::Attention, 1.0), Rgb(0x67, 0x00, 0x0d));
        assert_eq!(color(Component::Attention, 7.0), Rgb(0x67, 0x00, 0x0d));
    }

    #[test]
    fn the_diverging_ramp_is_palest_in_its_middle() {
        assert_eq!(diverging(0.5), Rgb(0xf7, 0xf7, 0xf7));
        assert_eq!([0.0, 1.0].map(diverging), [Rgb(0x05, 0x30, 0x61), Rgb(0x67, 0x00, 0x1f)]);
        let luminance = |step: usize| diverging(step as f32 / 32.0).luminance();
        assert!((0..16).all(|step| luminance(step) < luminance(step + 1)));
        assert!((16..32).all(|step| luminance(step) > luminance(step + 1)));
    }

    #[test]
    fn every_ramp_darkens_all_the_way() {
        for component in Component::ALL {
            let luminance = |step: usize| color(component, step as f32 / 32.0).luminance();
            assert!((0..32).all(|step| luminance(step) > luminance(step + 1)), "{component}");
        }
    }
}
