//! Where each prompt has its own largest effect.

use causal_trace_core::{Component, Role};
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{ComponentSummary, Summary};

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
        let title = format!("{}; without peak: {}", words::component(component), of.without_peak);
        panels.push(Panel { title, content: Content::Map(map("peaks", component, of, &of.peaks)?) });
    }
    let title =
        format!("Where {} states has its largest effect in each prompt", words::doing(summary.direction));
    let note = "each prompt counts once: where its indirect effect is largest; without peak: prompts without an \
                effect in the expected direction; in brackets the prompts with their peak at this role";
    histogram(manifest, summary, title, note, panels)
}

/// The same for each role by itself: in which layer the effect of the role's tokens is largest.
///
/// # Errors
/// Those of [`peaks`].
pub fn role_peaks(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        let map = map("role_peaks", component, of, &of.role_peaks)?;
        let title = words::component(component).to_owned();
        panels.push(Panel { title, content: Content::Map(map) });
    }
    let title = format!(
        "In which layer {} states has its largest effect, role by role",
        words::doing(summary.direction)
    );
    let note = "each row counts every prompt once: the layer where the indirect effect of the role's tokens is \
                largest; in brackets the prompts that have one in the expected direction";
    histogram(manifest, summary, title, note, panels)
}

fn map(
    table: &'static str,
    component: Component,
    of: &ComponentSummary,
    counts: &[Vec<usize>],
) -> Result<Map, FigureError> {
    if counts.len() != Role::ALL.len() || counts.iter().any(|row| row.len() != of.layers) {
        return Err(FigureError::RoleTable { table, component, layers: of.layers });
    }
    let values = counts.iter().flatten().map(|&count| count as f64).collect::<Vec<_>>();
    let row =
        |(role, counts): (Role, &Vec<usize>)| format!("{} ({})", role.label(), counts.iter().sum::<usize>());
    Ok(Map {
        rows: Rows::Named(Role::ALL.into_iter().zip(counts).map(row).collect()),
        n_layers: of.layers,
        scale: ColorScale::counts(component, values.iter().copied().fold(0.0, f64::max)),
        values,
        measure: "prompts".to_owned(),
        layer_axis: words::layer_axis(of.window),
        counts: true,
        no_value: None,
    })
}

fn histogram(
    manifest: &Manifest,
    summary: &Summary,
    title: String,
    note: &str,
    panels: Vec<Panel>,
) -> Result<Figure, FigureError> {
    checked(Figure {
        title,
        subtitle: subtitle(summary),
        width: Width::Page,
        columns: 1,
        panels,
        small_print: vec![note.to_owned(), format!("{}; {}", totals(summary), convention(summary))],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}
