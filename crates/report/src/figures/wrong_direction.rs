//! How often an effect has the unexpected sign.

use causal_trace_core::Component;
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{ComponentSummary, Summary};

use super::roles::{components, expected_sign, flat, name_panels, rows, subtitle, totals_and_roles};
use super::side_by_side::{about, common_components, compared, unnumbered_rows};
use super::{SummarySide, checked, columns, width};
use crate::{ColorScale, Content, Figure, FigureError, Map, Panel, Provenance, words};

/// The share of prompts whose effect goes in the wrong direction by token role and layer, from 0 to 100 %: one map
/// for each component.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
pub fn wrong_direction(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        let content = Content::Map(map(component, of)?);
        panels.push(Panel { title: words::component(component).to_owned(), content });
    }
    let (done, verb) = (words::doing(summary.direction), wrong(summary).0);
    checked(Figure {
        title: format!("Share of prompts in which {done} {verb} {}", words::quantity(summary.metric)),
        subtitle: subtitle(summary),
        width: width(columns(panels.len())),
        columns: columns(panels.len()),
        panels: name_panels(panels),
        small_print: vec![definition(summary), totals_and_roles(summary)],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}

/// The same for several summaries, of whichever direction: a column for each, a row for each component that all of
/// them have.
///
/// # Errors
/// No common component, a summary without prompts, or tables of the wrong size.
pub fn directions(sides: &[SummarySide<'_>]) -> Result<Figure, FigureError> {
    for side in sides {
        components(side.summary)?;
    }
    let common = common_components(sides);
    let mut panels = Vec::new();
    for &component in &common {
        for side in sides {
            let of = &side.summary.components[&component];
            let map = Map { rows: unnumbered_rows(), ..map(component, of)? };
            let title = format!("{}: {}", words::component(component), side.name);
            panels.push(Panel { title, content: Content::Map(map) });
        }
    }
    let mut small_print: Vec<String> =
        sides.iter().map(|side| format!("{}: {}", side.name, definition(side.summary))).collect();
    small_print.extend(about(sides, &common));
    compared(
        "Share of prompts in which the effect goes in the wrong direction",
        sides,
        sides.len(),
        panels,
        small_print,
    )
}

/// The shares of one component.
fn map(component: Component, of: &ComponentSummary) -> Result<Map, FigureError> {
    Ok(Map {
        rows: rows(of),
        n_layers: of.layers,
        values: flat(&of.wrong_direction_share, "wrong_direction_share", component, of, 100.0)?,
        scale: ColorScale::up_to(component, 100.0),
        measure: "prompts (%)".to_owned(),
        layer_axis: words::layer_axis(of.window),
        counts: false,
        no_value: Some("no prompt has a token with this role".to_owned()),
    })
}

/// What an effect in the wrong direction does to the metric, and on which side of 0 it lies.
fn wrong(summary: &Summary) -> (&'static str, &'static str) {
    if expected_sign(summary) > 0.0 { ("lowers", "below") } else { ("raises", "above") }
}

fn definition(summary: &Summary) -> String {
    format!(
        "share of the prompts with the role whose mean indirect effect over its tokens is {} 0",
        wrong(summary).1
    )
}
