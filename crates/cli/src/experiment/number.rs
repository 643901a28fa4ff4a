//! The numbers by which claims are judged: each has a name in experiment files, and says in words what it is.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use causal_trace_core::{Component, Metric, Role, effect};
use causal_trace_results::statistics::{
    Census, CensusOptions, ComponentSummary, DifferenceSummary, GroupSummary, Landmarks, PeakClass,
    PromptSize, Selection, Spread, deviation_follows_average, draw_spread, map_correlation, pearson,
    tokens_and_effect,
};
use serde::Deserialize;

use super::analysis::TooFew;
use super::outcome::{Done, Runs};

/// Draws of an interval over prompts, and their seed.
pub(super) const BOOTSTRAP: (usize, u64) = (2000, 1);

/// A number to be computed from the runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(super) enum Number {
    /// The strongest average IE of some roles, counted in the expected direction.
    Average {
        run: Option<String>,
        component: Option<Component>,
        #[serde(default = "probability")]
        metric: Metric,
        #[serde(default = "all_roles")]
        roles: Vec<Role>,
        #[serde(default)]
        layers: Layers,
        #[serde(default, deserialize_with = "from_text")]
        select: Option<Selection>,
    },
    /// The average total effect.
    TotalEffect {
        run: Option<String>,
        #[serde(default = "probability")]
        metric: Metric,
    },
    /// The mean probability of the answer in the clean run.
    Clean { run: Option<String> },
    /// The same in the corrupted runs.
    Corrupted { run: Option<String> },
    /// The share of prompts whose effect at a role goes in the wrong direction, mean over layers; of several roles the
    /// smallest.
    WrongShare {
        run: Option<String>,
        component: Option<Component>,
        roles: Vec<Role>,
        #[serde(default)]
        layers: Layers,
    },
    /// The correlation, over roles and layers, of the average effect's size with its standard deviation.
    DeviationCorrelation {
        run: Option<String>,
        component: Option<Component>,
        #[serde(default)]
        measure: EffectMeasure,
    },
    /// The correlation, over prompts, of the number of tokens with the size of an effect.
    LengthCorrelation {
        run: Option<String>,
        component: Option<Component>,
        #[serde(default)]
        effect: SizeOf,
    },
    /// The share of prompts whose effect peaks in some places.
    ClassShare { run: Option<String>, component: Option<Component>, classes: Vec<String> },
    /// The standard deviation over draws, at the subject's strongest site, over the mean there.
    DrawSpread { run: Option<String>, component: Option<Component> },
    /// A role's strongest average as a share of that of the strongest role other than the last.
    Relative {
        run: Option<String>,
        component: Option<Component>,
        roles: Vec<Role>,
        #[serde(default)]
        measure: EffectMeasure,
    },
    /// The mean of the subject's roles' strongest averages as a share of the largest of them.
    Evenness { run: Option<String>, component: Option<Component> },
    /// The mean effect of one fact of the prefix, counted from 1; from the end where it is negative.
    FactEffect { run: Option<String>, component: Option<Component>, fact: i64 },
    /// The correlation of a fact's place in the prefix with its mean effect, over the facts of all the runs.
    PlaceCorrelation { runs: Vec<String>, component: Option<Component> },
    /// The correlation, over roles and layers, of two runs' averages.
    MapCorrelation {
        runs: [String; 2],
        component: Option<Component>,
        #[serde(default = "both_probability")]
        metrics: [Metric; 2],
    },
}

/// Which layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Layers {
    /// Those that say something: at the last token not those at which the whole effect returns whatever the model does.
    #[default]
    Telling,
    All,
    Last,
    FirstHalf,
    SecondHalf,
}

/// Which of the two effects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EffectMeasure {
    #[default]
    Ie,
    Pi,
}

/// Which size of a prompt's effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SizeOf {
    Total,
    #[default]
    Strongest,
}

fn probability() -> Metric {
    Metric::Probability
}

fn both_probability() -> [Metric; 2] {
    [Metric::Probability; 2]
}

fn all_roles() -> Vec<Role> {
    Role::ALL.to_vec()
}

/// A value that is written as it is on the command line.
pub(super) fn from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: serde::Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A number, how sure it is, and what it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) ci95: Option<[f64; 2]>,
    pub(super) what: String,
    /// Shown in per cent.
    pub(super) is_share: bool,
}

impl Measured {
    fn new(value: f64, what: String) -> Self {
        Measured { value, ci95: None, what, is_share: false }
    }

    fn share(value: f64, what: String) -> Self {
        Measured { is_share: true, ..Measured::new(value, what) }
    }

    /// The interval, or the number alone.
    pub(super) fn ends(&self) -> [f64; 2] {
        self.ci95.filter(|ends| ends.iter().all(|end| end.is_finite())).unwrap_or([self.value; 2])
    }

    /// As in "0.218 [0.205, 0.231]".
    pub(super) fn shown(&self) -> String {
        let number = |value| if self.is_share { percent(value) } else { short(value) };
        match self.ci95 {
            Some([low, high]) if low.is_finite() => {
                format!("{} [{}, {}]", number(self.value), number(low), number(high))
            }
            _ => number(self.value),
        }
    }
}

/// Three decimals, or as many digits as a small number needs.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    match () {
        () if value.is_nan() => "–".to_owned(),
        () if size != 0.0 && size < 0.0005 => format!("{value:.1e}"),
        () if size >= 100.0 => format!("{value:.0}"),
        () => format!("{value:.3}"),
    }
}

/// A fraction in per cent.
pub(super) fn percent(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { format!("{:.1} %", 100.0 * value) }
}

/// Roles in words, as in "last subject token".
fn words(roles: &[Role]) -> String {
    if roles.len() == Role::ALL.len() {
        return "any token".to_owned();
    }
    roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(" or ")
}

impl Number {
    /// Computes it; an error says why it cannot be.
    pub(super) fn measure(&self, runs: &Runs) -> Result<Measured> {
        match self {
            Number::Average { run, component, metric, roles, layers, select } => {
                largest(&runs.family(run.as_ref())?, |done| {
                    average(done, done.component(*component), *metric, roles, *layers, select.as_ref())
                })
            }
            Number::TotalEffect { run, metric } => {
                largest(&runs.family(run.as_ref())?, |done| total_effect(done, *metric))
            }
            Number::Clean { run } | Number::Corrupted { run } => {
                let done = runs.one(run.as_ref())?;
                let summary = done.summary(Metric::Probability)?;
                let is_clean = matches!(self, Number::Clean { .. });
                let (value, which) = if is_clean {
                    (summary.mean_clean, "clean")
                } else {
                    (summary.mean_corrupted, "corrupted")
                };
                Ok(Measured::new(value, format!("the answer's mean {which} probability in {}", done.name)))
            }
            Number::WrongShare { run, component, roles, layers } => {
                let done = runs.one(run.as_ref())?;
                wrong_share(done, done.component(*component), roles, *layers)
            }
            Number::DeviationCorrelation { run, component, measure } => {
                deviation_correlation(runs.one(run.as_ref())?, *component, *measure)
            }
            Number::LengthCorrelation { run, component, effect } => {
                length_correlation(runs.one(run.as_ref())?, *component, *effect)
            }
            Number::ClassShare { run, component, classes } => {
                class_share(runs.one(run.as_ref())?, *component, classes)
            }
            Number::DrawSpread { run, component } => relative_spread(runs.one(run.as_ref())?, *component),
            Number::Relative { run, component, roles, measure } => {
                relative(runs.one(run.as_ref())?, *component, roles, *measure)
            }
            Number::Evenness { run, component } => evenness(runs.one(run.as_ref())?, *component),
            Number::FactEffect { run, component, fact } => {
                fact_effect(runs.one(run.as_ref())?, *component, *fact)
            }
            Number::PlaceCorrelation { runs: names, component } => {
                place_correlation(&runs.named(names), *component)
            }
            Number::MapCorrelation { runs: [one, other], component, metrics } => {
                let (one, other) = (runs.one(Some(one))?, runs.one(Some(other))?);
                let component = one.component(*component);
                let [first, second] =
                    [(one, metrics[0]), (other, metrics[1])].map(|(done, metric)| done.summary(metric));
                let (first, second) = (first?, second?);
                let [first, second] = [&first, &second].map(|summary| summary.components.get(&component));
                let (first, second) = (first.context("not traced")?, second.context("not traced")?);
                let value = map_correlation(first, second).context("too few cells")?;
                let (a, b) = (described(one, metrics[0]), described(other, metrics[1]));
                Ok(Measured::new(value, format!("the correlation of the average maps of {a} and {b}")))
            }
        }
    }

    /// The runs that it names.
    pub(super) fn run_names(&self) -> Vec<&str> {
        match self {
            Number::PlaceCorrelation { runs, .. } => runs.iter().map(String::as_str).collect(),
            Number::MapCorrelation { runs, .. } => runs.iter().map(String::as_str).collect(),
            Number::Average { run, .. }
            | Number::TotalEffect { run, .. }
            | Number::Clean { run }
            | Number::Corrupted { run }
            | Number::WrongShare { run, .. }
            | Number::DeviationCorrelation { run, .. }
            | Number::LengthCorrelation { run, .. }
            | Number::ClassShare { run, .. }
            | Number::DrawSpread { run, .. }
            | Number::Relative { run, .. }
            | Number::Evenness { run, .. }
            | Number::FactEffect { run, .. } => run.iter().map(String::as_str).collect(),
        }
    }
}

/// The largest of several runs' numbers.
fn largest(all: &[&Done], measure: impl Fn(&Done) -> Result<Measured>) -> Result<Measured> {
    let found = all.iter().map(|done| measure(done)).collect::<Result<Vec<_>>>()?;
    let larger = |best: Measured, next: Measured| if next.value > best.value { next } else { best };
    found.into_iter().reduce(larger).context("there is no run")
}

fn total_effect(done: &Done, metric: Metric) -> Result<Measured> {
    let summary = done.summary(metric)?;
    let what = format!("the average total effect in {}", described(done, metric));
    let ci95 = Some(summary.ci95_total_effect);
    Ok(Measured { ci95, ..Measured::new(summary.average_total_effect, what) })
}

fn described(done: &Done, metric: Metric) -> String {
    match metric {
        Metric::Probability => done.name.clone(),
        metric => format!("{} ({})", done.name, metric.label()),
    }
}

/// The averages of a component.
fn of_component<T>(
    done: &Done,
    component: Component,
    metric: Metric,
    select: Option<&Selection>,
    look: impl FnOnce(&ComponentSummary) -> T,
) -> Result<T> {
    let summary = done.summary_of(metric, select.unwrap_or(&Selection::All))?;
    let of = summary.components.get(&component);
    Ok(look(of.with_context(|| format!("{component} was not traced in {}", done.name))?))
}

impl Layers {
    fn range(self, done: &Done, component: Component, metric: Metric, role: Role) -> std::ops::Range<usize> {
        let n = done.manifest().model.n_layers;
        match self {
            Layers::Telling if role == Role::Last => done.view(component, metric).late_layers(n),
            Layers::Telling | Layers::All => 0..n,
            Layers::Last => n.saturating_sub(1)..n,
            Layers::FirstHalf => 0..n / 2,
            Layers::SecondHalf => n / 2..n,
        }
    }
}

fn average(
    done: &Done,
    component: Component,
    metric: Metric,
    roles: &[Role],
    layers: Layers,
    select: Option<&Selection>,
) -> Result<Measured> {
    let view = done.view(component, metric);
    let best = of_component(done, component, metric, select, |of| {
        let sites = roles
            .iter()
            .flat_map(|&role| layers.range(done, component, metric, role).map(move |layer| (role, layer)));
        let sites = sites.map(|(role, layer)| {
            let at = |table: &Vec<Vec<f64>>| view.strength(table[role as usize][layer]);
            let (value, low, high) = (at(&of.average_indirect_effect), at(&of.ci95_low), at(&of.ci95_high));
            (role, layer, value, [low.min(high), low.max(high)])
        });
        sites.filter(|site| site.2.is_finite()).reduce(|best, next| if next.2 > best.2 { next } else { best })
    })?;
    let Some((role, layer, value, ci95)) = best else {
        bail!("no token is {} in {}", words(roles), done.name);
    };
    let of_which = if component == done.component(None) { String::new() } else { format!(" of {component}") };
    let which = select.map_or(String::new(), |select| format!(", {}", selected(select)));
    let what = format!(
        "the strongest average effect{of_which} at the {} in {}{which} (layer {layer})",
        role.label(),
        described(done, metric)
    );
    Ok(Measured { ci95: Some(ci95), ..Measured::new(value, what) })
}

/// A selection in words.
pub(super) fn selected(select: &Selection) -> String {
    match select {
        Selection::All => "all prompts".to_owned(),
        Selection::MostTokens(n) => format!("the {n} prompts with the most tokens"),
        Selection::LeastTokens(n) => format!("the {n} prompts with the fewest tokens"),
        Selection::Random { n, .. } => format!("{n} prompts at random"),
        other => other.to_string(),
    }
}

fn wrong_share(done: &Done, component: Component, roles: &[Role], layers: Layers) -> Result<Measured> {
    let best = of_component(done, component, Metric::Probability, None, |of| {
        let shares = roles.iter().filter_map(|&role| {
            let range = layers.range(done, component, Metric::Probability, role);
            let shares: Vec<f64> =
                range.map(|layer| of.wrong_direction_share[role as usize][layer]).collect();
            let share = shares.iter().sum::<f64>() / shares.len() as f64;
            share.is_finite().then_some((role, share))
        });
        shares.reduce(|best, next| if next.1 < best.1 { next } else { best })
    })?;
    let Some((role, share)) = best else { bail!("no token is {} in {}", words(roles), done.name) };
    let where_ = match layers {
        Layers::Last => "in the last layer",
        Layers::FirstHalf => "over the first half of the layers",
        Layers::SecondHalf => "over the second half of the layers",
        Layers::All | Layers::Telling => "over the layers",
    };
    let what = format!("the share of wrong directions at the {} {where_} in {}", role.label(), done.name);
    Ok(Measured::share(share, what))
}

fn deviation_correlation(
    done: &Done,
    component: Option<Component>,
    measure: EffectMeasure,
) -> Result<Measured> {
    let component = done.component(component);
    let direction = done.manifest().settings.direction;
    let found = of_component(done, component, Metric::Probability, None, |of| {
        deviation_follows_average(of, direction, Metric::Probability)
    })?;
    let (value, name) = match measure {
        EffectMeasure::Ie => (found.indirect_effect, "IE"),
        EffectMeasure::Pi => (found.percent_improvement, "PI"),
    };
    let value = value.context("too few tokens have a role for a standard deviation")?;
    Ok(Measured::new(
        value,
        format!("the correlation of {name}'s average with its deviation in {}", done.name),
    ))
}

/// What is known of the sizes of all prompts.
pub(super) fn sizes(done: &Done, component: Component) -> Result<Vec<PromptSize>> {
    let view = done.view(component, Metric::Probability);
    let mut sizes = Vec::new();
    done.each(|record| {
        sizes.extend(PromptSize::of(record, view));
        Ok(())
    })?;
    Ok(sizes)
}

fn length_correlation(done: &Done, component: Option<Component>, size: SizeOf) -> Result<Measured> {
    let found = tokens_and_effect(&sizes(done, done.component(component))?);
    let (value, name) = match size {
        SizeOf::Total => (found.spearman_total, "total effect"),
        SizeOf::Strongest => (found.spearman_strongest, "strongest effect"),
    };
    let value = value.context("too few prompts, or all of the same length")?;
    let what =
        format!("the rank correlation of a prompt's number of tokens with its {name} in {}", done.name);
    Ok(Measured { ci95: correlation_interval(value, found.prompts), ..Measured::new(value, what) })
}

/// The 95 % interval of a correlation, by Fisher's transformation.
pub(super) fn correlation_interval(r: f64, n: usize) -> Option<[f64; 2]> {
    if n < 4 || r.abs() >= 1.0 {
        return None;
    }
    let (z, half) = (r.atanh(), 1.96 / ((n - 3) as f64).sqrt());
    Some([(z - half).tanh(), (z + half).tanh()])
}

/// Where the effects of all prompts peak.
pub(super) fn census(done: &Done, component: Component) -> Result<Census> {
    let view = done.view(component, Metric::Probability);
    let mut census = Census::new(CensusOptions { view, threshold: CensusOptions::HALF });
    done.each(|record| {
        census.add(record);
        Ok(())
    })?;
    Ok(census)
}

fn class_share(done: &Done, component: Option<Component>, names: &[String]) -> Result<Measured> {
    let census = census(done, done.component(component))?;
    let class = |name: &String| {
        let all = || PeakClass::ALL.map(PeakClass::name).join(", ");
        let found = PeakClass::ALL.into_iter().find(|class| class.name() == name.replace('-', "_"));
        found.with_context(|| format!("'{name}' is not a class of the census: {}", all()))
    };
    let classes = names.iter().map(class).collect::<Result<Vec<_>>>()?;
    if census.members.is_empty() {
        bail!("no prompt was traced in {}", done.name);
    }
    let share: f64 = classes.iter().map(|&class| census.share(class)).sum();
    let labels: Vec<&str> = classes.iter().map(|class| class.label()).collect();
    let what = format!("the share of prompts of {} with their peak at: {}", done.name, labels.join(" or "));
    Ok(Measured { ci95: Some(share_interval(share, census.members.len())), ..Measured::share(share, what) })
}

/// The 95 % interval of a share of `n` (Wilson).
pub(super) fn share_interval(share: f64, n: usize) -> [f64; 2] {
    let (n, z) = (n as f64, 1.96f64);
    let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// The mean, over prompts, of how much an effect varies between draws.
fn relative_spread(done: &Done, component: Option<Component>) -> Result<Measured> {
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
        bail!("there are fewer than two draws of a prompt in {}", done.name);
    };
    let what = format!(
        "the standard deviation over draws of the effect at the subject's strongest site, as a share of its mean, in {}",
        done.name
    );
    Ok(Measured::share(mean, what))
}

/// The strongest average of a role, in the expected direction.
fn strongest(
    of: &ComponentSummary,
    done: &Done,
    component: Component,
    role: Role,
    measure: EffectMeasure,
) -> Option<f64> {
    let view = done.view(component, Metric::Probability);
    match measure {
        EffectMeasure::Ie => {
            let landmarks = Landmarks::of(component, of, view.direction, Metric::Probability);
            landmarks.strongest_of(role).map(|site| view.strength(site.effect))
        }
        EffectMeasure::Pi => {
            let values = Layers::Telling.range(done, component, Metric::Probability, role);
            let values = values.map(|layer| of.average_percent_improvement[role as usize][layer]);
            let strengths = values.map(|value| effect::strength(view.direction, Metric::Probability, value));
            strengths.filter(|value| value.is_finite()).reduce(f64::max)
        }
    }
}

fn relative(
    done: &Done,
    component: Option<Component>,
    roles: &[Role],
    measure: EffectMeasure,
) -> Result<Measured> {
    let component = done.component(component);
    let value = of_component(done, component, Metric::Probability, None, |of| {
        let of_role = |role: Role| strongest(of, done, component, role, measure);
        let others = Role::ALL.into_iter().filter(|&role| role != Role::Last);
        let largest = others.filter_map(of_role).reduce(f64::max)?;
        let its = roles.iter().copied().filter_map(of_role).reduce(f64::max)?;
        (largest > 0.0).then_some(its / largest)
    })?;
    let name = if measure == EffectMeasure::Ie { "IE" } else { "PI" };
    let what = format!(
        "the strongest average {name} at the {} as a share of that of the strongest role but the last token, in {}",
        words(roles),
        done.name
    );
    Ok(Measured::share(value.with_context(|| format!("no effect at the {}", words(roles)))?, what))
}

fn evenness(done: &Done, component: Option<Component>) -> Result<Measured> {
    let component = done.component(component);
    let subject = [Role::FirstSubject, Role::MiddleSubject, Role::LastSubject];
    let value = of_component(done, component, Metric::Probability, None, |of| {
        let of_role = |role| strongest(of, done, component, role, EffectMeasure::Ie);
        let found: Vec<f64> = subject.into_iter().filter_map(of_role).collect();
        let largest = found.iter().copied().reduce(f64::max).filter(|&largest| largest > 0.0)?;
        Some(found.iter().sum::<f64>() / found.len() as f64 / largest)
    })?;
    let what = format!(
        "the mean of the subject's roles' strongest averages as a share of the largest of them, in {}",
        done.name
    );
    Ok(Measured::share(value.context("no effect at the subject")?, what))
}

/// The ids that were traced in every run.
pub(super) fn traced_in_all(all: &[&Done]) -> Result<BTreeSet<i64>> {
    let mut shared: Option<BTreeSet<i64>> = None;
    for done in all {
        let (_, ids) = done.select(&Selection::All)?;
        shared = Some(shared.map_or(ids.clone(), |shared| &shared & &ids));
    }
    Ok(shared.unwrap_or_default())
}

/// The mean effects of the facts of a prefix: of the places where the clean and the corrupted prompt differ.
pub(super) fn fact_effects(
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
        return Err(TooFew(format!("no prompt of {} is left to average", done.name)).into());
    }
    Ok(summary.finish(BOOTSTRAP.0, BOOTSTRAP.1))
}

fn fact_effect(done: &Done, component: Option<Component>, fact: i64) -> Result<Measured> {
    let groups = fact_effects(done, done.component(component), None)?;
    let n = groups.len() as i64;
    let place = if fact < 0 { n + fact } else { fact - 1 };
    let group = usize::try_from(place).ok().and_then(|place| groups.get(place));
    let group = group.with_context(|| format!("the prompts of {} differ in {n} places", done.name))?;
    let what = format!("the mean strongest effect at fact {} of {n} in {}", place + 1, done.name);
    Ok(Measured { ci95: Some(group.ci95), ..Measured::new(group.effect.mean, what) })
}

fn place_correlation(all: &[&Done], component: Option<Component>) -> Result<Measured> {
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
