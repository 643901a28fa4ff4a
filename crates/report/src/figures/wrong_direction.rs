//! How often an effect has the unexpected sign.

use causal_trace_core::Direction;
use causal_trace_results::Manifest;
use causal_trace_results::statistics::Summary;

use super::roles::{components, flat, name_panels, rows, subtitle, totals_and_roles};
use super::{checked, width};
use crate::{ColorScale, Content, Figure, FigureError, Map, Panel, Provenance, words};

/// The share of prompts whose effect goes in the wrong direction by token role and layer, from 0 to 100 %: one map
/// for each component.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
pub fn wrong_direction(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        let map = Map {
            rows: rows(of),
            n_layers: of.layers,
            values: flat(&of.wrong_direction_share, "wrong_direction_share", component, of, 100.0)?,
            scale: ColorScale::up_to(component, 100.0),
            measure: "prompts (%)".to_owned(),
            layer_axis: words::layer_axis(of.window),
            counts: false,
            no_value: Some("no prompt has a token with this role".to_owned()),
        };
        panels.push(Panel { title: words::component(component).to_owned(), content: Content::Map(map) });
    }
    let (title, sign) = match summary.direction {
        Direction::Denoise => {
            ("Share of prompts in which restoring lowers the answer's probability", "below")
        }
        Direction::Noise => ("Share of prompts in which corrupting raises the answer's probability", "above"),
    };
    let note =
        format!("share of the prompts with the role whose mean indirect effect over its tokens is {sign} 0");
    checked(Figure {
        title: title.to_owned(),
        subtitle: subtitle(summary),
        width: width(panels.len()),
        columns: panels.len(),
        panels: name_panels(panels),
        small_print: vec![note, totals_and_roles(summary)],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}
