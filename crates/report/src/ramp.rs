//! Colours: one sequential ramp per component, pale to dark.
//!
//! The nine classes of ColorBrewer's Purples, Greens and Reds, interpolated linearly: the ramps that matplotlib
//! ships under these names and ROME's figures use. Colour specifications by Cynthia Brewer
//! (<https://colorbrewer2.org>).

use std::fmt;

use causal_trace_core::Component;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

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

/// A component's colour at a darkness from 0 (pale) to 1.
pub(crate) fn color(component: Component, darkness: f32) -> Rgb {
    let classes = match component {
        Component::Residual => &PURPLES,
        Component::Mlp => &GREENS,
        Component::Attention => &REDS,
    };
    let position = darkness.clamp(0.0, 1.0) * (classes.len() - 1) as f32;
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
    fn every_ramp_darkens_all_the_way() {
        for component in Component::ALL {
            let luminance = |step: usize| {
                let Rgb(r, g, b) = color(component, step as f32 / 32.0);
                0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b)
            };
            assert!((0..32).all(|step| luminance(step) > luminance(step + 1)), "{component}");
        }
    }
}
