//! Plain data and definitions of causal tracing: no tensors, no input or output.

mod site;

pub use site::{Component, Direction, ParseNameError, Site, Window};
