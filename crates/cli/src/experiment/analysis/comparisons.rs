//! Runs beside each other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use causal_trace_core::{Component, Metric, Role};
use causal_trace_report::NumberAxis;
use causal_trace_report::figures::{
    self, MapStyle, Measure, NumberedSummary, PromptSide, SummarySide, prompts_side_by_side,
};
use causal_trace_results::statistics::{Landmarks, PeakComparison, Summary, map_correlation};
use std::rc::Rc;

use super::TooFew;
use crate::experiment::number::{percent, short};
use crate::experiment::outcome::{Done, traced_alike};
use crate::experiment::section::{Section, Table};

/// So many runs fit a figure side by side.
const ABREAST: usize = 4;

/// `figure` is the title of its figures.
pub(super) fn beside(all: &[&Done], title: &str, figure: &str, drawn: usize) -> Result<Section> {
    let mut section = Section::new(title);
    let summaries = all.iter().map(|done| done.summary(Metric::Probability)).collect::<Result<Vec<_>>>()?;
    let sides = sides(all, &summaries);
    let directions: BTreeSet<_> = summaries.iter().map(|summary| summary.direction.to_string()).collect();
    for (page, chunk) in sides.chunks(ABREAST).enumerate() {
        let stem = if sides.len() > ABREAST { format!("beside-{}", page + 1) } else { "beside".to_owned() };
        let names: Vec<&str> = chunk.iter().map(|side| side.name).collect();
        let caption = format!("Average indirect effects: {}", names.join(", "));
        let figure = if directions.len() == 1 {
            figures::summaries_side_by_side(figure, chunk)?
        } else {
            figures::metrics_side_by_side(figure, chunk)?
        };
        section.show(stem, caption, figure);
    }
    section.tables.push(landmarks(all, &summaries));
    for id in traced_alike(all)?.into_iter().take(drawn) {
        let records: Vec<_> =
            all.iter().map(|done| done.records(&[id].into())).collect::<Result<Vec<_>>>()?;
        let sides: Vec<PromptSide<'_>> = all
            .iter()
            .zip(&records)
            .filter_map(|(done, records)| {
                Some(PromptSide { manifest: done.manifest(), record: records.get(&id)? })
            })
            .collect();
        let caption = sides.first().map_or(String::new(), |side| side.record.fact.prompt.clone());
        for measure in Measure::ALL {
            let figure = prompts_side_by_side(&sides, Metric::Probability, measure, MapStyle::Plain)?;
            let stem = format!("beside-prompt-{id}-{}", measure.short());
            section.link(&caption, stem, measure.short().to_uppercase(), figure);
        }
    }
    Ok(section)
}

fn sides<'a>(all: &[&'a Done], summaries: &'a [Rc<Summary>]) -> Vec<SummarySide<'a>> {
    let side = |(done, summary): (&&'a Done, &'a Rc<Summary>)| SummarySide {
        name: &done.label,
        manifest: done.manifest(),
        summary,
    };
    all.iter().zip(summaries).map(side).collect()
}

/// The sites by which runs are told apart.
fn landmarks(all: &[&Done], summaries: &[Rc<Summary>]) -> Table {
    let mut table = Table::new(&[
        "run",
        "component",
        "average total effect",
        "last subject token (layer)",
        "strongest other subject role (layer)",
        "late site (layer)",
        "wrong direction at the last subject token",
    ]);
    for (done, summary) in all.iter().zip(summaries) {
        for (&component, of) in &summary.components {
            let landmarks = Landmarks::of(component, of, summary.direction, summary.metric);
            let view = done.view(component, summary.metric);
            let others = [Role::FirstSubject, Role::MiddleSubject].map(|role| landmarks.strongest_of(role));
            let other = others.into_iter().flatten().reduce(|one, other| {
                if view.strength(other.effect) > view.strength(one.effect) { other } else { one }
            });
            let site = |site: Option<causal_trace_results::statistics::SiteOfRole>| {
                site.map_or("–".to_owned(), |site| {
                    let [low, high] = site.ci95;
                    format!("{} [{}, {}] ({})", short(site.effect), short(low), short(high), site.layer)
                })
            };
            let wrong =
                landmarks.early_site().map_or("–".to_owned(), |site| percent(site.wrong_direction_share));
            table.rows.push(vec![
                done.label.clone(),
                component.to_string(),
                short(summary.average_total_effect),
                site(landmarks.early_site()),
                site(other),
                site(landmarks.late_site()),
                wrong,
            ]);
        }
    }
    table
}

pub(super) fn against(
    all: &[&Done],
    title: &str,
    label: &str,
    logarithmic: bool,
    components: &[Component],
) -> Result<Section> {
    let mut section = Section::new(title);
    let mut numbered = Vec::new();
    for done in all {
        let value = done.value.with_context(|| {
            format!("{} has no number: `against` needs runs that `each` has made of one", done.label)
        })?;
        numbered.push((value, *done, done.summary(Metric::Probability)?));
    }
    numbered.sort_by(|one, other| one.0.total_cmp(&other.0));
    let points: Vec<NumberedSummary<'_>> = numbered
        .iter()
        .map(|(number, done, summary)| NumberedSummary {
            number: *number,
            manifest: done.manifest(),
            summary,
        })
        .collect();
    let Some((_, first, _)) = numbered.first() else { bail!("there are no runs") };
    let own = &first.manifest().settings.components;
    let components = if components.is_empty() { own } else { components };
    let axis = NumberAxis { label: label.to_owned(), is_logarithmic: logarithmic };
    section.show("against".to_owned(), title, figures::against(title, &axis, &points, components)?);
    let names = [
        "clean p",
        "corrupted p*",
        "average total effect",
        "last subject token (layer)",
        "late site (layer)",
    ];
    let head: Vec<&str> = [label].into_iter().chain(names).collect();
    for component in components {
        let mut table = Table::new(&head);
        for (number, _, summary) in &numbered {
            let Some(of) = summary.components.get(component) else { continue };
            let landmarks = Landmarks::of(*component, of, summary.direction, summary.metric);
            let site = |site: Option<causal_trace_results::statistics::SiteOfRole>| {
                site.map_or("–".to_owned(), |site| format!("{} ({})", short(site.effect), site.layer))
            };
            table.rows.push(vec![
                number.to_string(),
                short(summary.mean_clean),
                short(summary.mean_corrupted),
                short(summary.average_total_effect),
                site(landmarks.early_site()),
                site(landmarks.late_site()),
            ]);
        }
        section.tables.push(table);
    }
    Ok(section)
}

pub(super) fn directions(all: &[&Done], title: &str) -> Result<Section> {
    let mut section = Section::new(title);
    let summaries = all.iter().map(|done| done.summary(Metric::Probability)).collect::<Result<Vec<_>>>()?;
    section.show(
        "directions".to_owned(),
        "Share of prompts whose effect goes in the wrong direction, by role and layer",
        figures::directions(&sides(all, &summaries))?,
    );
    let mut table =
        Table::new(&["run", "role", "wrong, mean over layers", "wrong, worst layer", "wrong, last layer"]);
    for (done, summary) in all.iter().zip(&summaries) {
        let Some(of) = summary.components.get(&done.component(None)) else { continue };
        for (role, shares) in Role::ALL.iter().zip(&of.wrong_direction_share) {
            let known: Vec<f64> = shares.iter().copied().filter(|share| share.is_finite()).collect();
            let Some(last) = known.last() else { continue };
            table.rows.push(vec![
                done.label.clone(),
                role.label().to_owned(),
                percent(known.iter().sum::<f64>() / known.len() as f64),
                percent(known.iter().copied().fold(0.0, f64::max)),
                percent(*last),
            ]);
        }
    }
    section.tables.push(table);
    Ok(section)
}

pub(super) fn metrics(done: &Done, title: &str) -> Result<Section> {
    let mut section = Section::new(title);
    let metrics: Vec<Metric> =
        [Metric::Probability].into_iter().chain(done.manifest().settings.metrics.iter().copied()).collect();
    let summaries = metrics.iter().map(|&metric| done.summary(metric)).collect::<Result<Vec<_>>>()?;
    let names: Vec<&str> = metrics.iter().map(|metric| metric.label()).collect();
    let sides: Vec<SummarySide<'_>> = summaries
        .iter()
        .zip(&names)
        .map(|(summary, name)| SummarySide { name, manifest: done.manifest(), summary })
        .collect();
    section.show(
        format!("{}/metrics", done.name),
        format!("Average effects in {}", names.join(", ")),
        figures::metrics_side_by_side("Average indirect effects, metric by metric", &sides)?,
    );
    let first = &summaries[0];
    for (summary, name) in summaries.iter().zip(&names).skip(1) {
        for (component, of) in &summary.components {
            let Some(probability) = first.components.get(component) else { continue };
            let r = |roles: &[Role]| map_correlation(probability, of, roles);
            if let (Some(all), Some(before)) = (r(&Role::ALL), r(&Role::BEFORE_LAST)) {
                section.findings.push(format!(
                    "{component}: the average maps of probability and {name} correlate at {} over roles and layers, \
                     at {} without the last token.",
                    short(all),
                    short(before)
                ));
            }
        }
    }
    Ok(section)
}

pub(super) fn agreement(pair: [&Done; 2], metrics: [Metric; 2], title: &str) -> Result<Section> {
    let mut section = Section::new(title);
    let [one, other] = pair;
    let ids = traced_alike(&pair)?;
    if ids.is_empty() {
        return Err(TooFew(format!("no prompt was traced in both {} and {}", one.label, other.label)).into());
    }
    let component = one.component(None);
    let views = [one.view(component, metrics[0]), other.view(component, metrics[1])];
    let roles = one.manifest().settings.roles;
    let mut comparison = PeakComparison::new(views, roles);
    let theirs = other.records(&ids)?;
    one.each(|record| {
        if let Some(their) = theirs.get(&record.fact.known_id) {
            comparison.add(record, their);
        }
        Ok(())
    })?;
    let found = comparison.finish();
    let of_all = |n: usize| format!("{n} ({})", percent(n as f64 / found.prompts as f64));
    let names = [(one, metrics[0]), (other, metrics[1])]
        .map(|(done, metric)| format!("{} ({})", done.label, metric.label()));
    section.findings.push(format!(
        "{} and {}: of {} prompts traced in both, the effect peaks at the same token in {} and at a token of the same \
         role in {}; the layers of the peaks differ by {} on average.",
        names[0],
        names[1],
        found.prompts,
        of_all(found.same_token),
        of_all(found.same_role),
        short(found.mean_layer_distance)
    ));
    Ok(section)
}
