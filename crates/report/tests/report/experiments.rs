//! Made-up figures of single experiments, and what they show.

use causal_trace_core::{Component, Direction, Metric};
use causal_trace_report::figures::{
    GroupSeries, NumberedSummary, SummarySide, against, aligned, census, census_examples, deviations,
    directions, group_effects, metrics_side_by_side, prompt_sizes, severed, summaries_side_by_side,
};
use causal_trace_report::{Figure, NumberAxis};
use causal_trace_results::statistics::{
    AlignedAverage, Census, CensusOptions, GroupSummary, PeakClass, PromptSize, Spread, Summary, View,
};
use causal_trace_results::{Manifest, OtherMetric, PromptRecord};

use crate::common::{LONG_SUBJECT, SPACE_NEEDLE, long};
use crate::data::{manifest, record, summary, traced};

const SEVERED: [Component; 3] = [Component::Residual, Component::MlpSevered, Component::AttentionSevered];

/// The summary with every effect times a factor, in another metric and direction.
pub(crate) fn scaled(summary: &Summary, factor: f64, metric: Metric, direction: Direction) -> Summary {
    let mut summary = summary.clone();
    (summary.metric, summary.direction) = (metric, direction);
    let total = if direction == Direction::Denoise { factor } else { -factor };
    summary.average_total_effect *= total;
    summary.ci95_total_effect = summary.ci95_total_effect.map(|end| end * total);
    summary.ci95_total_effect.sort_by(f64::total_cmp);
    for of in summary.components.values_mut() {
        for table in
            [&mut of.average_indirect_effect, &mut of.sd_indirect_effect, &mut of.ci95_low, &mut of.ci95_high]
        {
            table.iter_mut().flatten().for_each(|value| *value *= factor);
        }
        if factor < 0.0 {
            std::mem::swap(&mut of.ci95_low, &mut of.ci95_high);
        }
        of.sd_indirect_effect.iter_mut().flatten().for_each(|value| *value = value.abs());
    }
    summary
}

/// The record with its effects in another metric too: those of the probability times a factor.
pub(crate) fn with_metric(mut record: PromptRecord, metric: Metric, factor: f64) -> PromptRecord {
    let traced = traced(&mut record);
    let mut grids = traced.grids.clone();
    for grid in &mut grids {
        grid.metric = metric;
        grid.indirect_effect.iter_mut().for_each(|effect| *effect *= factor);
        grid.samples.iter_mut().for_each(|sample| *sample *= factor as f32);
    }
    traced.grids.extend(grids);
    traced.others.push(OtherMetric {
        metric,
        clean: traced.clean * factor,
        corrupted: traced.corrupted * factor,
        corrupted_samples: traced.corrupted_samples.iter().map(|p| p * factor as f32).collect(),
    });
    record
}

/// All kinds of them, of a model of a depth, each with the stem of its file.
pub(crate) fn of_experiments(model: &str, n_layers: usize) -> Vec<(&'static str, Figure)> {
    let made = manifest(model, n_layers);
    let residual = View::of(&made, Component::Residual, Metric::Probability);
    let mut figures = vec![
        ("severed", severed(&made, &summary(model, n_layers, &SEVERED, false)).unwrap()),
        ("noise-levels", noise_levels(&made, n_layers)),
        ("windows", windows(&made, n_layers)),
        ("aligned", aligned(&made, &shared_prefix(n_layers), residual).unwrap()),
        ("positions", positions(&made, residual)),
        ("sizes", prompt_sizes(&made, &sizes(), residual).unwrap()),
    ];
    let all = summary(model, n_layers, &Component::ROME, true);
    figures.push(("deviations", deviations(&made, &all).unwrap()));
    let (census_of, records) = classed(&made, n_layers);
    figures.push(("census", census(&made, &census_of).unwrap()));
    let examples: Vec<_> = census_of.members.iter().zip(&records).collect();
    let figure = census_examples(&made, &census_of.options, PeakClass::LastSubject, &examples).unwrap();
    figures.push(("census-examples", figure));
    figures.extend(comparisons(&made, &all));
    figures
}

/// Summaries of one folder as if they were of several.
fn comparisons(made: &Manifest, summary: &Summary) -> Vec<(&'static str, Figure)> {
    let noise = scaled(summary, -0.7, Metric::Probability, Direction::Noise);
    let logits = scaled(summary, 31.0, Metric::LogitDifference, Direction::Denoise);
    let divergence = scaled(summary, -9.0, Metric::KlDivergence, Direction::Denoise);
    let side = |name: &'static str, summary| SummarySide { name, manifest: made, summary };
    let both = [side("denoising", summary), side("noising", &noise)];
    let metrics = [side("probability", summary), side("logits", &logits), side("divergence", &divergence)];
    let kinds =
        ["3σ noise", "uniform", "σ", "10σ", "Student t", "multivariate"].map(|name| side(name, summary));
    let mut one = summary.clone();
    one.components.retain(|component, _| *component == Component::Residual);
    let single = ["3σ noise", "uniform", "σ", "10σ", "Student t"].map(|name| side(name, &one));
    vec![
        ("directions", directions(&both).unwrap()),
        ("metrics", metrics_side_by_side("Three metrics", &metrics).unwrap()),
        ("noise-kinds", summaries_side_by_side("Six kinds of noise", &kinds).unwrap()),
        ("noise-kinds-residual", summaries_side_by_side("Five kinds of noise", &single).unwrap()),
    ]
}

fn noise_levels(made: &Manifest, n_layers: usize) -> Figure {
    let levels = [1e-6, 0.001, 0.01, 0.1, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 100.0, 1e6];
    let base = summary(&made.model.name, n_layers, &[Component::Residual], false);
    let summaries = levels.map(|level| {
        let factor = 2.0 * level / (level + 0.2) / (1.0 + level / 1e5);
        scaled(&base, factor, Metric::Probability, Direction::Denoise)
    });
    let axis = NumberAxis { label: "noise level σ".to_owned(), is_logarithmic: true };
    let points: Vec<_> = levels
        .iter()
        .zip(&summaries)
        .map(|(&number, summary)| NumberedSummary { number, manifest: made, summary })
        .collect();
    against("Effects against the size of the noise", &axis, &points, &[Component::Residual]).unwrap()
}

fn windows(made: &Manifest, n_layers: usize) -> Figure {
    let modules = [Component::Mlp, Component::Attention];
    let base = summary(&made.model.name, n_layers, &modules, false);
    let widths = [1.0, 3.0, 5.0, 10.0];
    let summaries = widths.map(|width| {
        let mut summary = scaled(&base, f64::sqrt(width), Metric::Probability, Direction::Denoise);
        (summary.average_total_effect, summary.ci95_total_effect) = (0.197, [0.171, 0.224]);
        summary
    });
    let axis = NumberAxis { label: "width of the window (layers)".to_owned(), is_logarithmic: false };
    let points: Vec<_> = widths
        .iter()
        .zip(&summaries)
        .map(|(&number, summary)| NumberedSummary { number, manifest: made, summary })
        .collect();
    against("Effects against the width of windows", &axis, &points, &modules).unwrap()
}

/// A prefix of three facts, in which one token each differs, and the roles.
fn shared_prefix(n_layers: usize) -> AlignedAverage {
    let words = ["Beats", " Music", " is", " owned", " by", " Apple", "."];
    let tokens: Vec<String> = words.iter().cycle().take(21).map(|&token| token.to_owned()).collect();
    let effect = |token: usize, layer: usize| {
        let height = if token % 7 == 5 { 0.04 * (token / 7 + 1) as f64 } else { 0.001 };
        height * (1.0 - layer as f64 / n_layers as f64)
    };
    let roles = &summary("demo", n_layers, &[Component::Residual], true).components[&Component::Residual];
    AlignedAverage {
        differs: (0..tokens.len()).map(|token| token % 7 == 5).collect(),
        prefix: (0..tokens.len())
            .map(|token| (0..n_layers).map(|layer| effect(token, layer)).collect())
            .collect(),
        tokens,
        n_layers,
        roles: roles.average_indirect_effect.clone(),
        counts: roles.counts,
        prompts: 25,
    }
}

fn positions(made: &Manifest, view: View) -> Figure {
    let group = |mean: f64| GroupSummary {
        tokens: 0..1,
        effect: Spread { draws: 25, mean, sd: 0.1, min: 0.0, max: 0.5 },
        ci95: [mean - 0.03, mean + 0.04],
        mean_share_of_total: 0.8,
    };
    let alone = [0.31, 0.3, 0.28, 0.33, 0.29].map(group);
    let stacked = [0.02, 0.05, 0.07, 0.14, 0.24].map(group);
    let of = |name, groups| GroupSeries { name, groups };
    let series = [
        of("each fact alone", alone.iter().map(Some).collect()),
        of("all facts as one prefix", stacked.iter().map(Some).collect()),
    ];
    let names: Vec<String> = (1..=5).map(|position| position.to_string()).collect();
    let made = [(made, 25), (made, 25)];
    group_effects("Effect of a fact by its position in the prefix", &names, &series, &made, view).unwrap()
}

fn sizes() -> Vec<PromptSize> {
    (0..60)
        .map(|index| {
            let n_tokens = 4 + (index * 7) % 13;
            let uneven = ((index * 31) % 23) as f64 / 23.0;
            let total_effect = (0.9 - 0.04 * n_tokens as f64) * (0.5 + 0.5 * uneven);
            PromptSize {
                id: index as i64,
                n_tokens,
                total_effect,
                strongest_effect: 0.6 * total_effect - 0.1 * uneven,
            }
        })
        .collect()
}

/// A census of four prompts, and these.
fn classed(made: &Manifest, n_layers: usize) -> (Census, Vec<PromptRecord>) {
    let view = View::of(made, Component::Residual, Metric::Probability);
    let mut census = Census::new(CensusOptions { view, threshold: 0.25 });
    let records: Vec<PromptRecord> = [(SPACE_NEEDLE.to_vec(), 0..4), (long(), LONG_SUBJECT)]
        .into_iter()
        .cycle()
        .take(4)
        .map(|(tokens, subject)| record(&tokens, subject, n_layers))
        .collect();
    records.iter().for_each(|record| {
        census.add(record);
    });
    (census, records)
}
