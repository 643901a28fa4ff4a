//! Rotary positions: what the config says, and the angles that follow.

use std::f32::consts::PI;

/// Which features of a head form a rotated pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopePairs {
    /// Feature `i` with feature `i + d_rotary / 2` (GPT-NeoX, Llama).
    Halves,
    /// Feature `2i` with feature `2i + 1` (GPT-J).
    Neighbours,
}

/// Rotary positions of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// How many features of a head are rotated; the rest stay as they are.
    pub d_rotary: usize,
    /// Which features form a pair.
    pub pairs: RopePairs,
    /// Angle per position of each pair, `[d_rotary / 2]`, in radians, with scaling applied.
    pub frequencies: Vec<f32>,
}

/// How angles are stretched for long contexts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All angles divided by a factor.
    Linear {
        /// The factor.
        factor: f32,
    },
    /// Low frequencies divided by the factor, high ones kept, those between interpolated (Llama 3.1).
    Llama3 {
        /// The factor.
        factor: f32,
        /// Wavelengths longer than `original_context / low` are divided.
        low: f32,
        /// Wavelengths shorter than `original_context / high` are kept.
        high: f32,
        /// Context length in tokens before scaling.
        original_context: f32,
    },
}

impl Rope {
    /// Angles `θ^(−2i/d_rotary)`, scaled. In single precision throughout, as the reference has them.
    #[must_use]
    pub fn new(d_rotary: usize, theta: f32, pairs: RopePairs, scaling: RopeScaling) -> Self {
        let frequencies = (0..d_rotary / 2)
            .map(|pair| 1.0 / theta.powf((2 * pair) as f32 / d_rotary as f32))
            .map(|frequency| scaled(frequency, scaling))
            .collect();
        Rope { d_rotary, pairs, frequencies }
    }
}

fn scaled(frequency: f32, scaling: RopeScaling) -> f32 {
    match scaling {
        RopeScaling::None => frequency,
        RopeScaling::Linear { factor } => frequency / factor,
        RopeScaling::Llama3 { factor, low, high, original_context } => {
            let wavelength = 2.0 * PI / frequency;
            if wavelength < original_context / high {
                frequency
            } else if wavelength > original_context / low {
                frequency / factor
            } else {
                let smooth = (original_context / wavelength - low) / (high - low);
                (1.0 - smooth) * frequency / factor + smooth * frequency
            }
        }
    }
}

/// Cosines and sines of every position of a prompt.
#[derive(Debug, Clone)]
pub struct RopeTable {
    pub(crate) pairs: RopePairs,
    pub(crate) d_rotary: usize,
    /// `[seq_len, d_rotary / 2]`, row-major.
    pub(crate) cos: Vec<f32>,
    /// `[seq_len, d_rotary / 2]`, row-major.
    pub(crate) sin: Vec<f32>,
}

impl RopeTable {
    /// The table for positions 0 up to `seq_len`.
    #[must_use]
    pub fn new(rope: &Rope, seq_len: usize) -> Self {
        let angles = || {
            (0..seq_len).flat_map(|position| {
                rope.frequencies.iter().map(move |frequency| position as f32 * frequency)
            })
        };
        RopeTable {
            pairs: rope.pairs,
            d_rotary: rope.d_rotary,
            cos: angles().map(f32::cos).collect(),
            sin: angles().map(f32::sin).collect(),
        }
    }
}
