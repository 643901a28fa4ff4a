//! Effects of the places in which prompts and their counterparts differ, such as the facts of a prefix.

use causal_trace_results::Manifest;
use causal_trace_results::statistics::{GroupSummary, View};

use super::checked;
use super::limits::share_limits;
use crate::{
    BarFill, BarSeries, Bars, Content, Figure, FigureError, Groups, Panel, Provenance, Width, words,
};

/// The bars' colours: those of lines that differ most, in this order.
const COLORS: [usize; 6] = [1, 0, 2, 4, 3, 5];

/// The effects at every position in one setting, such as each fact alone.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSeries<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// The effects, in the order of the positions; none where there is none.
    pub groups: Vec<Option<&'a GroupSummary>>,
}

/// The mean effect of each position, the settings beside each other, with 95 % intervals. `made` are the folders
/// behind it with the number of prompts that each contributes.
///
/// # Errors
/// No positions or series, or a series with another number of positions.
pub fn group_effects(
    title: &str,
    positions: &[String],
    series: &[GroupSeries<'_>],
    made: &[(&Manifest, usize)],
    view: View,
) -> Result<Figure, FigureError> {
    let number = |group: &Option<&GroupSummary>, of: fn(&GroupSummary) -> f64| group.map_or(f64::NAN, of);
    let bars = |(index, series): (usize, &GroupSeries<'_>)| {
        let all = |of| series.groups.iter().map(|group| number(group, of)).collect::<Vec<_>>();
        BarSeries {
            name: Some(series.name.to_owned()),
            values: all(|group| group.effect.mean),
            intervals: Some([all(|group| group.ci95[0]), all(|group| group.ci95[1])]),
            labels: None,
            fill: BarFill::Distinct(COLORS[index % COLORS.len()]),
        }
    };
    let content = Content::Bars(Bars {
        groups: Groups::Named(positions.to_vec()),
        series: series.iter().enumerate().map(bars).collect(),
        low: 0.0,
        high: 0.0,
        measure: format!("effect ({})", words::in_brackets(view.metric)),
        axis: "position".to_owned(),
    });
    let mut panels = vec![Panel { title: String::new(), content }];
    share_limits(&mut panels);
    let note = format!(
        "mean over prompts of the effect of {} at the strongest site among the tokens of a position in which the clean \
         and the corrupted prompt differ, counted in the expected direction; whiskers: 95 % bootstrap intervals over \
         prompts",
        words::patching(view.component, view.direction)
    );
    let prompts = made.iter().map(|(_, prompts)| *prompts).max().unwrap_or(0);
    let model = made.first().map_or("", |(manifest, _)| &manifest.model.name);
    checked(Figure {
        title: title.to_owned(),
        subtitle: format!("{model}, {prompts} prompt{}", if prompts == 1 { "" } else { "s" }),
        width: Width::Column,
        columns: 1,
        panels,
        small_print: vec![note],
        provenance: Provenance::shared(made, "a sweep for each setting").into_iter().collect(),
    })
}
