//! Averages as a person reads them in a terminal.

use causal_trace_core::{Component, Metric, Role};
use causal_trace_report::Provenance;
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{ComponentSummary, Summary};

use crate::printer::shown;

/// Below so many prompts a percentile interval is too narrow.
const FEW: usize = 20;

/// What was averaged, and one table for each component.
pub(crate) fn table(summary: &Summary, manifest: &Manifest) -> String {
    let mut lines = vec![
        format!("model      {} ({} layers)", shown(&summary.model), manifest.model.n_layers),
        format!("settings   {}", shown(&Provenance::of(manifest, summary.prompts).settings)),
        format!("prompts    {}{}", summary.prompts, skipped(summary)),
    ];
    if summary.selection != "all" {
        lines.push(format!("selection  {}", shown(&summary.selection)));
    }
    lines.push(totals(summary));
    for (&component, of_component) in &summary.components {
        lines.push(String::new());
        lines.extend(component_table(component, summary.metric, of_component));
    }
    lines.push(String::new());
    if summary.prompts < FEW {
        lines.push(format!("With fewer than {FEW} prompts the intervals are too narrow."));
    }
    lines.push(format!(
        "Brackets: 95 % intervals by bootstrap over prompts ({} draws, seed {}); roles as {} counts them.",
        summary.bootstrap_draws, summary.bootstrap_seed, summary.role_convention
    ));
    lines.join("\n")
}

fn totals(summary: &Summary) -> String {
    let (clean, corrupted, [low, high]) =
        (summary.mean_clean, summary.mean_corrupted, summary.ci95_total_effect);
    let runs = match summary.metric {
        Metric::Probability => format!("p = {clean:.4} clean, p* = {corrupted:.4} corrupted"),
        metric => format!("{}: {clean:.4} clean, {corrupted:.4} corrupted", metric.label()),
    };
    format!("{runs}, average total effect {:.4} [{low:.4}, {high:.4}]", summary.average_total_effect)
}

fn skipped(summary: &Summary) -> String {
    let reasons: Vec<String> =
        summary.skipped.iter().map(|(reason, n)| format!("{n} {}", reason.replace('_', " "))).collect();
    if reasons.is_empty() {
        String::new()
    } else {
        format!(" (skipped: {}; --skipped lists them)", reasons.join(", "))
    }
}

fn component_table(component: Component, metric: Metric, summary: &ComponentSummary) -> Vec<String> {
    let layers = if summary.window > 1 { "window around layer" } else { "layer" };
    let of_metric = match metric {
        Metric::Probability => String::new(),
        metric => format!(" on the {}", metric.label()),
    };
    let mut lines = vec![
        format!(
            "{component}: average indirect effect{of_metric}, at the {layers} where it is farthest from 0"
        ),
        format!(
            "{:<24}{:>7}{:>7}  {:<26}{:>7}{:>9}{:>8}",
            "", "tokens", "layer", "average", "sd", "wrong", "peaks"
        ),
    ];
    lines.extend(Role::ALL.iter().enumerate().map(|(row, role)| role_row(*role, row, summary)));
    let peaks: usize = summary.peaks.iter().flatten().sum();
    lines.push(format!(
        "wrong: prompts with the opposite sign there; peaks: prompts (of {}) whose largest effect is at the role",
        peaks + summary.without_peak
    ));
    lines
}

fn role_row(role: Role, row: usize, summary: &ComponentSummary) -> String {
    let label = role.label();
    if summary.counts[row] == 0 {
        return format!("{label:<24}{:>7}", 0);
    }
    let averages = &summary.average_indirect_effect[row];
    // The first of equals.
    let farther = |best: usize, layer: usize| {
        if averages[layer].abs() > averages[best].abs() { layer } else { best }
    };
    let largest = (0..averages.len()).reduce(farther).unwrap_or(0);
    let peaks: usize = summary.peaks[row].iter().sum();
    let interval = format!("[{:.4}, {:.4}]", summary.ci95_low[row][largest], summary.ci95_high[row][largest]);
    format!(
        "{label:<24}{:>7}{largest:>7}  {:>7.4} {interval:<18}{:>7}{:>7.0} %{peaks:>8}",
        summary.counts[row],
        averages[largest],
        number(summary.sd_indirect_effect[row][largest]),
        100.0 * summary.wrong_direction_share[row][largest],
    )
}

/// A number that may need more values than there are.
fn number(value: f64) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.4}") }
}
