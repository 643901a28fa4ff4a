//! What figures call things.

use causal_trace_core::{Component, Direction};

/// What is done to the model, as in "restoring MLPs".
pub(crate) fn patching(component: Component, direction: Direction) -> String {
    let what = match component {
        Component::Residual => "a state",
        Component::Mlp => "MLPs",
        Component::Attention => "attention",
    };
    format!("{} {what}", doing(direction))
}

/// "restoring" or "corrupting".
pub(crate) fn doing(direction: Direction) -> &'static str {
    match direction {
        Direction::Denoise => "restoring",
        Direction::Noise => "corrupting",
    }
}

/// A component as a panel's title.
pub(crate) fn component(component: Component) -> &'static str {
    match component {
        Component::Residual => "residual",
        Component::Mlp => "MLP",
        Component::Attention => "attention",
    }
}

/// The layer axis' label.
pub(crate) fn layer_axis(window: usize) -> String {
    match window {
        0 | 1 => "layer".to_owned(),
        width => format!("center of interval of {width} layers"),
    }
}
