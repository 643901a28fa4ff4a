//! Models, or selections of prompts, beside each other on one scale.

use causal_trace_core::{Component, Direction, Metric, Role};
use causal_trace_results::statistics::Summary;
use causal_trace_results::{Manifest, PromptRecord};

use super::average::{self, Statistic};
use super::prompt::{map, runs, traced, values};
use super::roles::{components, convention, expected_sign, totals};
use super::{MapStyle, Measure, checked, columns, width};
use crate::{Content, Figure, FigureError, Panel, Provenance, Rows, words};

/// One column of a comparison of averages.
#[derive(Debug, Clone, Copy)]
pub struct SummarySide<'a> {
    /// What the column is called: the model, or which prompts.
    pub name: &'a str,
    /// What made the folder.
    pub manifest: &'a Manifest,
    /// The averages.
    pub summary: &'a Summary,
}

/// One column of a comparison of prompts.
#[derive(Debug, Clone, Copy)]
pub struct PromptSide<'a> {
    /// What made the folder.
    pub manifest: &'a Manifest,
    /// The prompt.
    pub record: &'a PromptRecord,
}

/// The average indirect effect of several summaries of one direction and metric, such as models or kinds of noise: one
/// map for each and for each component that all of them have; a component's maps have one scale. Up to three sides are
/// columns; of more, each is a row if there are several components.
///
/// # Errors
/// No common component, a summary without prompts, sides of different directions or metrics, or tables of the wrong
/// size.
pub fn summaries_side_by_side(title: &str, sides: &[SummarySide<'_>]) -> Result<Figure, FigureError> {
    let directions: Vec<_> = sides.iter().map(|side| (side.name, side.summary.direction)).collect();
    agreed("direction", &directions)?;
    let metrics: Vec<_> = sides.iter().map(|side| (side.name, side.summary.metric)).collect();
    agreed("metric", &metrics)?;
    maps_side_by_side(title, sides, true)
}

/// The same for summaries of several metrics, directions or corruptions: every map has a scale of its own.
///
/// # Errors
/// No common component, a summary without prompts, or tables of the wrong size.
pub fn metrics_side_by_side(title: &str, sides: &[SummarySide<'_>]) -> Result<Figure, FigureError> {
    maps_side_by_side(title, sides, false)
}

fn maps_side_by_side(
    title: &str,
    sides: &[SummarySide<'_>],
    has_one_scale: bool,
) -> Result<Figure, FigureError> {
    for side in sides {
        components(side.summary)?;
    }
    let common = common_components(sides);
    let rows = common.iter().map(|&component| of_component(component, sides, has_one_scale));
    let mut rows = rows.collect::<Result<Vec<Vec<Panel>>, _>>()?;
    let is_transposed = sides.len() > 3 && common.len() > 1;
    if is_transposed {
        let mut columns: Vec<_> = rows.into_iter().map(Vec::into_iter).collect();
        rows = sides.iter().map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
    }
    let columns = if is_transposed { common.len() } else { columns(sides.len()) };
    let panels = rows.into_iter().flatten().collect();
    let scales = match (has_one_scale, sides.len()) {
        (false, _) => "each map has a scale of its own",
        (true, ..=3) => "each row of maps has one scale",
        (true, _) => "all maps of a component have one scale",
    };
    let mut small_print = vec![format!("{}; {scales}", definitions(sides))];
    small_print.extend(about(sides, &common));
    compared(title, sides, columns, panels, small_print)
}

/// A component's maps of all sides.
fn of_component(
    component: Component,
    sides: &[SummarySide<'_>],
    has_one_scale: bool,
) -> Result<Vec<Panel>, FigureError> {
    let (measure, statistic) = (Measure::IndirectEffect, Statistic::Average);
    let of = |side: &SummarySide<'_>| {
        average::values(component, &side.summary.components[&component], measure, statistic)
    };
    let all: Vec<Vec<f64>> = sides.iter().map(of).collect::<Result<_, _>>()?;
    let concat = all.concat();
    let panel = |(side, values): (&SummarySide<'_>, Vec<f64>)| {
        let of = &side.summary.components[&component];
        let on_scale = if has_one_scale { &concat } else { &values };
        let scale = average::scale(component, expected_sign(side.summary), measure, statistic, on_scale);
        let measure = measure.with_unit(statistic.before(), side.summary.metric);
        let mut panel = average::panel(component, of, values, scale, measure, statistic);
        if let Content::Map(map) = &mut panel.content {
            map.rows = unnumbered_rows();
        }
        Panel { title: format!("{}: {}", panel.title, side.name), ..panel }
    };
    Ok(sides.iter().zip(all).map(panel).collect())
}

/// The roles as rows, without the counts, in which sides differ: they would keep them from sharing the labels.
pub(super) fn unnumbered_rows() -> Rows {
    Rows::Named(Role::ALL.map(|role| role.label().to_owned()).to_vec())
}

/// What the averages are.
fn definitions(sides: &[SummarySide<'_>]) -> String {
    let define = |metric| Statistic::Average.definition(Measure::IndirectEffect, metric);
    match sides {
        [first, rest @ ..] if rest.iter().all(|side| side.summary.metric == first.summary.metric) => {
            define(first.summary.metric)
        }
        _ => "AIE: mean of IE over the tokens of a role; IE: the metric with the patch minus without, mean over \
              samples; logit difference: to a given foil, or to the most probable token of the corrupted runs"
            .to_owned(),
    }
}

/// One prompt's indirect effects in several folders: a column for each, a row for each component that all of them
/// have; every row has one scale.
///
/// # Errors
/// No common component, a fact that was not traced, or grids that do not fit the tokens.
pub fn prompts_side_by_side(
    sides: &[PromptSide<'_>],
    metric: Metric,
    measure: Measure,
    style: MapStyle,
) -> Result<Figure, FigureError> {
    let prompts = sides.iter().map(|side| traced(side.record)).collect::<Result<Vec<_>, _>>()?;
    let common = common(|component| prompts.iter().all(|traced| traced.grid_in(component, metric).is_some()));
    let directions: Vec<_> =
        sides.iter().map(|side| (name_of(side), side.manifest.settings.direction)).collect();
    agreed("direction", &directions)?;
    let facts: Vec<_> = sides.iter().map(|side| (name_of(side), &side.record.fact.prompt)).collect();
    agreed("prompt", &facts)?;
    let direction = directions.first().map_or(Direction::Denoise, |side| side.1);
    let mut panels = Vec::new();
    for component in common {
        let grids: Vec<_> = prompts.iter().filter_map(|traced| traced.grid_in(component, metric)).collect();
        let all: Vec<Vec<f64>> = grids.iter().map(|grid| values(grid, measure)).collect();
        let scale = style.scale(component, metric.expected_sign(direction), &all.concat());
        for ((side, grid), values) in sides.iter().zip(grids).zip(all) {
            let map = map(side.manifest, side.record, grid, values, scale, measure.with_unit("", metric))?;
            let title = format!("{}: {}", words::component(component), side.manifest.model.name);
            panels.push(Panel { title, content: Content::Map(map) });
        }
    }
    let mut small_print =
        vec![format!("{}; *: subject; each row of maps has one scale", measure.definition(metric))];
    for PromptSide { manifest, record } in sides {
        small_print.push(format!(
            "{}: fact {}, {}",
            manifest.model.name,
            record.fact.known_id,
            runs(record, metric)?
        ));
    }
    let title = format!(
        "{} of {} states in one prompt{}",
        measure.title(),
        words::doing(direction),
        words::on(metric)
    );
    finished(
        &title,
        names(sides.iter().map(|side| side.manifest.model.name.as_str())),
        columns(sides.len()),
        panels,
        small_print,
        sides.iter().map(|side| Provenance::of(side.manifest, 1)).collect(),
    )
}

fn name_of<'a>(side: &PromptSide<'a>) -> &'a str {
    &side.manifest.model.name
}

/// The sides' totals and counts, a paragraph each; many sides with the same counts have these once.
pub(super) fn about(sides: &[SummarySide<'_>], common: &[Component]) -> Vec<String> {
    let counts: Vec<String> = sides.iter().map(|side| counts(side, common)).collect();
    let is_once = sides.len() > 2 && counts.windows(2).all(|pair| pair[0] == pair[1]);
    let paragraph = |(side, counts): (&SummarySide<'_>, &String)| {
        let (name, totals) = (side.name, totals(side.summary));
        if is_once { format!("{name}: {totals}") } else { format!("{name}: {totals}; {counts}") }
    };
    let mut about: Vec<String> = sides.iter().zip(&counts).map(paragraph).collect();
    about.extend(counts.into_iter().next().filter(|_| is_once));
    about
}

fn counts(side: &SummarySide<'_>, common: &[Component]) -> String {
    let counts = common.first().map(|component| side.summary.components[component].counts);
    let counts: Vec<String> = counts.into_iter().flatten().map(|count| count.to_string()).collect();
    format!("{}; tokens in each row, top to bottom: {}", convention(side.summary), counts.join(", "))
}

/// The components that all sides have.
pub(super) fn common_components(sides: &[SummarySide<'_>]) -> Vec<Component> {
    common(|component| sides.iter().all(|side| side.summary.components.contains_key(&component)))
}

/// The components that satisfy a condition.
fn common(is_common: impl Fn(Component) -> bool) -> Vec<Component> {
    Component::ALL.into_iter().filter(|&component| is_common(component)).collect()
}

/// Whether all sides agree; each value comes with its side's name.
pub(super) fn agreed<T: PartialEq>(what: &'static str, values: &[(&str, T)]) -> Result<(), FigureError> {
    match values.windows(2).find(|pair| pair[0].1 != pair[1].1) {
        None => Ok(()),
        Some(pair) => {
            let [first, second] = [pair[0].0, pair[1].0].map(str::to_owned);
            Err(FigureError::Differ { what, first, second })
        }
    }
}

/// Every name once.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = names.collect();
    all.dedup();
    all.join(" and ")
}

/// A comparison of summaries.
pub(super) fn compared(
    title: &str,
    sides: &[SummarySide<'_>],
    columns: usize,
    panels: Vec<Panel>,
    small_print: Vec<String>,
) -> Result<Figure, FigureError> {
    let subtitle = names(sides.iter().map(|side| side.summary.model.as_str()));
    let provenance = sides.iter().map(|side| Provenance::of(side.manifest, side.summary.prompts)).collect();
    finished(title, subtitle, columns, panels, small_print, provenance)
}

fn finished(
    title: &str,
    subtitle: String,
    columns: usize,
    panels: Vec<Panel>,
    small_print: Vec<String>,
    provenance: Vec<Provenance>,
) -> Result<Figure, FigureError> {
    if panels.is_empty() {
        return Err(FigureError::NoComponents { what: format!("{subtitle} have none in common") });
    }
    checked(Figure {
        title: title.to_owned(),
        subtitle,
        width: width(columns),
        columns,
        panels,
        small_print,
        provenance,
    })
}
