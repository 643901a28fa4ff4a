//! ROME's line plot: the average indirect effect over the layers, a line for each token role.

use causal_trace_results::Manifest;
use causal_trace_results::statistics::Summary;

use super::roles::{components, flat, labels, name_panels, patching, subtitle, totals_and_roles};
use super::{Measure, Statistic, checked, width};
use crate::{Content, Figure, FigureError, Lines, Panel, Provenance, Series, Stroke, words};

/// Room above the highest and below the lowest value, as a share of their distance.
const HEADROOM: f64 = 0.04;

/// The average indirect effect of every token role over the layers with its 95 % interval; the components side by
/// side, on one scale.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
///
/// # References
/// `average_causal_effects.ipynb` of ROME, whose bands pool tokens; here prompts are drawn.
pub fn lines(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        let flat = |table, name| flat(table, name, component, of, 1.0);
        let average = flat(&of.average_indirect_effect, "average_indirect_effect")?;
        let [low, high] = [flat(&of.ci95_low, "ci95_low")?, flat(&of.ci95_high, "ci95_high")?];
        let row = |values: &[f64], role: usize| values[role * of.layers..][..of.layers].to_vec();
        let series = labels(of).into_iter().enumerate().map(|(role, name)| Series {
            name: Some(name),
            values: row(&average, role),
            band: Some([row(&low, role), row(&high, role)]),
            stroke: Stroke::Distinct(role),
        });
        let lines = Lines {
            n_layers: of.layers,
            series: series.collect(),
            low: 0.0,
            high: 0.0,
            measure: Measure::IndirectEffect.with_unit("A"),
            layer_axis: words::layer_axis(of.window),
        };
        panels.push(Panel { title: words::component(component).to_owned(), content: Content::Lines(lines) });
    }
    share_limits(&mut panels);
    let intervals = format!(
        "{}; bands: 95 % bootstrap intervals over prompts ({} draws, seed {})",
        Statistic::Average.definition(Measure::IndirectEffect),
        summary.bootstrap_draws,
        summary.bootstrap_seed
    );
    checked(Figure {
        title: format!("Average indirect effect of {}", patching(summary)),
        subtitle: subtitle(summary),
        width: width(panels.len()),
        columns: panels.len(),
        panels: name_panels(panels),
        small_print: vec![intervals, totals_and_roles(summary)],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}

/// Gives all panels with lines the same vertical axis, which holds 0 and all values and bands.
pub(super) fn share_limits(panels: &mut [Panel]) {
    let mut all: Vec<&mut Lines> = panels
        .iter_mut()
        .filter_map(|panel| match &mut panel.content {
            Content::Lines(lines) => Some(lines),
            Content::Map(_) => None,
        })
        .collect();
    let values = all
        .iter()
        .flat_map(|lines| &lines.series)
        .flat_map(|series| series.values.iter().chain(series.band.iter().flatten().flatten()).copied());
    // `NaN` is left out by `min` and `max`.
    let (low, high) =
        values.fold((0.0, 0.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
    let room = HEADROOM * (high - low);
    let below = if low < 0.0 { low - room } else { 0.0 };
    let above = if high > 0.0 { high + room } else { 0.0 };
    // Without any effect the axis is that of a probability.
    let above = if above > below { above } else { 1.0 };
    all.iter_mut().for_each(|lines| (lines.low, lines.high) = (below, above));
}
