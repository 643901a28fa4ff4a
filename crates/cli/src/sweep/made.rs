//! What a results folder remembers of how it was made.

use causal_trace_core::{RoleConvention, TraceConfig};
use causal_trace_lm::LanguageModel;
use causal_trace_results::{
    Counterparts, FORMAT, FORMAT_VERSION, FactsIdentity, Manifest, ModelIdentity, NoiseSource, Settings,
    Target,
};

/// All that determines the numbers of some facts' traces.
pub(crate) struct Made<'a> {
    pub(crate) lm: &'a LanguageModel,
    pub(crate) model: ModelIdentity,
    pub(crate) facts: FactsIdentity,
    pub(crate) target: Target,
    pub(crate) roles: RoleConvention,
    pub(crate) counterparts: Option<Counterparts>,
    pub(crate) config: &'a TraceConfig,
    pub(crate) noise: Option<NoiseSource>,
}

impl Made<'_> {
    /// The manifest of a folder of such parts.
    pub(crate) fn manifest(self, parts: Vec<usize>) -> Manifest {
        let Made { lm, model, facts, target, roles, counterparts, config, noise } = self;
        Manifest {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            program: concat!("causal-trace ", env!("CARGO_PKG_VERSION")).to_owned(),
            model,
            facts: vec![facts],
            target,
            settings: Settings {
                components: config.components.clone(),
                window: config.window,
                residual_window: config.residual_window,
                metrics: config.metrics.clone(),
                roles,
                counterparts,
                direction: config.direction,
                corruption: Some(config.corruption.clone()),
                noise,
                engine: Some(config.engine),
                precision: Some(lm.model.precision().to_string()),
            },
            parts,
        }
    }
}
