//! Analyses of one run by itself: draws, severed paths.

use anyhow::Result;
use causal_trace_core::{Component, Metric};
use causal_trace_report::figures;
use causal_trace_results::statistics::{Landmarks, Selection, draw_spread};

use super::TooFew;
use crate::experiment::number::{percent, short};
use crate::experiment::outcome::Done;
use crate::experiment::section::{Section, Table};

/// Prompts whose draws are shown, at most.
const MOST_PROMPTS: usize = 4;

pub(super) fn draws(done: &Done, title: &str) -> Result<Section> {
    let mut section = Section::new(title);
    let (_, ids) = done.select(&Selection::All)?;
    let records = done.records(&ids.into_iter().take(MOST_PROMPTS).collect())?;
    let view = done.view(done.component(None), Metric::Probability);
    for record in records.values() {
        let subject = record.subject.map_or(0..0, |span| span.range());
        let Some(found) = draw_spread(record, view, subject) else { continue };
        for (stem, figure) in figures::repeated(done.manifest(), record, Metric::Probability)? {
            section.show(format!("{}/{stem}", done.name), record.fact.prompt.clone(), figure);
        }
        let token = record.tokens.get(found.token).map_or("", String::as_str);
        let (ie, te) = (found.indirect_effect, found.total_effect);
        section.findings.push(format!(
            "'{}': over {} draws the effect at the subject's strongest site ('{}', layer {}) has a mean of {}, a \
             standard deviation of {} ({} of the mean), and runs from {} to {}.",
            record.fact.prompt,
            ie.draws,
            token.trim(),
            found.layer,
            short(ie.mean),
            short(ie.sd),
            percent(ie.sd / ie.mean.abs()),
            short(ie.min),
            short(ie.max)
        ));
        let correlation = found.correlation.map_or(String::new(), |r| {
            format!("; it correlates with the effect at that site at {}", short(r))
        });
        section.findings.push(format!(
            "'{}': the total effect of a draw has a mean of {} and a standard deviation of {}{correlation}.",
            record.fact.prompt,
            short(te.mean),
            short(te.sd)
        ));
    }
    if section.figures.is_empty() {
        return Err(TooFew(format!("no prompt of {} was traced with two draws or more", done.label)).into());
    }
    Ok(section)
}

pub(super) fn severed(done: &Done, title: &str) -> Result<Section> {
    let mut section = Section::new(title);
    let summary = done.summary(Metric::Probability)?;
    section.show(
        format!("{}/severed", done.name),
        "Average effect at the last subject token, with the path through mlp or attention cut",
        figures::severed(done.manifest(), &summary)?,
    );
    let effect = |component: Component, layer: Option<usize>| {
        let of = summary.components.get(&component)?;
        let landmarks = Landmarks::of(component, of, summary.direction, summary.metric);
        let layer = layer.or_else(|| landmarks.early_site().map(|site| site.layer))?;
        Some((layer, of.average_indirect_effect[2][layer], [of.ci95_low[2][layer], of.ci95_high[2][layer]]))
    };
    let Some((layer, whole, _)) = effect(Component::Residual, None) else { return Ok(section) };
    let mut table =
        Table::new(&["at the last subject token", "average effect", "95 % interval", "of the whole"]);
    for component in [Component::Residual, Component::MlpSevered, Component::AttentionSevered] {
        if let Some((layer, value, [low, high])) = effect(component, Some(layer)) {
            table.rows.push(vec![
                format!("{component}, layer {layer}"),
                short(value),
                format!("{} to {}", short(low), short(high)),
                percent(value / whole),
            ]);
        }
    }
    section.tables.push(table);
    for (component, name) in [(Component::MlpSevered, "mlp"), (Component::AttentionSevered, "attention")] {
        if let Some((_, value, _)) = effect(component, Some(layer)) {
            section.findings.push(format!(
                "With the path through {name} cut, {} of the effect at the last subject token in layer {layer} is left.",
                percent(value / whole)
            ));
        }
    }
    Ok(section)
}
