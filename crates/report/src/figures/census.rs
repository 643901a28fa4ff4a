//! Prompts classed by where their effect peaks.

use causal_trace_core::Metric;
use causal_trace_results::statistics::{Census, CensusOptions, Classified, PeakClass, View};
use causal_trace_results::{Manifest, PromptRecord};

use super::limits::share_limits;
use super::prompt::{MapStyle, expected_sign, grids, map, values};
use super::{Measure, checked, columns, width};
use crate::label::{clean, visible};
use crate::{
    BarFill, BarSeries, Bars, Content, Figure, FigureError, Groups, Panel, Provenance, Width, words,
};

/// The most examples of a class that a figure shows.
const MAX_EXAMPLES: usize = 4;

/// The share of the prompts in each class, with their number and 95 % intervals.
///
/// # Errors
/// A census of no prompts.
pub fn census(manifest: &Manifest, census: &Census) -> Result<Figure, FigureError> {
    let n = census.members.len();
    if n == 0 {
        let (model, selection) = (manifest.model.name.clone(), "none that can be classed".to_owned());
        return Err(FigureError::NoPrompts { model, selection });
    }
    let [mut low, mut high] = [Vec::new(), Vec::new()];
    for count in census.counts {
        let ends = wilson(count, n);
        low.push(100.0 * ends[0]);
        high.push(100.0 * ends[1]);
    }
    let percent = |class| 100.0 * census.share(class);
    let label = |class: PeakClass| format!("{:.0} % ({})", percent(class), census.counts[class as usize]);
    let bars = Bars {
        groups: Groups::Named(PeakClass::ALL.map(|class| class.label().to_owned()).to_vec()),
        series: vec![BarSeries {
            name: None,
            values: PeakClass::ALL.map(percent).to_vec(),
            intervals: Some([low, high]),
            labels: Some(PeakClass::ALL.map(label).to_vec()),
            fill: BarFill::Component(census.options.view.component),
        }],
        low: 0.0,
        high: 0.0,
        measure: "prompts (%)".to_owned(),
        axis: String::new(),
    };
    let mut panels = vec![Panel { title: String::new(), content: Content::Bars(bars) }];
    share_limits(&mut panels);
    let note = format!(
        "{}; in brackets the number of prompts; whiskers: 95 % intervals (Wilson)",
        rule(&census.options)
    );
    checked(Figure {
        title: format!("Where the effect of {} peaks", of(census.options.view)),
        subtitle: format!("{}, {n} prompt{}", manifest.model.name, if n == 1 { "" } else { "s" }),
        width: Width::Column,
        columns: 1,
        panels,
        small_print: vec![note],
        provenance: vec![Provenance::of(manifest, n)],
    })
}

/// Up to four prompts of a class, each with where its effect peaks.
///
/// # Errors
/// No examples, a fact that was not traced for the census' component and metric, or a grid that does not fit its
/// tokens.
pub fn census_examples(
    manifest: &Manifest,
    options: &CensusOptions,
    class: PeakClass,
    examples: &[(&Classified, &PromptRecord)],
) -> Result<Figure, FigureError> {
    let examples = &examples[..examples.len().min(MAX_EXAMPLES)];
    let panels = examples
        .iter()
        .map(|(classified, record)| example(manifest, options.view, classified, record))
        .collect::<Result<Vec<_>, _>>()?;
    let columns = columns(panels.len());
    let plural = if panels.len() == 1 { "" } else { "s" };
    let note = format!(
        "{}; {}; *: subject; each map has a scale of its own",
        rule(options),
        Measure::IndirectEffect.definition(options.view.metric)
    );
    checked(Figure {
        title: format!("Effect of {}: {}", of(options.view), class.label()),
        subtitle: format!("{}, {} example{plural}", manifest.model.name, panels.len()),
        width: width(columns),
        columns,
        provenance: vec![Provenance::of(manifest, panels.len())],
        panels,
        small_print: vec![note],
    })
}

fn example(
    manifest: &Manifest,
    view: View,
    classified: &Classified,
    record: &PromptRecord,
) -> Result<Panel, FigureError> {
    let (id, component) = (record.fact.known_id, view.component);
    let grids = grids(record, view.metric)?;
    let grid = grids.into_iter().find(|grid| grid.component == component);
    let grid = grid.ok_or(FigureError::NoComponent { id, component })?;
    let measure = Measure::IndirectEffect;
    let values = values(grid, measure);
    let scale = MapStyle::Plain.scale(component, expected_sign(manifest, grid), &values);
    let map = map(manifest, record, grid, values, scale, measure.with_unit("", view.metric))?;
    let token = record.tokens.get(classified.token).map_or(String::new(), |token| visible(token));
    let share = classified.share_of_total;
    let peak = if share.is_nan() {
        "no total effect".to_owned()
    } else {
        format!("{:.0} % at \"{}\", layer {}", 100.0 * share, clean(&token), classified.layer)
            .replace('-', "−")
    };
    Ok(Panel { title: format!("fact {id}: {peak}"), content: Content::Map(map) })
}

/// What was patched, and what measured.
fn of(view: View) -> String {
    format!("{}{}", words::patching(view.component, view.direction), words::on(view.metric))
}

/// How prompts are classed.
fn rule(options: &CensusOptions) -> String {
    let total = match options.view.metric {
        Metric::Probability => "the total effect p − p*",
        _ => "the total effect",
    };
    format!(
        "a subject token counts as the peak if it has the subject's strongest effect and that is at least {:.0} % of \
         {total}; else the last token (late site) if its strongest effect is, without the layers where the whole \
         effect returns; else there is no peak",
        100.0 * options.threshold
    )
}

/// The 95 % interval of a share.
///
/// # References
/// Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
fn wilson(count: usize, n: usize) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, share) = (n as f64, count as f64 / n as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let over = 1.0 + Z * Z / n;
    [((middle - half) / over).max(0.0), ((middle + half) / over).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends are the shares from which the one that was found lies 1.96 standard errors away.
    #[test]
    fn shares_have_wilsons_intervals() {
        for (count, n) in [(41, 100), (1, 7), (9, 10)] {
            let share = count as f64 / n as f64;
            for end in wilson(count, n) {
                let error = (end * (1.0 - end) / n as f64).sqrt();
                assert!(((share - end).abs() / error - 1.959_964).abs() < 1e-5, "{count} of {n}: {end}");
            }
        }
        assert!(wilson(0, 10)[0] == 0.0 && wilson(10, 10)[1] > 1.0 - 1e-12);
    }
}
