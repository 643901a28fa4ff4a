//! Numbers that come from single prompts: their lengths, peaks, draws, and the facts of their prefixes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use causal_trace_core::{Component, Metric};
use causal_trace_results::statistics::{
    Census, CensusOptions, DifferenceSummary, GroupSummary, PeakClass, PromptSize, Selection, Spread,
    draw_spread, pearson, tokens_and_effect,
};

use super::measured::{Measured, correlation_interval, share_interval};
use super::{BOOTSTRAP, SizeOf};
use crate::experiment::analysis::TooFew;
use crate::experiment::outcome::Done;

/// What is known of the sizes of all prompts.
pub(in crate::experiment) fn sizes(done: &Done, component: Component) -> Result<Vec<PromptSize>> {
    let view = done.view(component, Metric::Probability);
    let mut sizes = Vec::new();
    done.each(|record| {
        sizes.extend(PromptSize::of(record, view));
        Ok(())
    })?;
    Ok(sizes)
}

pub(super) fn length_correlation(
    done: &Done,
    component: Option<Component>,
    size: SizeOf,
) -> Result<Measured> {
    let found = tokens_and_effect(&sizes(done, done.component(component))?);
    let (value, name) = match size {
        SizeOf::Total => (found.spearman_total, "total effect"),
        SizeOf::Strongest => (found.spearman_strongest, "strongest effect"),
    };
    let value = value.context("too few prompts, or all of the same length")?;
    let what =
        format!("the rank correlation of a prompt's number of tokens with its {name} in {}", done.label);
    Ok(Measured { ci95: correlation_interval(value, found.prompts), ..Measured::new(value, what) })
}

/// Where the effects of all prompts peak.
pub(in crate::experiment) fn census(done: &Done, component: Component) -> Result<Census> {
    let view = done.view(component, Metric::Probability);
    let mut census = Census::new(CensusOptions { view, threshold: CensusOptions::HALF });
    done.each(|record| {
        census.add(record);
        Ok(())
    })?;
    Ok(census)
}

pub(super) fn class_share(done: &Done, component: Option<Component>, names: &[String]) -> Result<Measured> {
    let census = census(done, done.component(component))?;
    let class = |name: &String| {
        let all = || PeakClass::ALL.map(PeakClass::name).join(", ");
        let found = PeakClass::ALL.into_iter().find(|class| class.name() == name.replace('-', "_"));
        found.with_context(|| format!("'{name}' is not a class of the census: {}", all()))
    };
    let classes = names.iter().map(class).collect::<Result<Vec<_>>>()?;
    if census.members.is_empty() {
        bail!("no prompt was traced in {}", done.label);
    }
    let share: f64 = classes.iter().map(|&class| census.share(class)).sum();
    let labels: Vec<String> = classes.iter().map(|class| format!("'{}'", class.label())).collect();
    let what = format!("the share of prompts classed as {} in {}", labels.join(" or "), done.label);
    Ok(Measured { ci95: Some(share_interval(share, census.members.len())), ..Measured::share(share, what) })
}

/// The mean, over prompts, of how much an effect varies between draws.
pub(super) fn relative_spread(done: &Done, component: Option<Component>) -> Result<Measured> {
    let view = done.view(done.component(component), Metric::Probability);
    let mut shares = Vec::new();
    done.each(|record| {
        let subject = record.subject.map_or(0..0, |span| span.range());
        if let Some(found) = draw_spread(record, view, subject) {
            shares.push(found.indirect_effect.sd / found.indirect_effect.mean.abs());
        }
        Ok(())
    })?;
    let Some(Spread { mean, .. }) = Spread::of(&shares).filter(|spread| spread.mean.is_finite()) else {
        bail!("there are fewer than two draws of a prompt in {}", done.label);
    };
    let what = format!(
        "the standard deviation over draws of the effect at the subject's strongest site, as a share of its mean, in {}",
        done.label
    );
    Ok(Measured::share(mean, what))
}

/// The ids that were traced in every run.
pub(in crate::experiment) fn traced_in_all(all: &[&Done]) -> Result<BTreeSet<i64>> {
    let mut shared: Option<BTreeSet<i64>> = None;
    for done in all {
        let (_, ids) = done.select(&Selection::All)?;
        shared = Some(shared.map_or(ids.clone(), |shared| &shared & &ids));
    }
    Ok(shared.unwrap_or_default())
}

/// The mean effects of the facts of a prefix: of the places where the clean and the corrupted prompt differ.
pub(in crate::experiment) fn fact_effects(
    done: &Done,
    component: Component,
    only: Option<&BTreeSet<i64>>,
) -> Result<Vec<GroupSummary>> {
    let mut summary = DifferenceSummary::new(done.view(component, Metric::Probability));
    done.each(|record| match only {
        Some(ids) if !ids.contains(&record.fact.known_id) => Ok(()),
        _ => Ok(summary.add(record)?),
    })?;
    if summary.prompts() == 0 {
        return Err(TooFew(format!("no prompt of {} is left to average", done.label)).into());
    }
    Ok(summary.finish(BOOTSTRAP.0, BOOTSTRAP.1))
}

pub(super) fn fact_effect(done: &Done, component: Option<Component>, fact: i64) -> Result<Measured> {
    let groups = fact_effects(done, done.component(component), None)?;
    let n = groups.len() as i64;
    let place = if fact < 0 { n + fact } else { fact - 1 };
    let group = usize::try_from(place).ok().and_then(|place| groups.get(place));
    let group = group.with_context(|| format!("the prompts of {} differ in {n} places", done.label))?;
    let what = format!("the mean strongest effect at fact {} of {n} in {}", place + 1, done.label);
    Ok(Measured { ci95: Some(group.ci95), ..Measured::new(group.effect.mean, what) })
}

pub(super) fn place_correlation(all: &[&Done], component: Option<Component>) -> Result<Measured> {
    let mut places = Vec::new();
    let mut effects = Vec::new();
    let ids = traced_in_all(all)?;
    for done in all {
        let groups = fact_effects(done, done.component(component), Some(&ids))?;
        for (place, group) in groups.iter().enumerate() {
            places.push(place as f64);
            effects.push(group.effect.mean);
        }
    }
    let value = pearson(&places, &effects).context("too few facts in the prefixes")?;
    let what = format!(
        "the correlation of a fact's place in the prefix with its mean effect, over {} facts",
        places.len()
    );
    Ok(Measured { ci95: correlation_interval(value, places.len()), ..Measured::new(value, what) })
}
