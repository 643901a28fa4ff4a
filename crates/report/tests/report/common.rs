//! Made-up maps with the two sites of the paper: early at the subject's last token, late at the last token.

use causal_trace_core::{Component, Direction, Metric, Window};
use causal_trace_report::HeatMap;

/// A map of the given tokens; those from `start` to `end` are the subject.
pub(crate) fn map(
    component: Component,
    tokens: &[&str],
    subject: std::ops::Range<usize>,
    n_layers: usize,
) -> HeatMap {
    let (clean, corrupted) = (0.9231, 0.0587);
    let window = component.window(Window::ROME, Window::SINGLE).width;
    let mut values = Vec::new();
    for token in 0..tokens.len() {
        for layer in 0..n_layers {
            let depth = layer as f32 / n_layers as f32;
            values.push(corrupted + effect(component, token, depth, tokens.len(), subject.end - 1));
        }
    }
    HeatMap {
        component,
        metric: Metric::Probability,
        window,
        model: "gpt2-xl".to_owned(),
        tokens: tokens.iter().map(|&token| token.to_owned()).collect(),
        subject,
        n_layers,
        values,
        clean,
        corrupted,
        answer: " Seattle".to_owned(),
        direction: Direction::Denoise,
        note: "10 samples, noise 0.1338 (s3), seed 1, causal-trace 0.1.0".to_owned(),
    }
}

/// The effect of one site, with some unevenness that is the same on every machine.
fn effect(component: Component, token: usize, depth: f32, tokens: usize, last_subject: usize) -> f32 {
    let (early, late) = match component {
        Component::Residual | Component::ResidPre | Component::ResidMid => {
            (0.72 * falling(depth, 0.4), 0.85 * (1.0 - falling(depth, 0.62)))
        }
        Component::MlpSevered => (0.2 * falling(depth, 0.3), 0.8 * (1.0 - falling(depth, 0.7))),
        Component::AttentionSevered => (0.6 * falling(depth, 0.4), 0.7 * (1.0 - falling(depth, 0.8))),
        Component::Mlp => (0.46 * bump(depth, 0.35, 0.17), 0.08 * bump(depth, 0.75, 0.1)),
        Component::Attention => (0.07 * bump(depth, 0.1, 0.1), 0.52 * bump(depth, 0.68, 0.12)),
    };
    let uneven = ((token * 31 + (depth * 97.0) as usize * 17) % 23) as f32 / 23.0 - 0.4;
    let site = if token == last_subject {
        early
    } else if token + 1 == tokens {
        late
    } else if token < last_subject {
        0.12 * early
    } else {
        0.05 * bump(depth, 0.55, 0.2)
    };
    site + 0.012 * uneven
}

/// From 1 down to 0 around a depth.
fn falling(depth: f32, around: f32) -> f32 {
    ((around + 0.12 - depth) / 0.24).clamp(0.0, 1.0)
}

/// From 0 up to 1 at a depth and down again, piecewise quadratic.
fn bump(depth: f32, around: f32, width: f32) -> f32 {
    (1.0 - ((depth - around) / (2.0 * width)).powi(2)).max(0.0).powi(2)
}

/// The prompt of ROME's first figure; the subject is the first four tokens.
pub(crate) const SPACE_NEEDLE: [&str; 9] =
    ["The", " Space", " Need", "le", " is", " in", " downtown", " the", " city"];

/// Five tokens, the subject the first two.
pub(crate) const SHORT: [&str; 5] = ["Mac", " OS", " is", " made", " by"];

/// The subject of [`long`].
pub(crate) const LONG_SUBJECT: std::ops::Range<usize> = 3..6;

/// Forty tokens with everything that makes labels hard.
pub(crate) fn long() -> Vec<&'static str> {
    let mut tokens = vec![
        "<|endoftext|>",
        "\n",
        "  ",
        " \u{4e2d}\u{6587}",
        " Москва",
        " Zürich",
        "\u{fffd}",
        " R&D",
        " \"quoted\"",
        " antidisestablishmentarianism",
        "<b>",
        "\t",
        " naïve",
    ];
    tokens.extend([" and", " then", " the", " next", " word", " of", " it"].repeat(4));
    tokens.truncate(39);
    tokens.push(" of");
    tokens
}
