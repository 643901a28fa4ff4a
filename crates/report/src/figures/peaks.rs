//! Where each prompt has its own largest effect.

use causal_trace_core::Role;
use causal_trace_results::Manifest;
use causal_trace_results::statistics::Summary;

use super::checked;
use super::roles::{components, convention, subtitle, totals};
use crate::{ColorScale, Content, Figure, FigureError, Map, Panel, Provenance, Rows, Width, words};

/// How many prompts have their largest indirect effect at each token role and layer: one map for each component,
/// below each other, so that the counts have room.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
pub fn peaks(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        if of.peaks.len() != Role::ALL.len() || of.peaks.iter().any(|row| row.len() != of.layers) {
            return Err(FigureError::RoleTable { table: "peaks", component, layers: of.layers });
        }
        let counts = of.peaks.iter().flatten().map(|&count| count as f64).collect::<Vec<_>>();
        let row = |(role, counts): (Role, &Vec<usize>)| {
            format!("{} ({})", role.label(), counts.iter().sum::<usize>())
        };
        let map = Map {
            rows: Rows::Named(Role::ALL.into_iter().zip(&of.peaks).map(row).collect()),
            n_layers: of.layers,
            scale: ColorScale::counts(component, counts.iter().copied().fold(0.0, f64::max)),
            values: counts,
            measure: "prompts".to_owned(),
            layer_axis: words::layer_axis(of.window),
            counts: true,
            no_value: None,
        };
        let title = format!("{}; without peak: {}", words::component(component), of.without_peak);
        panels.push(Panel { title, content: Content::Map(map) });
    }
    let note = "each prompt counts once: where its indirect effect is largest; without peak: prompts without an \
                effect in the expected direction; in brackets the prompts with their peak at this role";
    checked(Figure {
        title: format!(
            "Where {} states has its largest effect in each prompt",
            words::doing(summary.direction)
        ),
        subtitle: subtitle(summary),
        width: Width::Page,
        columns: 1,
        panels,
        small_print: vec![note.to_owned(), format!("{}; {}", totals(summary), convention(summary))],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}
