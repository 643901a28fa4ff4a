//! Single prompts.

use anyhow::Result;
use causal_trace_core::Metric;
use causal_trace_report::figures::{self, MapStyle, Measure};
use causal_trace_results::statistics::Selection;

use super::TooFew;
use crate::experiment::outcome::Done;
use crate::experiment::section::{Many, Section};

/// Prompts in a gallery where nothing else is asked for.
const IN_GALLERY: Selection = Selection::Random { n: 100, seed: 1 };

pub(super) fn section(
    done: &Done,
    title: &str,
    select: Option<&Selection>,
    drawn: usize,
    metric: Metric,
) -> Result<Section> {
    let mut section = Section::new(title);
    galleries(done, &mut section, select.unwrap_or(&IN_GALLERY), &done.name, drawn, metric)?;
    Ok(section)
}

/// Galleries of some prompts in both effects, each with and without the cutoff, and the first few drawn on the page.
pub(super) fn galleries(
    done: &Done,
    section: &mut Section,
    select: &Selection,
    folder: &str,
    drawn: usize,
    metric: Metric,
) -> Result<()> {
    let (_, ids) = done.select(select)?;
    if ids.is_empty() {
        return Err(TooFew(format!("no prompt was traced in {}", done.label)).into());
    }
    let records = done.records(&ids)?;
    for measure in Measure::ALL {
        for (style, suffix) in [(MapStyle::Plain, ""), (MapStyle::Cutoff, "-cutoff")] {
            let gallery = figures::gallery(done.manifest(), records.values(), metric, measure, style)?;
            let name = measure.short().to_uppercase();
            let cutoff = if suffix.is_empty() { "" } else { ", 0 cutoff" };
            let plural = if records.len() == 1 { "" } else { "s" };
            section.galleries.push(Many {
                stem: format!("{folder}/gallery-{}{suffix}", measure.short()),
                caption: format!("{} prompt{plural}, {name}{cutoff}", records.len()),
                gallery,
            });
        }
    }
    // At even distances, so that they are not all of one relation.
    let drawn = drawn.min(records.len());
    let places: Vec<usize> = (0..drawn).map(|place| place * records.len() / drawn).collect();
    let chosen = records.iter().enumerate().filter(|(place, _)| places.contains(place));
    for (id, record) in chosen.map(|(_, entry)| entry) {
        let stem = format!("{folder}/prompt-{id}");
        let figure = |measure, style| figures::overview(done.manifest(), record, metric, measure, style);
        section.show(
            format!("{stem}-ie"),
            record.fact.prompt.clone(),
            figure(Measure::IndirectEffect, MapStyle::Plain)?,
        );
        let others = [
            ("ie-cutoff", Measure::IndirectEffect, MapStyle::Cutoff, "IE, 0 cutoff"),
            ("pi", Measure::PercentImprovement, MapStyle::Plain, "PI"),
            ("pi-cutoff", Measure::PercentImprovement, MapStyle::Cutoff, "PI, 0 cutoff"),
        ];
        for (suffix, measure, style, name) in others {
            let group = format!("Prompt {id} also in");
            section.link(&group, format!("{stem}-{suffix}"), name, figure(measure, style)?);
        }
    }
    Ok(())
}
