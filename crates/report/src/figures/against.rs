//! Effects over a number that was varied from sweep to sweep, such as the size of the noise.

use causal_trace_core::{Component, Direction, effect};
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{Landmarks, SiteOfRole, Summary};

use super::limits::share_limits;
use super::roles::{components, convention, expected_sign, flat, name_panels};
use super::side_by_side::agreed;
use super::{Measure, checked, columns, width};
use crate::{
    Content, CurvePoint, CurveSeries, Curves, Figure, FigureError, NumberAxis, Panel, Provenance, Stroke,
    words,
};

/// One sweep of several that differ in a number.
#[derive(Debug, Clone, Copy)]
pub struct NumberedSummary<'a> {
    /// The number.
    pub number: f64,
    /// What made the folder.
    pub manifest: &'a Manifest,
    /// The averages.
    pub summary: &'a Summary,
}

/// The average total effect, and the strongest average indirect effects at the last subject token and at the late
/// site, over a number; a panel for each component. Effects are counted in the expected direction; bands are 95 %
/// intervals.
///
/// # Errors
/// No points, a component that a summary lacks, summaries of different metrics, a number that the axis cannot have, or
/// tables of the wrong size.
pub fn against(
    title: &str,
    axis: &NumberAxis,
    points: &[NumberedSummary<'_>],
    which: &[Component],
) -> Result<Figure, FigureError> {
    let Some(NumberedSummary { summary: first, .. }) = points.first() else {
        return Err(FigureError::NoPanels);
    };
    let metrics: Vec<_> = points.iter().map(|point| (&*point.summary.model, point.summary.metric)).collect();
    agreed("metric", &metrics)?;
    let mut sorted = points.to_vec();
    sorted.sort_by(|one, other| one.number.total_cmp(&other.number));
    let mut panels = Vec::new();
    for &component in which {
        let curves = curves(axis, &sorted, component)?;
        panels
            .push(Panel { title: words::component(component).to_owned(), content: Content::Curves(curves) });
    }
    share_limits(&mut panels);
    let made: Vec<_> = sorted.iter().map(|point| (point.manifest, point.summary.prompts)).collect();
    let varying = format!("{} as on the axis", axis.label);
    let columns = columns(panels.len());
    checked(Figure {
        title: title.to_owned(),
        subtitle: format!("{}, {}", first.model, prompts(&sorted)),
        width: width(columns),
        columns,
        panels: name_panels(panels),
        small_print: vec![note(first)],
        provenance: Provenance::shared(&made, &varying).into_iter().collect(),
    })
}

/// "20 prompts", "18 to 20 prompts".
fn prompts(points: &[NumberedSummary<'_>]) -> String {
    let counts = points.iter().map(|point| point.summary.prompts);
    match (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0)) {
        (1, 1) => "1 prompt".to_owned(),
        (fewest, most) if fewest == most => format!("{most} prompts"),
        (fewest, most) => format!("{fewest} to {most} prompts"),
    }
}

fn note(first: &Summary) -> String {
    format!(
        "last subject token: its AIE in the layer where that is strongest; late site: the same at the last token, \
         without the layers where the whole effect returns; {}; effects are counted in the expected direction; {}; \
         bands: 95 % bootstrap intervals over prompts ({} draws, seed {})",
        Measure::IndirectEffect.definition(first.metric),
        convention(first),
        first.bootstrap_draws,
        first.bootstrap_seed
    )
}

fn curves(
    axis: &NumberAxis,
    points: &[NumberedSummary<'_>],
    component: Component,
) -> Result<Curves, FigureError> {
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for point in points {
        let effects = effects(point.summary, component)?;
        for (curve, (y, interval)) in all.iter_mut().zip(effects) {
            curve.push(CurvePoint { x: point.number, y, interval: Some(interval) });
        }
    }
    let looks = [("total effect", 5), ("last subject token", 2), ("late site", 4)];
    let series = looks.into_iter().zip(all).map(|((name, look), points)| CurveSeries {
        name: Some(name.to_owned()),
        points,
        stroke: Stroke::Distinct(look),
        is_joined: true,
    });
    let unit = points.first().map_or(String::new(), |point| words::in_brackets(point.summary.metric));
    Ok(Curves {
        series: series.collect(),
        axis: axis.clone(),
        low: 0.0,
        high: 0.0,
        measure: format!("average effect ({unit})"),
        references: Vec::new(),
    })
}

/// The total effect and those of the two sites, each with its interval.
fn effects(summary: &Summary, component: Component) -> Result<[(f64, [f64; 2]); 3], FigureError> {
    components(summary)?;
    let of = summary.components.get(&component).ok_or_else(|| FigureError::NoComponents {
        what: format!("the summary of {} has no {component}", summary.model),
    })?;
    // Landmarks trust these tables.
    for (table, name) in [
        (&of.average_indirect_effect, "average_indirect_effect"),
        (&of.sd_indirect_effect, "sd_indirect_effect"),
        (&of.wrong_direction_share, "wrong_direction_share"),
        (&of.ci95_low, "ci95_low"),
        (&of.ci95_high, "ci95_high"),
    ] {
        flat(table, name, component, of, 1.0)?;
    }
    let sites = Landmarks::of(component, of, summary.direction, summary.metric);
    let sign = expected_sign(summary);
    let total_sign = effect::strength(Direction::Denoise, summary.metric, 1.0);
    let total = counted(summary.average_total_effect, summary.ci95_total_effect, total_sign);
    let site = |site: Option<SiteOfRole>| match site {
        Some(SiteOfRole { effect, ci95, .. }) => counted(effect, ci95, sign),
        None => (f64::NAN, [f64::NAN; 2]),
    };
    Ok([total, site(sites.early_site()), site(sites.late_site())])
}

/// An effect and its interval with a sign.
fn counted(effect: f64, [low, high]: [f64; 2], sign: f64) -> (f64, [f64; 2]) {
    let interval = if sign > 0.0 { [low, high] } else { [-high, -low] };
    (sign * effect, interval)
}
