//! Models, or selections of prompts, beside each other on one scale.

use causal_trace_core::{Component, Direction, Role};
use causal_trace_results::statistics::Summary;
use causal_trace_results::{Manifest, PromptRecord};

use super::average::{self, Statistic};
use super::prompt::{map, runs, traced, values};
use super::roles::{components, convention, totals};
use super::{MapStyle, Measure, checked, width};
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

/// The average indirect effect of several summaries: a column for each, a row for each component that all of them
/// have; every row has one scale.
///
/// # Errors
/// No common component, a summary without prompts, or tables of the wrong size.
pub fn summaries_side_by_side(title: &str, sides: &[SummarySide<'_>]) -> Result<Figure, FigureError> {
    let (measure, statistic) = (Measure::IndirectEffect, Statistic::Average);
    let mut panels = Vec::new();
    for side in sides {
        components(side.summary)?;
    }
    let directions: Vec<_> = sides.iter().map(|side| (side.name, side.summary.direction)).collect();
    agreed("direction", &directions)?;
    let direction = directions.first().map_or(Direction::Denoise, |side| side.1);
    let common =
        common(|component| sides.iter().all(|side| side.summary.components.contains_key(&component)));
    for &component in &common {
        let of = |side: &SummarySide<'_>| {
            average::values(component, &side.summary.components[&component], measure, statistic)
        };
        let all: Vec<Vec<f64>> = sides.iter().map(of).collect::<Result<_, _>>()?;
        let scale = average::scale(component, direction, measure, statistic, &all.concat());
        for (side, values) in sides.iter().zip(all) {
            let of = &side.summary.components[&component];
            let mut panel = average::panel(component, of, values, scale, measure, statistic);
            // Sides differ in their counts, which would keep them from sharing the labels.
            if let Content::Map(map) = &mut panel.content {
                map.rows = Rows::Named(Role::ALL.map(|role| role.label().to_owned()).to_vec());
            }
            panels.push(Panel { title: format!("{}: {}", panel.title, side.name), ..panel });
        }
    }
    let mut small_print = vec![format!("{}; each row of maps has one scale", statistic.definition(measure))];
    small_print.extend(sides.iter().map(|side| about(side, &common)));
    let provenance = sides.iter().map(|side| Provenance::of(side.manifest, side.summary.prompts)).collect();
    compared(
        title,
        names(sides.iter().map(|side| side.summary.model.as_str())),
        sides.len(),
        panels,
        small_print,
        provenance,
    )
}

/// One prompt's indirect effects in several folders: a column for each, a row for each component that all of them
/// have; every row has one scale.
///
/// # Errors
/// No common component, a fact that was not traced, or grids that do not fit the tokens.
pub fn prompts_side_by_side(
    sides: &[PromptSide<'_>],
    measure: Measure,
    style: MapStyle,
) -> Result<Figure, FigureError> {
    let prompts = sides.iter().map(|side| traced(side.record)).collect::<Result<Vec<_>, _>>()?;
    let common = common(|component| prompts.iter().all(|traced| traced.grid(component).is_some()));
    let directions: Vec<_> =
        sides.iter().map(|side| (name_of(side), side.manifest.settings.direction)).collect();
    agreed("direction", &directions)?;
    let facts: Vec<_> = sides.iter().map(|side| (name_of(side), &side.record.fact.prompt)).collect();
    agreed("prompt", &facts)?;
    let direction = directions.first().map_or(Direction::Denoise, |side| side.1);
    let mut panels = Vec::new();
    for component in common {
        let grids: Vec<_> = prompts.iter().filter_map(|traced| traced.grid(component)).collect();
        let all: Vec<Vec<f64>> = grids.iter().map(|grid| values(grid, measure)).collect();
        let scale = style.scale(component, direction, &all.concat());
        for ((side, grid), values) in sides.iter().zip(grids).zip(all) {
            let map = map(side.manifest, side.record, grid, values, scale, measure.with_unit(""))?;
            let title = format!("{}: {}", words::component(component), side.manifest.model.name);
            panels.push(Panel { title, content: Content::Map(map) });
        }
    }
    let mut small_print =
        vec![format!("{}; *: subject; each row of maps has one scale", measure.definition())];
    for PromptSide { manifest, record } in sides {
        small_print.push(format!(
            "{}: fact {}, {}",
            manifest.model.name,
            record.fact.known_id,
            runs(record)?
        ));
    }
    let provenance = sides.iter().map(|side| Provenance::of(side.manifest, 1)).collect();
    let title = format!("{} of {} states in one prompt", measure.title(), words::doing(direction));
    compared(
        &title,
        names(sides.iter().map(|side| side.manifest.model.name.as_str())),
        sides.len(),
        panels,
        small_print,
        provenance,
    )
}

fn name_of<'a>(side: &PromptSide<'a>) -> &'a str {
    &side.manifest.model.name
}

/// A side's totals and counts.
fn about(side: &SummarySide<'_>, common: &[Component]) -> String {
    let counts = common.first().map(|component| side.summary.components[component].counts);
    let counts: Vec<String> = counts.into_iter().flatten().map(|count| count.to_string()).collect();
    let (name, totals, whose) = (side.name, totals(side.summary), convention(side.summary));
    format!("{name}: {totals}; {whose}, their number of tokens from above: {}", counts.join(", "))
}

/// The components that satisfy a condition.
fn common(is_common: impl Fn(Component) -> bool) -> Vec<Component> {
    Component::ALL.into_iter().filter(|&component| is_common(component)).collect()
}

/// Whether all sides agree; each value comes with its side's name.
fn agreed<T: PartialEq>(what: &'static str, values: &[(&str, T)]) -> Result<(), FigureError> {
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

fn compared(
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
