//! ROME's line plot: the average indirect effect over the layers, a line for each token role.

use causal_trace_results::Manifest;
use causal_trace_results::statistics::Summary;

use super::limits::share_limits;
use super::roles::{components, flat, labels, name_panels, patching, subtitle, totals_and_roles};
use super::{Measure, Statistic, checked, columns, width};
use crate::{Content, Figure, FigureError, Lines, Panel, Provenance, Series, Stroke, words};

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
            measure: Measure::IndirectEffect.with_unit("A", summary.metric),
            layer_axis: words::layer_axis(of.window),
        };
        panels.push(Panel { title: words::component(component).to_owned(), content: Content::Lines(lines) });
    }
    share_limits(&mut panels);
    let intervals = format!(
        "{}; bands: 95 % bootstrap intervals over prompts ({} draws, seed {})",
        Statistic::Average.definition(Measure::IndirectEffect, summary.metric),
        summary.bootstrap_draws,
        summary.bootstrap_seed
    );
    checked(Figure {
        title: format!("Average indirect effect of {}{}", patching(summary), words::on(summary.metric)),
        subtitle: subtitle(summary),
        width: width(columns(panels.len())),
        columns: columns(panels.len()),
        panels: name_panels(panels),
        small_print: vec![intervals, totals_and_roles(summary)],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}
