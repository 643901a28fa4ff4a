//! What figures of averages by token role share.

use causal_trace_core::{Component, Metric, Role, RoleConvention};
use causal_trace_results::statistics::{ComponentSummary, RoleTable, Summary};

use crate::scale::{probability, short_number};
use crate::{FigureError, Panel, Rows, words};

/// What a cell without a value means.
pub(super) const NO_TOKEN: &str = "no token has this role";

/// The components, if there are prompts and components.
pub(super) fn components(summary: &Summary) -> Result<Vec<(Component, &ComponentSummary)>, FigureError> {
    let Summary { model, prompts, selection, .. } = summary;
    if *prompts == 0 {
        return Err(FigureError::NoPrompts { model: model.clone(), selection: selection.clone() });
    }
    if summary.components.is_empty() {
        let what = format!("the summary of {model} has none");
        return Err(FigureError::NoComponents { what });
    }
    Ok(summary.components.iter().map(|(&component, of)| (component, of)).collect())
}

/// The sign that the summary's effects are expected to have.
pub(super) fn expected_sign(summary: &Summary) -> f64 {
    summary.metric.expected_sign(summary.direction)
}

/// The roles and how many tokens have each.
pub(super) fn labels(of: &ComponentSummary) -> Vec<String> {
    Role::ALL.into_iter().zip(of.counts).map(|(role, count)| format!("{} ({count})", role.label())).collect()
}

/// The roles as rows.
pub(super) fn rows(of: &ComponentSummary) -> Rows {
    Rows::Named(labels(of))
}

/// A table of roles and layers as one row after the other, times a factor.
pub(super) fn flat(
    table: &RoleTable,
    name: &'static str,
    component: Component,
    of: &ComponentSummary,
    factor: f64,
) -> Result<Vec<f64>, FigureError> {
    let layers = of.layers;
    if table.len() != Role::ALL.len() || table.iter().any(|row| row.len() != layers) {
        return Err(FigureError::RoleTable { table: name, component, layers });
    }
    Ok(table.iter().flatten().map(|value| value * factor).collect())
}

/// The subtitle: the model and how many prompts.
pub(super) fn subtitle(summary: &Summary) -> String {
    let Summary { model, prompts, selection, .. } = summary;
    let which = if selection == "all" { String::new() } else { format!(" ({selection})") };
    format!("{model}, {prompts} prompt{}{which}", if *prompts == 1 { "" } else { "s" })
}

/// The small print's sentence about the totals.
pub(super) fn totals(summary: &Summary) -> String {
    let is_probability = summary.metric == Metric::Probability;
    let shown = |value: f64| if is_probability { probability(value) } else { short_number(value) };
    let number = |value: f64| if value.is_nan() { "not known".to_owned() } else { shown(value) };
    let [low, high] = summary.ci95_total_effect;
    let interval = if low.is_nan() || high.is_nan() {
        String::new()
    } else {
        format!(" (95 % interval {} to {})", shown(low), shown(high))
    };
    let total = number(summary.average_total_effect);
    let (clean, corrupted) = (number(summary.mean_clean), number(summary.mean_corrupted));
    if is_probability {
        return format!(
            "average total effect {total}{interval}, mean clean p = {clean}, mean corrupted p* = {corrupted}"
        );
    }
    let metric = words::in_brackets(summary.metric);
    format!(
        "average total effect {total}{interval}, mean clean {clean}, mean corrupted {corrupted} ({metric})"
    )
}

/// Whose roles.
pub(super) fn convention(summary: &Summary) -> &'static str {
    match summary.role_convention {
        RoleConvention::Rome => "roles as in ROME",
        RoleConvention::Dannyallover => "roles as in dannyallover/causal-tracing",
    }
}

/// The small print's paragraph about the totals and the roles, whose labels hold counts.
pub(super) fn totals_and_roles(summary: &Summary) -> String {
    format!("{}; {}, in brackets their number of tokens", totals(summary), convention(summary))
}

/// What was patched, for a title: one component by its name.
pub(super) fn patching(summary: &Summary) -> String {
    let mut components = summary.components.keys();
    match (components.next(), components.next()) {
        (Some(&component), None) => words::patching(component, summary.direction),
        _ => format!("{} states", words::doing(summary.direction)),
    }
}

/// Titles of panels, unless there is one panel only, which the figure's title describes.
pub(super) fn name_panels(mut panels: Vec<Panel>) -> Vec<Panel> {
    if let [panel] = &mut panels[..] {
        panel.title.clear();
    }
    panels
}
