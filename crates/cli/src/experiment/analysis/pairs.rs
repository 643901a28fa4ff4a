//! Prompt pairs: what the tokens do in which they differ.

use anyhow::Result;
use causal_trace_core::{Component, Metric};
use causal_trace_report::figures::{self, GroupSeries};
use causal_trace_results::statistics::{GroupSummary, aligned_average};

use super::TooFew;
use crate::experiment::number::{fact_effects, short, traced_in_all};
use crate::experiment::outcome::Done;
use crate::experiment::section::{Section, Table};

pub(super) fn aligned(done: &Done, title: &str, component: Option<Component>) -> Result<Section> {
    let view = done.view(done.component(component), Metric::Probability);
    let records = done.folder.records().collect::<Result<Vec<_>, _>>()?;
    let roles = done.manifest().settings.roles;
    let Some(average) = aligned_average(&records, view, roles) else {
        return Err(TooFew(format!("no two prompts of {} share a prefix", done.label)).into());
    };
    let mut section = Section::new(title);
    section.show(
        format!("{}/aligned", done.name),
        "Average effect at every token of the prefix, and by role after it",
        figures::aligned(done.manifest(), &average, view)?,
    );
    let groups = fact_effects(done, view.component, None)?;
    section.tables.push(effects(&groups));
    Ok(section)
}

fn effects(groups: &[GroupSummary]) -> Table {
    let mut table =
        Table::new(&["fact", "tokens", "mean strongest effect", "95 % interval", "standard deviation"]);
    for (place, group) in groups.iter().enumerate() {
        let [low, high] = group.ci95;
        table.rows.push(vec![
            (place + 1).to_string(),
            format!("{} to {}", group.tokens.start, group.tokens.end - 1),
            short(group.effect.mean),
            format!("{} to {}", short(low), short(high)),
            short(group.effect.sd),
        ]);
    }
    table
}

/// A bar for each fact alone and for each place of every stacked order; the mean over the orders in a table.
pub(super) fn fact_position(alone: &[&Done], stacked: &[&Done], title: &str) -> Result<Section> {
    let mut section = Section::new(title);
    let everywhere: Vec<&Done> = alone.iter().chain(stacked).copied().collect();
    let ids = traced_in_all(&everywhere)?;
    section
        .findings
        .push(format!("{} prompts were traced in all of these runs; only they are averaged.", ids.len()));
    let largest =
        "A prompt's strongest of several layers and tokens is seldom below 0, even where there is no effect.";
    section.findings.push(largest.to_owned());
    let groups_of = |done: &&Done| fact_effects(done, done.component(None), Some(&ids));
    let alone_groups = alone.iter().map(groups_of).collect::<Result<Vec<_>>>()?;
    let stacked_groups = stacked.iter().map(groups_of).collect::<Result<Vec<_>>>()?;
    let made: Vec<_> = everywhere.iter().map(|done| (done.manifest(), ids.len())).collect();
    let Some(first) = stacked_groups.first() else {
        return Err(TooFew("there is no stacked run".to_owned()).into());
    };
    let positions: Vec<String> = (1..=first.len()).map(|place| place.to_string()).collect();
    let one = GroupSeries {
        name: "alone (fact N)",
        groups: alone_groups.iter().map(|groups| groups.first()).collect(),
    };
    let all = stacked
        .iter()
        .zip(&stacked_groups)
        .map(|(done, groups)| GroupSeries { name: &done.label, groups: groups.iter().map(Some).collect() });
    let series: Vec<GroupSeries<'_>> = [one].into_iter().chain(all).collect();
    let view = stacked[0].view(stacked[0].component(None), Metric::Probability);
    section.show(
        "fact-position".to_owned(),
        "Mean strongest effect of each fact alone, and of the fact at each place in the stacked prefixes",
        figures::group_effects(title, &positions, &series, &made, view)?,
    );
    let mut table =
        Table::new(&["N", "fact N of the first order, alone", "place N, mean over the stacked orders"]);
    for (place, name) in positions.iter().enumerate() {
        let at: Vec<f64> =
            stacked_groups.iter().filter_map(|groups| Some(groups.get(place)?.effect.mean)).collect();
        let mean = at.iter().sum::<f64>() / at.len() as f64;
        let alone = alone_groups.get(place).and_then(|groups| groups.first());
        table.rows.push(vec![
            name.clone(),
            alone.map_or("–".to_owned(), |group| short(group.effect.mean)),
            short(mean),
        ]);
    }
    section.tables.push(table);
    Ok(section)
}
