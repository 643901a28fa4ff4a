//! Prompts that begin with the same tokens: these token by token, the rest by role.

use causal_trace_core::Role;
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{AlignedAverage, View};

use super::Measure;
use super::average::{self, Statistic};
use super::checked;
use super::roles::NO_TOKEN;
use crate::label::visible;
use crate::{Content, Figure, FigureError, Map, Panel, Provenance, Rows, Width, words};

/// The average indirect effect at every token that all prompts begin with, and below them by token role; tokens in
/// which the clean and the corrupted prompts differ are marked.
///
/// # Errors
/// An average over no prompts, or tables of the wrong size.
pub fn aligned(manifest: &Manifest, average: &AlignedAverage, view: View) -> Result<Figure, FigureError> {
    let shared = average.tokens.iter().zip(&average.differs);
    let shared =
        shared.map(|(token, differs)| format!("{}{}", visible(token), if *differs { " ≠" } else { "" }));
    let roles = Role::ALL.into_iter().zip(average.counts);
    let roles = roles.map(|(role, count)| format!("{} ({count})", role.label()));
    let values: Vec<f64> = average.prefix.iter().chain(&average.roles).flatten().copied().collect();
    let sign = view.metric.expected_sign(view.direction);
    let map = Map {
        rows: Rows::Named(shared.chain(roles).collect()),
        n_layers: average.n_layers,
        scale: average::scale(view.component, sign, Measure::IndirectEffect, Statistic::Average, &values),
        values,
        measure: Measure::IndirectEffect.with_unit("A", view.metric),
        layer_axis: words::layer_axis(view.window.width),
        counts: false,
        no_value: Some(NO_TOKEN.to_owned()),
    };
    let patching = words::patching(view.component, view.direction);
    let note = format!(
        "above: the tokens that all prompts begin with, averaged one by one; below: the rest by role, in brackets the \
         number of tokens (tokens between the two have no row); ≠: the clean and the corrupted prompt differ here; {}",
        Statistic::Average.definition(Measure::IndirectEffect, view.metric)
    );
    let prompts = average.prompts;
    checked(Figure {
        title: format!("AIE of {patching}, by shared token and by role{}", words::on(view.metric)),
        subtitle: format!("{}, {prompts} prompt{}", manifest.model.name, if prompts == 1 { "" } else { "s" }),
        width: Width::Column,
        columns: 1,
        panels: vec![Panel { title: String::new(), content: Content::Map(map) }],
        small_print: vec![note],
        provenance: vec![Provenance::of(manifest, prompts)],
    })
}
