//! Many prompts in one document.

use causal_trace_core::Metric;
use causal_trace_results::{Manifest, Outcome, PromptRecord};

use super::prompt::{overview, runs};
use super::{MapStyle, Measure};
use crate::{Figure, FigureError, Gallery, Provenance, words};

/// One figure for every prompt that was traced, with the components side by side: skipped facts are left out.
///
/// # Errors
/// No fact that was traced, or grids that do not fit their tokens.
pub fn gallery<'a>(
    manifest: &Manifest,
    records: impl IntoIterator<Item = &'a PromptRecord>,
    metric: Metric,
    measure: Measure,
    style: MapStyle,
) -> Result<Gallery, FigureError> {
    let traced = records.into_iter().filter(|record| matches!(record.outcome, Outcome::Traced(_)));
    let figures = traced
        .map(|record| entry(manifest, record, metric, measure, style))
        .collect::<Result<Vec<_>, _>>()?;
    let doing = words::doing(manifest.settings.direction);
    let prompts = figures.len();
    Ok(Gallery {
        title: format!(
            "{}: {} of {doing} states{}, prompt by prompt",
            manifest.model.name,
            measure.name(),
            words::on(metric)
        ),
        notes: vec![format!("{}; *: subject", measure.definition(metric))],
        figures,
        provenance: vec![Provenance::of(manifest, prompts)],
    })
}

/// A prompt under its own text.
fn entry(
    manifest: &Manifest,
    record: &PromptRecord,
    metric: Metric,
    measure: Measure,
    style: MapStyle,
) -> Result<Figure, FigureError> {
    let figure = overview(manifest, record, metric, measure, style)?;
    let prompt = &record.fact.prompt;
    let title = if prompt.is_empty() { record.tokens.concat() } else { prompt.clone() };
    let subtitle = format!("fact {}: {}", record.fact.known_id, runs(record, metric)?);
    Ok(Figure { title, subtitle, small_print: Vec::new(), ..figure })
}
