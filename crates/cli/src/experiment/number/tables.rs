//! Numbers that come from tables of averages.

use std::rc::Rc;

use anyhow::{Context, Result, bail};
use causal_trace_core::{Component, Metric, Role, effect};
use causal_trace_results::statistics::{
    ComponentSummary, Landmarks, Selection, Summary, View, deviation_follows_average,
    map_correlation as correlation, percentile_interval,
};

use super::measured::{Measured, OverPrompts, short};
use super::{EffectMeasure, Layers, described, words};
use crate::experiment::outcome::{Done, traced_alike};

/// One component's averages and how they are read.
#[derive(Clone, Copy)]
struct Averages<'a> {
    of: &'a ComponentSummary,
    view: View,
}

/// A number of the averages over all prompts, and its interval over resampled prompts; what it is, is still to be said.
fn resampled(
    done: &Done,
    component: Option<Component>,
    number: impl Fn(Averages<'_>) -> Option<f64> + 'static,
    missing: &str,
) -> Result<Measured> {
    let component = done.component(component);
    let view = done.view(component, Metric::Probability);
    let summary = done.summary(Metric::Probability)?;
    let of = summary.components.get(&component);
    let of = of.with_context(|| format!("{component} was not traced in {}", done.label))?;
    let value = number(Averages { of, view }).with_context(|| format!("{missing} in {}", done.label))?;
    let over = over(done, Metric::Probability, move |summary| {
        number(Averages { of: summary.components.get(&component)?, view }).filter(|value| value.is_finite())
    });
    let drawn = done.resampled(Metric::Probability, done.traced_ids()?)?;
    let ci95 = drawn.and_then(|drawn| {
        percentile_interval(drawn.draws.iter().filter_map(|draw| (over.number)(draw)).collect())
    });
    Ok(Measured { ci95, over: Some(over), ..Measured::new(value, String::new()) })
}

/// A number of a run's averages that can be computed over some of its prompts.
fn over(done: &Done, metric: Metric, number: impl Fn(&Summary) -> Option<f64> + 'static) -> OverPrompts {
    OverPrompts { run: done.name.clone(), metric, number: Rc::new(number) }
}

impl Averages<'_> {
    /// The layers that are meant, at a role.
    fn layers(self, layers: Layers, role: Role, early: Option<usize>) -> std::ops::Range<usize> {
        let n = self.of.layers;
        match layers {
            Layers::Telling if role == Role::Last => self.view.late_layers(n),
            Layers::Telling | Layers::All => 0..n,
            Layers::Last => n.saturating_sub(1)..n,
            Layers::FirstHalf => 0..n / 2,
            Layers::SecondHalf => n / 2..n,
            Layers::EarlySite => early.map_or(0..0, |layer| layer..layer + 1),
        }
    }

    /// The strongest average of a role, in the expected direction.
    fn strongest(self, role: Role, measure: EffectMeasure) -> Option<f64> {
        let Averages { of, view } = self;
        match measure {
            EffectMeasure::Ie => {
                let landmarks = Landmarks::of(view.component, of, view.direction, view.metric);
                landmarks.strongest_of(role).map(|site| view.strength(site.effect))
            }
            EffectMeasure::Pi => {
                let layers = self.layers(Layers::Telling, role, None);
                let values = layers.map(|layer| of.average_percent_improvement[role as usize][layer]);
                let strengths = values.map(|value| effect::strength(view.direction, view.metric, value));
                strengths.filter(|value| value.is_finite()).reduce(f64::max)
            }
        }
    }

    /// The role that goes least often in the wrong direction, and how often it does, mean over layers.
    fn least_wrong(self, roles: &[Role], layers: Layers) -> Option<(Role, f64)> {
        let shares = roles.iter().filter_map(|&role| {
            let of_role = &self.of.wrong_direction_share[role as usize];
            let shares: Vec<f64> = self.layers(layers, role, None).map(|layer| of_role[layer]).collect();
            let share = shares.iter().sum::<f64>() / shares.len() as f64;
            share.is_finite().then_some((role, share))
        });
        shares.reduce(|best, next| if next.1 < best.1 { next } else { best })
    }
}

pub(super) fn average(
    done: &Done,
    component: Option<Component>,
    metric: Metric,
    roles: &[Role],
    layers: Layers,
    select: Option<&Selection>,
) -> Result<Measured> {
    let component = done.component(component);
    let view = done.view(component, metric);
    let select = select.map(|select| done.half(select)).transpose()?;
    let summary = done.summary_of(metric, select.as_ref().unwrap_or(&Selection::All))?;
    let of = summary.components.get(&component);
    let of = of.with_context(|| format!("{component} was not traced in {}", done.label))?;
    let early = summary.components.get(&Component::Residual).and_then(|residual| {
        let landmarks = Landmarks::of(Component::Residual, residual, summary.direction, metric);
        landmarks.early_site().map(|site| site.layer)
    });
    let averages = Averages { of, view };
    let sites = roles.iter().flat_map(|&role| averages.layers(layers, role, early).map(move |at| (role, at)));
    let effects = sites.map(|(role, layer)| {
        let at = |table: &Vec<Vec<f64>>| view.strength(table[role as usize][layer]);
        let (value, low, high) = (at(&of.average_indirect_effect), at(&of.ci95_low), at(&of.ci95_high));
        (role, layer, value, [low.min(high), low.max(high)])
    });
    let finite = effects.filter(|site| site.2.is_finite());
    let best = finite.reduce(|best, next| if next.2 > best.2 { next } else { best });
    let Some((role, layer, value, ci95)) = best else {
        bail!("no token is {} in {}", words(roles), done.label)
    };
    // Without a word it is the residual stream.
    let of_which = if component == Component::Residual { String::new() } else { format!(" of {component}") };
    let which = select.as_ref().map_or(String::new(), |select| format!(", {}", selected(select)));
    let what = format!(
        "the strongest average effect{of_which} at the {} in {}{which} (layer {layer})",
        role.label(),
        described(done, metric)
    );
    // The strongest site of all prompts, wherever some of them have theirs.
    let at_site = over(done, metric, move |summary| {
        let of = summary.components.get(&component)?;
        Some(view.strength(of.average_indirect_effect[role as usize][layer]))
    });
    let over = matches!(select, None | Some(Selection::All)).then_some(at_site);
    Ok(Measured { ci95: Some(ci95), over, ..Measured::new(value, what) })
}

/// A selection in words.
fn selected(select: &Selection) -> String {
    match select {
        Selection::All => "all prompts".to_owned(),
        Selection::MostTokens(n) => format!("the {n} prompts with the most tokens"),
        Selection::LeastTokens(n) => format!("the {n} prompts with the fewest tokens"),
        Selection::Random { n, .. } => format!("{n} prompts at random"),
        other => other.to_string(),
    }
}

pub(super) fn total_effect(done: &Done, metric: Metric) -> Result<Measured> {
    let summary = done.summary(metric)?;
    let what = format!("the average total effect in {}", described(done, metric));
    let ci95 = Some(summary.ci95_total_effect);
    let over = Some(over(done, metric, |summary| Some(summary.average_total_effect)));
    Ok(Measured { ci95, over, ..Measured::new(summary.average_total_effect, what) })
}

/// The answer's mean probability in the clean or in the corrupted run.
pub(super) fn probability(done: &Done, is_clean: bool) -> Result<Measured> {
    let summary = done.summary(Metric::Probability)?;
    let number = move |summary: &Summary| if is_clean { summary.mean_clean } else { summary.mean_corrupted };
    let which = if is_clean { "clean" } else { "corrupted" };
    let over = Some(over(done, Metric::Probability, move |summary| Some(number(summary))));
    let what = format!("the answer's mean {which} probability in {}", done.label);
    Ok(Measured { over, ..Measured::new(number(&summary), what) })
}

pub(super) fn wrong_share(
    done: &Done,
    component: Option<Component>,
    roles: &[Role],
    layers: Layers,
) -> Result<Measured> {
    let its = roles.to_vec();
    let number = move |averages: Averages<'_>| averages.least_wrong(&its, layers).map(|(_, share)| share);
    let found = resampled(done, component, number, &format!("no token is {}", words(roles)))?;
    let component = done.component(component);
    let summary = done.summary(Metric::Probability)?;
    let role = summary.components.get(&component).and_then(|of| {
        let view = done.view(component, Metric::Probability);
        Averages { of, view }.least_wrong(roles, layers).map(|(role, _)| role)
    });
    let over = match layers {
        Layers::Last => "in the last layer",
        Layers::FirstHalf => "over the first half of the layers",
        Layers::SecondHalf => "over the second half of the layers",
        Layers::All | Layers::Telling | Layers::EarlySite => "over the layers",
    };
    let what = format!(
        "the share of wrong directions at the {} {over} in {}",
        role.map_or_else(|| words(roles), |role| role.label().to_owned()),
        done.label
    );
    Ok(Measured { what, is_share: true, ..found })
}

pub(super) fn deviation_correlation(
    done: &Done,
    component: Option<Component>,
    measure: EffectMeasure,
) -> Result<Measured> {
    let number = move |Averages { of, view }: Averages<'_>| {
        let found = deviation_follows_average(of, view.direction, view.metric);
        match measure {
            EffectMeasure::Ie => found.indirect_effect,
            EffectMeasure::Pi => found.percent_improvement,
        }
    };
    let found = resampled(done, component, number, "too few tokens have a role for a deviation")?;
    let name = measure.name();
    let what = format!("the correlation of {name}'s average with its deviation in {}", done.label);
    Ok(Measured { what, ..found })
}

pub(super) fn relative(
    done: &Done,
    component: Option<Component>,
    roles: &[Role],
    measure: EffectMeasure,
) -> Result<Measured> {
    let chosen = roles.to_vec();
    let number = move |averages: Averages<'_>| {
        let of_role = |role: Role| averages.strongest(role, measure);
        let others = Role::ALL.into_iter().filter(|&role| role != Role::Last);
        let largest = others.filter_map(of_role).reduce(f64::max)?;
        let its = chosen.iter().copied().filter_map(of_role).reduce(f64::max)?;
        (largest > 0.0).then_some(its / largest)
    };
    let found = resampled(done, component, number, &format!("no effect at the {}", words(roles)))?;
    let what = format!(
        "the strongest average {} at the {} as a share of that of the strongest role but the last token, in {}",
        measure.name(),
        words(roles),
        done.label
    );
    Ok(Measured { what, is_share: true, ..found })
}

pub(super) fn evenness(done: &Done, component: Option<Component>) -> Result<Measured> {
    let number = move |averages: Averages<'_>| {
        let subject = [Role::FirstSubject, Role::MiddleSubject, Role::LastSubject];
        let of_role = |role| averages.strongest(role, EffectMeasure::Ie);
        let found: Vec<f64> = subject.into_iter().filter_map(of_role).collect();
        let largest = found.iter().copied().reduce(f64::max).filter(|&largest| largest > 0.0)?;
        Some(found.iter().sum::<f64>() / found.len() as f64 / largest)
    };
    let found = resampled(done, component, number, "no effect at the subject")?;
    let what = format!(
        "the mean of the subject's roles' strongest averages as a share of the largest of them, in {}",
        done.label
    );
    Ok(Measured { what, is_share: true, ..found })
}

pub(super) fn map_correlation(
    [one, other]: [&Done; 2],
    component: Option<Component>,
    roles: &[Role],
    metrics: [Metric; 2],
) -> Result<Measured> {
    let component = one.component(component);
    let (first, second) = (one.summary(metrics[0])?, other.summary(metrics[1])?);
    let [of_first, of_second] = [&first, &second].map(|summary| summary.components.get(&component));
    let not_traced = || format!("{component} was not traced in {} and {}", one.label, other.label);
    let (of_first, of_second) = (of_first.with_context(not_traced)?, of_second.with_context(not_traced)?);
    let value = correlation(of_first, of_second, roles).context("too few cells to correlate")?;
    // Every draw has the same prompts for both.
    let ids = traced_alike(&[one, other])?;
    let (firsts, seconds) = (one.resampled(metrics[0], ids.clone())?, other.resampled(metrics[1], ids)?);
    let ci95 = firsts.zip(seconds).and_then(|(firsts, seconds)| {
        let drawn = firsts.draws.iter().zip(&seconds.draws).filter_map(|(first, second)| {
            correlation(first.components.get(&component)?, second.components.get(&component)?, roles)
        });
        percentile_interval(drawn.collect())
    });
    let (a, b) = (described(one, metrics[0]), described(other, metrics[1]));
    let which = if roles == Role::ALL {
        // The last token's row is large in every map.
        let without = correlation(of_first, of_second, &Role::BEFORE_LAST);
        without.map_or(String::new(), |r| format!(" ({} without the last token)", short(r)))
    } else {
        format!(" at the {}", words(roles))
    };
    let what = format!("the correlation of the average maps of {a} and {b}{which}");
    Ok(Measured { ci95, ..Measured::new(value, what) })
}
