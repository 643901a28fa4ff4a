//! The site that stands for a prompt.

use causal_trace_results::PromptRecord;
use causal_trace_results::statistics::{Census, CensusOptions, PeakClass};

use super::DecidingSite;

/// Counts a prompt and gives its site; none where the component was not traced, or has no site that says something.
pub(super) fn count(census: &mut Census, record: &PromptRecord) -> Option<DecidingSite> {
    let CensusOptions { view, .. } = census.options;
    let (token, layer, class) = match census.add(record) {
        Some(classified) => (classified.token, classified.layer, classified.class),
        None => {
            let site = view.strongest(record, 0..record.tokens.len())?;
            (site.token, site.layer, PeakClass::None)
        }
    };
    let grid = record.traced()?.grid_in(view.component, view.metric)?;
    let indirect_effect = *grid.indirect_effect.get(token * grid.n_layers + layer)?;
    let text = record.tokens.get(token)?.clone();
    Some(DecidingSite { token, layer, text, indirect_effect, class })
}
