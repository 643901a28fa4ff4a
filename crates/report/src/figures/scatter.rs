//! Points in a plane: how two numbers go together.

use causal_trace_core::Component;
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{
    ComponentSummary, PromptSize, Summary, View, deviation_follows_average, tokens_and_effect,
};

use super::limits::share_limits;
use super::roles::{components, flat, labels, patching, subtitle, totals_and_roles};
use super::{Measure, checked};
use crate::{
    Content, CurvePoint, CurveSeries, Curves, Figure, FigureError, NumberAxis, Panel, Provenance, Stroke,
    Width, words,
};

/// Points that look alike.
pub(super) struct Cloud {
    pub(super) name: Option<String>,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) stroke: Stroke,
}

/// A panel of points with axes of its own, labelled horizontally and vertically.
pub(super) fn scatter(title: String, [across, up]: [String; 2], clouds: Vec<Cloud>) -> Panel {
    let series = |cloud: Cloud| CurveSeries {
        name: cloud.name,
        points: cloud.points.into_iter().map(|(x, y)| CurvePoint { x, y, interval: None }).collect(),
        stroke: cloud.stroke,
        is_joined: false,
    };
    let curves = Curves {
        series: clouds.into_iter().filter(|cloud| !cloud.points.is_empty()).map(series).collect(),
        axis: NumberAxis { label: across, is_logarithmic: false },
        low: 0.0,
        high: 0.0,
        measure: up,
        references: Vec::new(),
    };
    let mut panels = [Panel { title, content: Content::Curves(curves) }];
    share_limits(&mut panels);
    let [panel] = panels;
    panel
}

/// A correlation as it stands in a title.
pub(super) fn correlation(r: Option<f64>) -> String {
    r.map_or_else(|| "r not known".to_owned(), |r| format!("r = {r:.2}").replace('-', "−"))
}

/// Every prompt's total effect, and its strongest effect among the subject's tokens, over its number of tokens.
///
/// # Errors
/// No prompts.
pub fn prompt_sizes(manifest: &Manifest, sizes: &[PromptSize], view: View) -> Result<Figure, FigureError> {
    if sizes.is_empty() {
        let (model, selection) = (manifest.model.name.clone(), "none that can be measured".to_owned());
        return Err(FigureError::NoPrompts { model, selection });
    }
    let found = tokens_and_effect(sizes);
    let unit = words::in_brackets(view.metric);
    let panel = |title: &str, pearson, spearman: Option<f64>, effect: fn(&PromptSize) -> f64| {
        let points = sizes.iter().map(|size| (size.n_tokens as f64, effect(size))).collect();
        let rank = spearman.map_or(String::new(), |rho| format!(", ρ = {rho:.2}").replace('-', "−"));
        let title = format!("{title}: {}{rank}", correlation(pearson));
        let axes = ["tokens of the prompt".to_owned(), format!("effect ({unit})")];
        scatter(title, axes, vec![Cloud { name: None, points, stroke: Stroke::Distinct(2) }])
    };
    let panels = vec![
        panel("total effect", found.pearson_total, found.spearman_total, |size| size.total_effect),
        panel("strongest effect", found.pearson_strongest, found.spearman_strongest, |size| {
            size.strongest_effect
        }),
    ];
    let note = format!(
        "a point for each prompt; strongest effect: of {} at the site among the subject's tokens where it is largest; \
         r: Pearson's, ρ: Spearman's correlation with the number of tokens",
        words::patching(view.component, view.direction)
    );
    checked(Figure {
        title: format!("The number of tokens and the size of the effect{}", words::on(view.metric)),
        subtitle: format!("{}, {} prompts", manifest.model.name, found.prompts),
        width: Width::Page,
        columns: 2,
        panels,
        small_print: vec![note],
        provenance: vec![Provenance::of(manifest, found.prompts)],
    })
}

/// The standard deviation over the average of every token role and layer: IE on the left, PI on the right, a row for
/// each component.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
pub fn deviations(manifest: &Manifest, summary: &Summary) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        let found = deviation_follows_average(of, summary.direction, summary.metric);
        let numbers = [found.indirect_effect, found.percent_improvement];
        for (measure, r) in Measure::ALL.into_iter().zip(numbers) {
            let clouds = clouds(component, of, measure)?;
            let axes = ["A", "SD of "].map(|before| measure.with_unit(before, summary.metric));
            let title = format!("{}: {}", words::component(component), correlation(r));
            panels.push(scatter(title, axes, clouds));
        }
    }
    let note = "a point for each role and layer: the standard deviation (n − 1) over the role's tokens beside their \
                mean; r: Pearson's correlation over these points, averages counted in the expected direction";
    checked(Figure {
        title: format!(
            "Average and deviation of the effect of {}{}",
            patching(summary),
            words::on(summary.metric)
        ),
        subtitle: subtitle(summary),
        width: Width::Page,
        columns: 2,
        panels,
        small_print: vec![note.to_owned(), totals_and_roles(summary)],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}

/// The points of every role.
fn clouds(component: Component, of: &ComponentSummary, measure: Measure) -> Result<Vec<Cloud>, FigureError> {
    let [(averages, name), (deviations, sd_name)] = match measure {
        Measure::IndirectEffect => [
            (&of.average_indirect_effect, "average_indirect_effect"),
            (&of.sd_indirect_effect, "sd_indirect_effect"),
        ],
        Measure::PercentImprovement => [
            (&of.average_percent_improvement, "average_percent_improvement"),
            (&of.sd_percent_improvement, "sd_percent_improvement"),
        ],
    };
    let averages = flat(averages, name, component, of, measure.factor())?;
    let deviations = flat(deviations, sd_name, component, of, measure.factor())?;
    let points: Vec<(f64, f64)> = averages.into_iter().zip(deviations).collect();
    let cloud = |(index, name): (usize, String)| Cloud {
        name: Some(name),
        points: points[index * of.layers..][..of.layers]
            .iter()
            .copied()
            .filter(|(average, deviation)| !average.is_nan() && !deviation.is_nan())
            .collect(),
        stroke: Stroke::Distinct(index),
    };
    Ok(labels(of).into_iter().enumerate().map(cloud).collect())
}
