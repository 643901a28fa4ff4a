//! What `summary` reports: plain data.

use std::collections::BTreeMap;

use causal_trace_core::{Component, Direction, Metric, RoleConvention};
use serde::Serialize;

/// One number for each role and layer: `[6][n_layers]`, roles in the order of
/// [`Role::ALL`](causal_trace_core::Role::ALL). `NaN` (JSON's `null`) where no token has the role.
pub type RoleTable = Vec<Vec<f64>>;

/// Averages over the prompts of a results folder, or over some of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The model's name.
    pub model: String,
    /// How many prompts were traced and selected.
    pub prompts: usize,
    /// How many of the folder's facts were skipped, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Which prompts were selected, in words.
    pub selection: String,
    /// Whose definition of the roles.
    pub role_convention: RoleConvention,
    /// Which run was patched.
    pub direction: Direction,
    /// What was measured: p and p* below are this metric's.
    pub metric: Metric,
    /// ATE: mean over prompts of p − p*.
    pub average_total_effect: f64,
    /// The 95 % bootstrap interval of the ATE, prompts drawn with replacement: its lower and upper end.
    pub ci95_total_effect: [f64; 2],
    /// Mean over prompts of p.
    pub mean_clean: f64,
    /// Mean over prompts of p*.
    pub mean_corrupted: f64,
    /// The seed of the bootstrap draws behind `ci95_*`.
    pub bootstrap_seed: u64,
    /// Number of bootstrap draws.
    pub bootstrap_draws: usize,
    /// The averages of each component that was traced.
    pub components: BTreeMap<Component, ComponentSummary>,
}

/// The averages of one component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComponentSummary {
    /// Number of layers.
    pub layers: usize,
    /// Layers patched at once.
    pub window: usize,
    /// The six roles' names.
    pub roles: [&'static str; 6],
    /// How many tokens have each role.
    pub counts: [usize; 6],
    /// How many prompts have a token with each role.
    pub prompt_counts: [usize; 6],
    /// Mean over tokens of IE.
    pub average_indirect_effect: RoleTable,
    /// Standard deviation (n − 1) over tokens of IE.
    pub sd_indirect_effect: RoleTable,
    /// Mean over tokens of PI, a fraction.
    pub average_percent_improvement: RoleTable,
    /// Standard deviation (n − 1) over tokens of PI, a fraction.
    pub sd_percent_improvement: RoleTable,
    /// Share of the prompts with the role whose mean IE over the role's tokens has the unexpected sign.
    pub wrong_direction_share: RoleTable,
    /// Lower end of the 95 % bootstrap interval of `average_indirect_effect`, prompts drawn with replacement.
    pub ci95_low: RoleTable,
    /// Its upper end.
    pub ci95_high: RoleTable,
    /// How many prompts have their largest effect there: `[6][n_layers]`. A token with two roles counts as the
    /// later one, so that every prompt counts once.
    pub peaks: Vec<Vec<usize>>,
    /// How many prompts have no effect in the expected direction at a token with a role.
    pub without_peak: usize,
    /// For each role by itself, how many prompts have the largest effect of that role's tokens in each layer:
    /// `[6][n_layers]`. In a residual grid the last token has the whole total effect in the last layer, which hides
    /// from `peaks` what the other roles do.
    pub role_peaks: Vec<Vec<usize>>,
    /// Mean over tokens of the standard error of a single prompt's IE from its samples; `NaN` where the samples
    /// are not known or there is only one.
    pub noise_error: RoleTable,
}
