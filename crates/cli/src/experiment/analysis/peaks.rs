//! Where the effect of each prompt peaks: a census by rule.

use std::collections::BTreeSet;

use anyhow::Result;
use causal_trace_core::Component;
use causal_trace_report::figures;
use causal_trace_results::PromptRecord;
use causal_trace_results::statistics::{Classified, PeakClass};

use super::TooFew;
use crate::experiment::number::{census, percent, share_interval};
use crate::experiment::outcome::Done;
use crate::experiment::section::{Section, Table};

pub(super) fn section(
    done: &Done,
    title: &str,
    component: Option<Component>,
    drawn: usize,
) -> Result<Section> {
    let census = census(done, done.component(component))?;
    let n = census.members.len();
    if n == 0 {
        return Err(TooFew(format!("no prompt was traced in {}", done.label)).into());
    }
    let mut section = Section::new(title);
    section.show(
        format!("{}/census", done.name),
        "Share of prompts by where their effect peaks",
        figures::census(done.manifest(), &census)?,
    );
    let mut table = Table::new(&["the effect peaks at", "prompts", "share", "95 % interval"]);
    for (class, count) in PeakClass::ALL.into_iter().zip(census.counts) {
        let share = census.share(class);
        let [low, high] = share_interval(share, n);
        table.rows.push(vec![
            class.label().to_owned(),
            count.to_string(),
            percent(share),
            format!("{} to {}", percent(low), percent(high)),
        ]);
    }
    section.tables.push(table);
    let chosen: Vec<(PeakClass, Vec<&Classified>)> =
        PeakClass::ALL.map(|class| (class, spread_out(census.of_class(class).collect(), drawn))).into();
    let ids: BTreeSet<i64> = chosen.iter().flat_map(|(_, members)| members).map(|member| member.id).collect();
    let records = done.records(&ids)?;
    for (class, members) in &chosen {
        let examples: Vec<(&Classified, &PromptRecord)> =
            members.iter().filter_map(|member| Some((*member, records.get(&member.id)?))).collect();
        if !examples.is_empty() {
            let figure = figures::census_examples(done.manifest(), &census.options, *class, &examples)?;
            let caption = format!("Prompts whose effect peaks at: {}", class.label());
            section.show(format!("{}/census-{}", done.name, class.name().replace('_', "-")), caption, figure);
        }
    }
    Ok(section)
}

/// Some members at even distances, so that they are not all of one relation.
fn spread_out(members: Vec<&Classified>, n: usize) -> Vec<&Classified> {
    let n = n.min(members.len());
    (0..n).map(|place| members[place * members.len() / n]).collect()
}
