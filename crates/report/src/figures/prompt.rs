//! Maps of one prompt.

use causal_trace_core::{Component, Metric};
use causal_trace_results::{EffectGrid, Manifest, Outcome, PromptRecord, TracedPrompt};

use super::roles::name_panels;
use super::{Measure, checked, columns, metric_suffix, width};
use crate::label::{shorten, visible};
use crate::scale::{probability, short_number};
use crate::{ColorScale, Content, Figure, FigureError, Map, Panel, Provenance, Rows, words};

/// The longest answer that a subtitle shows, in characters: what follows it must have room in one column.
const MAX_ANSWER: f32 = 20.0;

/// The colours of a prompt's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapStyle {
    /// From the lowest value (at most 0) to the highest, in the component's colour; diverging where effects clearly go
    /// both ways.
    Plain,
    /// Blue below 0, red above.
    Diverging,
    /// From 0 up; effects in the wrong direction are drawn as 0.
    Cutoff,
}

impl MapStyle {
    /// All of them.
    pub const ALL: [MapStyle; 3] = [MapStyle::Plain, MapStyle::Diverging, MapStyle::Cutoff];

    fn file_suffix(self) -> &'static str {
        match self {
            MapStyle::Plain => "",
            MapStyle::Diverging => "-diverging",
            MapStyle::Cutoff => "-cutoff",
        }
    }

    /// The scale of some values.
    pub(super) fn scale(self, component: Component, expected_sign: f64, values: &[f64]) -> ColorScale {
        match self {
            MapStyle::Plain => ColorScale::fitting(component, expected_sign, values),
            MapStyle::Diverging => ColorScale::diverging(values),
            MapStyle::Cutoff => ColorScale::cutoff(component, expected_sign, values),
        }
    }
}

/// All figures of one prompt, each with the stem of its file, as in `prompt-12-residual-ie-cutoff`: for every
/// component both effects in all styles, and the components side by side, as in `prompt-12-ie`. The stem ends in the
/// metric where that is not the probability.
///
/// # Errors
/// A fact that was not traced, or not in this metric, or grids that do not fit its tokens.
pub fn prompt_figures(
    manifest: &Manifest,
    record: &PromptRecord,
    metric: Metric,
) -> Result<Vec<(String, Figure)>, FigureError> {
    let id = record.fact.known_id;
    let mut figures = Vec::new();
    for measure in Measure::ALL {
        let overview = overview(manifest, record, metric, measure, MapStyle::Plain)?;
        let of = metric_suffix(metric);
        figures.push((format!("prompt-{id}-{}{of}", measure.short()), overview));
        for grid in grids(record, metric)? {
            for style in MapStyle::ALL {
                let (component, suffix) = (grid.component, style.file_suffix());
                let stem = format!("prompt-{id}-{component}-{}{of}{suffix}", measure.short());
                figures.push((stem, prompt(manifest, record, component, metric, measure, style)?));
            }
        }
    }
    Ok(figures)
}

/// One component's effects in one prompt.
///
/// # Errors
/// A fact, component or metric that was not traced, or a grid that does not fit the tokens.
pub fn prompt(
    manifest: &Manifest,
    record: &PromptRecord,
    component: Component,
    metric: Metric,
    measure: Measure,
    style: MapStyle,
) -> Result<Figure, FigureError> {
    let id = record.fact.known_id;
    let grids = grids(record, metric)?;
    let grid = grids.into_iter().find(|grid| grid.component == component);
    let grid = grid.ok_or(FigureError::NoComponent { id, component })?;
    let direction = manifest.settings.direction;
    let patching = words::patching(component, direction);
    let panel = panel(manifest, record, grid, measure, style)?;
    figure(manifest, record, (metric, measure), &patching, vec![panel])
}

/// All components' effects in one prompt side by side, each on its own scale.
///
/// # Errors
/// A fact that was not traced, or not in this metric, or grids that do not fit its tokens.
pub fn overview(
    manifest: &Manifest,
    record: &PromptRecord,
    metric: Metric,
    measure: Measure,
    style: MapStyle,
) -> Result<Figure, FigureError> {
    let grids = grids(record, metric)?;
    let panels = grids.iter().map(|grid| panel(manifest, record, grid, measure, style));
    let direction = manifest.settings.direction;
    let patching = match &grids[..] {
        [grid] => words::patching(grid.component, direction),
        _ => format!("{} states", words::doing(direction)),
    };
    figure(manifest, record, (metric, measure), &patching, panels.collect::<Result<_, _>>()?)
}

fn figure(
    manifest: &Manifest,
    record: &PromptRecord,
    (metric, measure): (Metric, Measure),
    patching: &str,
    panels: Vec<Panel>,
) -> Result<Figure, FigureError> {
    let columns = columns(panels.len());
    checked(Figure {
        title: format!("{} of {patching}{}", measure.title(), words::on(metric)),
        subtitle: format!("{}, {}", runs(record, metric)?, manifest.model.name),
        width: width(columns),
        columns,
        panels: name_panels(panels),
        small_print: vec![format!(
            "fact {}; {}; *: subject",
            record.fact.known_id,
            measure.definition(metric)
        )],
        provenance: vec![Provenance::of(manifest, 1)],
    })
}

fn panel(
    manifest: &Manifest,
    record: &PromptRecord,
    grid: &EffectGrid,
    measure: Measure,
    style: MapStyle,
) -> Result<Panel, FigureError> {
    let values = values(grid, measure);
    let scale = style.scale(grid.component, expected_sign(manifest, grid), &values);
    let measure = measure.with_unit("", grid.metric);
    let content = Content::Map(map(manifest, record, grid, values, scale, measure)?);
    Ok(Panel { title: words::component(grid.component).to_owned(), content })
}

/// The sign that a grid's effects are expected to have.
pub(super) fn expected_sign(manifest: &Manifest, grid: &EffectGrid) -> f64 {
    grid.metric.expected_sign(manifest.settings.direction)
}

/// The values that a map shows.
pub(super) fn values(grid: &EffectGrid, measure: Measure) -> Vec<f64> {
    let values = match measure {
        Measure::IndirectEffect => &grid.indirect_effect,
        Measure::PercentImprovement => &grid.percent_improvement,
    };
    values.iter().map(|value| value * measure.factor()).collect()
}

/// Values over a prompt's tokens and the layers.
pub(super) fn map(
    manifest: &Manifest,
    record: &PromptRecord,
    grid: &EffectGrid,
    values: Vec<f64>,
    scale: ColorScale,
    measure: String,
) -> Result<Map, FigureError> {
    let window = manifest.settings.window_of(grid.component).width;
    Ok(Map {
        rows: rows(record)?,
        n_layers: grid.n_layers,
        values,
        scale,
        measure,
        layer_axis: words::layer_axis(window),
        counts: false,
        no_value: None,
    })
}

/// The prompt's tokens; without stars where the subject is not known.
fn rows(record: &PromptRecord) -> Result<Rows, FigureError> {
    let tokens = record.tokens.clone();
    let subject = record.subject.map_or(0..0, |span| span.range());
    if subject.start > subject.end || subject.end > tokens.len() {
        return Err(FigureError::NoSubject { id: record.fact.known_id });
    }
    Ok(Rows::Tokens { tokens, subject })
}

/// The numbers of a fact that was traced.
pub(super) fn traced(record: &PromptRecord) -> Result<&TracedPrompt, FigureError> {
    match &record.outcome {
        Outcome::Traced(traced) => Ok(traced),
        Outcome::Skipped(skip) => {
            Err(FigureError::NotTraced { id: record.fact.known_id, reason: skip.reason.name() })
        }
    }
}

/// The grids of a metric, of which there is at least one.
pub(super) fn grids(record: &PromptRecord, metric: Metric) -> Result<Vec<&EffectGrid>, FigureError> {
    let all = &traced(record)?.grids;
    let grids: Vec<_> = all.iter().filter(|grid| grid.metric == metric).collect();
    let id = record.fact.known_id;
    match (grids.is_empty(), all.is_empty()) {
        (true, true) => Err(FigureError::NoComponents { what: format!("fact {id} has none") }),
        (true, false) => Err(FigureError::NoMetric { id, metric }),
        _ => Ok(grids),
    }
}

/// The answer's probability, or another metric, in the clean and in the corrupted run.
pub(super) fn runs(record: &PromptRecord, metric: Metric) -> Result<String, FigureError> {
    let traced = traced(record)?;
    let id = record.fact.known_id;
    let (clean, corrupted) = traced.baseline_in(metric).ok_or(FigureError::NoMetric { id, metric })?;
    let answer = shorten(&visible(&traced.answer), MAX_ANSWER, |text| text.chars().count() as f32);
    if metric == Metric::Probability {
        let [clean, corrupted] = [clean, corrupted].map(probability);
        return Ok(format!("p({answer}) = {clean}, corrupted p* = {corrupted}"));
    }
    let [clean, corrupted] = [clean, corrupted].map(short_number);
    let (name, unit) = words::name_and_unit(metric);
    Ok(format!("{answer}: {name} = {clean}, corrupted {corrupted}{unit}"))
}
