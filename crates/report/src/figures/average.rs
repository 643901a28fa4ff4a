//! Averages and deviations by token role and layer, the components side by side.

use causal_trace_core::{Component, Metric};
use causal_trace_results::Manifest;
use causal_trace_results::statistics::{ComponentSummary, Summary};

use super::roles::{
    NO_TOKEN, components, expected_sign, flat, name_panels, patching, rows, subtitle, totals_and_roles,
};
use super::{Measure, checked, columns, width};
use crate::{ColorScale, Content, Figure, FigureError, Map, Panel, Provenance, words};

/// Which number of many tokens a figure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The mean.
    Average,
    /// The standard deviation (n − 1).
    Deviation,
}

impl Statistic {
    /// Both.
    pub const ALL: [Statistic; 2] = [Statistic::Average, Statistic::Deviation];

    /// In file names.
    pub(super) fn short(self) -> &'static str {
        match self {
            Statistic::Average => "average",
            Statistic::Deviation => "sd",
        }
    }

    /// For the small print.
    pub(super) fn definition(self, measure: Measure, metric: Metric) -> String {
        let (name, of) = (measure.short().to_uppercase(), measure.definition(metric));
        match self {
            Statistic::Average => format!("A{name}: mean of {name} over the tokens of a role; {of}"),
            Statistic::Deviation => {
                format!("SD: standard deviation (n − 1) of {name} over the tokens of a role; {of}")
            }
        }
    }

    /// What stands before an effect's name.
    pub(super) fn before(self) -> &'static str {
        match self {
            Statistic::Average => "A",
            Statistic::Deviation => "SD of ",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Statistic::Average => "Average",
            Statistic::Deviation => "Standard deviation of the",
        }
    }
}

/// The average or the deviation of an effect by token role and layer: one map for each component. Every map has a
/// scale of its own, since components differ several times in their effects; `lines` has them on one.
///
/// # Errors
/// A summary without prompts or components, or with tables of the wrong size.
pub fn average(
    manifest: &Manifest,
    summary: &Summary,
    measure: Measure,
    statistic: Statistic,
) -> Result<Figure, FigureError> {
    let mut panels = Vec::new();
    for (component, of) in components(summary)? {
        let values = values(component, of, measure, statistic)?;
        let scale = scale(component, expected_sign(summary), measure, statistic, &values);
        panels.push(panel(
            component,
            of,
            values,
            scale,
            measure.with_unit(statistic.before(), summary.metric),
            statistic,
        ));
    }
    checked(Figure {
        title: format!(
            "{} {} of {}{}",
            statistic.title(),
            measure.name(),
            patching(summary),
            words::on(summary.metric)
        ),
        subtitle: subtitle(summary),
        width: width(columns(panels.len())),
        columns: columns(panels.len()),
        panels: name_panels(panels),
        small_print: vec![
            format!("{}; each map has a scale of its own", statistic.definition(measure, summary.metric)),
            totals_and_roles(summary),
        ],
        provenance: vec![Provenance::of(manifest, summary.prompts)],
    })
}

/// The values that a map shows.
pub(super) fn values(
    component: Component,
    of: &ComponentSummary,
    measure: Measure,
    statistic: Statistic,
) -> Result<Vec<f64>, FigureError> {
    let (table, name) = match (measure, statistic) {
        (Measure::IndirectEffect, Statistic::Average) => {
            (&of.average_indirect_effect, "average_indirect_effect")
        }
        (Measure::IndirectEffect, Statistic::Deviation) => (&of.sd_indirect_effect, "sd_indirect_effect"),
        (Measure::PercentImprovement, Statistic::Average) => {
            (&of.average_percent_improvement, "average_percent_improvement")
        }
        (Measure::PercentImprovement, Statistic::Deviation) => {
            (&of.sd_percent_improvement, "sd_percent_improvement")
        }
    };
    flat(table, name, component, of, measure.factor())
}

/// The colours that suit a number: an average of PI is often below 0, which must be seen, and so are averages of IE
/// under some corruptions.
pub(super) fn scale(
    component: Component,
    expected_sign: f64,
    measure: Measure,
    statistic: Statistic,
    values: &[f64],
) -> ColorScale {
    match (statistic, measure) {
        (Statistic::Average, Measure::PercentImprovement) => ColorScale::diverging(values),
        (Statistic::Average, Measure::IndirectEffect) => {
            ColorScale::fitting(component, expected_sign, values)
        }
        (Statistic::Deviation, _) => ColorScale::sequential(component, 1.0, values),
    }
}

/// One component's map.
pub(super) fn panel(
    component: Component,
    of: &ComponentSummary,
    values: Vec<f64>,
    scale: ColorScale,
    measure: String,
    statistic: Statistic,
) -> Panel {
    let no_value = match statistic {
        Statistic::Average => NO_TOKEN,
        Statistic::Deviation => "fewer than two tokens have this role",
    };
    let map = Map {
        rows: rows(of),
        n_layers: of.layers,
        values,
        scale,
        measure,
        layer_axis: words::layer_axis(of.window),
        counts: false,
        no_value: Some(no_value.to_owned()),
    };
    Panel { title: words::component(component).to_owned(), content: Content::Map(map) }
}
