//! The averages of a run.

use anyhow::Result;
use causal_trace_core::{Component, Metric};
use causal_trace_report::figures;
use causal_trace_results::statistics::{
    ComponentSummary, Landmarks, Selection, SiteOfRole, Summary, deviation_follows_average,
};

use crate::experiment::number::{percent, short};
use crate::experiment::outcome::Done;
use crate::experiment::section::Section;

/// Figures that stand on the page; the others are linked.
const SHOWN: [&str; 2] = ["average-indirect-effect", "lines"];

/// `has_all`: the averages over all prompts are on the page already.
pub(super) fn section(done: &Done, title: &str, asked: Option<&Selection>, has_all: bool) -> Result<Section> {
    let asked = asked.unwrap_or(&Selection::All);
    let (select, ids) = done.select(asked)?;
    let mut section = Section::new(title);
    if select == Selection::All && *asked != Selection::All {
        let n = ids.len();
        let such = if has_all { ", which is shown above" } else { "" };
        section
            .findings
            .push(format!("`{asked}` asks for as many prompts as were traced or more: it is all {n}{such}."));
        if has_all {
            return Ok(section);
        }
    }
    let summary = done.summary_of(Metric::Probability, &select)?;
    let folder = match &select {
        Selection::All => done.name.clone(),
        select => format!("{}-{}", done.name, select.to_string().replace(':', "-")),
    };
    for (stem, figure) in figures::standard(done.manifest(), &summary, None, None)? {
        let caption = figure.title.clone();
        if SHOWN.contains(&&*stem) {
            section.show(format!("{folder}/{stem}"), caption, figure);
        } else {
            section.link("Also", format!("{folder}/{stem}"), caption, figure);
        }
    }
    section.link(
        "Also",
        format!("{folder}/deviations"),
        "Standard deviation against average",
        figures::deviations(done.manifest(), &summary)?,
    );
    for (&component, of) in &summary.components {
        section.findings.extend(findings(component, of, &summary));
    }
    Ok(section)
}

/// What can be read off the averages of a component.
pub(super) fn findings(component: Component, of: &ComponentSummary, summary: &Summary) -> Vec<String> {
    let landmarks = Landmarks::of(component, of, summary.direction, summary.metric);
    let mut findings = Vec::new();
    if let Some(early) = landmarks.early_site() {
        let others = [0, 1, 3, 4].map(|role| landmarks.strongest_of(causal_trace_core::Role::ALL[role]));
        let stronger = |one: SiteOfRole, other: SiteOfRole| {
            let strength = |site: &SiteOfRole| {
                causal_trace_core::effect::strength(summary.direction, summary.metric, site.effect)
            };
            if strength(&other) > strength(&one) { other } else { one }
        };
        let beside = others.into_iter().flatten().reduce(stronger).map_or(String::new(), |other| {
            format!("; the strongest other role but the last token is the {}", site(&other))
        });
        findings.push(format!("{component}: {}{beside}.", site(&early)));
    }
    if let Some(late) = landmarks.late_site() {
        let share = late.effect / summary.average_total_effect;
        let share = if share.is_finite() {
            format!(", {} of the average total effect", percent(share.abs()))
        } else {
            String::new()
        };
        findings.push(format!("{component}: {}{share}.", site(&late)));
    }
    if let Some(last) = landmarks.final_site() {
        findings.push(format!(
            "{component}: at the very last site (last token, last layer) {} of the prompts go in the wrong direction.",
            percent(last.wrong_direction_share)
        ));
    }
    let correlations = deviation_follows_average(of, summary.direction, summary.metric);
    if let (Some(ie), Some(pi)) = (correlations.indirect_effect, correlations.percent_improvement) {
        findings.push(format!(
            "{component}: over roles and layers the deviation of IE correlates with the size of its average at {}, \
             that of PI at {}.",
            short(ie),
            short(pi)
        ));
    }
    findings
}

/// As in "last subject token: average effect 0.218 [0.205, 0.231] in layer 0".
fn site(site: &SiteOfRole) -> String {
    let [low, high] = site.ci95;
    format!(
        "{}: average effect {} [{}, {}] in layer {}",
        site.role.label(),
        short(site.effect),
        short(low),
        short(high),
        site.layer
    )
}
