//! Plain data and definitions of causal tracing: prompts, sites, corruptions, effects, records.
//!
//! Invariants: there are no tensors here and no input or output. Every number that the program writes
//! is defined once, in [`effect`].

mod config;
mod corruption;
pub mod effect;
mod fact;
mod metric;
mod noise_stream;
mod precision;
mod prompt;
mod record;
mod role;
mod site;

pub use config::{Engine, TraceConfig};
pub use corruption::{
    Corruption, CorruptionMode, Distribution, Method, NoiseRule, NoiseStream, Population, Spread,
    other_orders,
};
pub use fact::{Fact, FactsError, parse_facts};
pub use metric::Metric;
pub use noise_stream::RandomStream;
pub use precision::Precision;
pub use prompt::{Prompt, TokenSpan};
pub use record::{Baseline, Grid, MetricBaseline, Sink, TraceRecord};
pub use role::{Role, RoleConvention};
pub use site::{Component, Direction, ParseNameError, Site, Window};
