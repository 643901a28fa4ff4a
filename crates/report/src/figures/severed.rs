//! How much of a state's effect remains where the modules after it are held: ROME's severed tracing.

use causal_trace_core::{Component, Role};
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{ComponentSummary, Summary};

use super::limits::share_limits;
use super::roles::{components, expected_sign, flat, subtitle, totals};
use super::{Measure, checked};
use crate::{
    BarFill, BarSeries, Bars, Content, Figure, FigureError, Groups, Panel, Provenance, Width, words,
};

/// The bars of a layer, from left to right.
const BARS: [(Component, &str); 3] = [
    (Component::Residual, "effect of a single state"),
    (Component::MlpSevered, "effect with MLP severed"),
    (Component::AttentionSevered, "effect with attention severed"),
];

/// The average indirect effect at the last subject token in every layer, and what remains of it with the token's MLPs,
/// and with its attention, held at their corrupted values; with 95 % intervals. Components that the summary lacks are
/// left out.
///
/// # Errors
/// A summary without prompts, or without the residual stream, or with tables of the wrong size.
///
/// # References
/// Meng et al. 2022, figure 3.
pub fn severed(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    components(summary)?;
    let residual = summary.components.get(&Component::Residual).ok_or_else(|| {
        let what = format!("the summary of {} has no residual stream to compare with", summary.model);
        FigureError::NoComponents { what }
    })?;
    let sign = expected_sign(summary);
    let there = BARS
        .iter()
        .filter_map(|&(component, name)| Some((component, name, summary.components.get(&component)?)));
    let series =
        there.map(|(component, name, of)| series(component, name, of, sign)).collect::<Result<_, _>>()?;
    let bars = Bars {
        groups: Groups::Layers(residual.layers),
        series,
        low: 0.0,
        high: 0.0,
        measure: Measure::IndirectEffect.with_unit("A", summary.metric),
        axis: "layer at which the single state is restored".to_owned(),
    };
    let mut panels = vec![Panel { title: String::new(), content: Content::Bars(bars) }];
    share_limits(&mut panels);
    let prompts = residual.prompt_counts[Role::LastSubject as usize];
    let note = format!(
        "AIE at the last subject token ({prompts} prompts); severed: the token's MLP or attention outputs of all layers \
         are held at the values of the corrupted run; {}; whiskers: 95 % bootstrap intervals over prompts ({} draws, \
         seed {})",
        Measure::IndirectEffect.definition(summary.metric),
        summary.bootstrap_draws,
        summary.bootstrap_seed
    );
    let done = words::doing(summary.direction);
    checked(Figure {
        title: format!(
            "Effect of {done} a state at the last subject token, with MLPs or attention severed{}",
            words::on(summary.metric)
        ),
        subtitle: subtitle(summary),
        width: Width::Page,
        columns: 1,
        panels,
        small_print: vec![note, totals(summary)],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}

/// A component's bars, counted in the expected direction.
fn series(
    component: Component,
    name: &str,
    of: &ComponentSummary,
    sign: f64,
) -> Result<BarSeries, FigureError> {
    let row = |table, name| -> Result<Vec<f64>, FigureError> {
        let values = flat(table, name, component, of, sign)?;
        Ok(values[Role::LastSubject as usize * of.layers..][..of.layers].to_vec())
    };
    let [low, high] = [row(&of.ci95_low, "ci95_low")?, row(&of.ci95_high, "ci95_high")?];
    Ok(BarSeries {
        name: Some(name.to_owned()),
        values: row(&of.average_indirect_effect, "average_indirect_effect")?,
        intervals: Some(if sign > 0.0 { [low, high] } else { [high, low] }),
        labels: None,
        fill: BarFill::Component(component),
    })
}
