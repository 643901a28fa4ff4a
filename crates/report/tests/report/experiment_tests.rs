//! Figures of single experiments: what they say, and that all of it can be read.

use causal_trace_core::{Component, Direction, Metric};
use causal_trace_report::figures::Statistic;
use causal_trace_report::figures::{
    MapStyle, Measure, NumberedSummary, SummarySide, against, average, census, gallery, lines, overview,
    peaks, prompt, prompt_figures, repeated, severed, standard, summaries_side_by_side, wrong_direction,
};
use causal_trace_report::{Content, FigureError, NumberAxis, Ramp};
use causal_trace_results::statistics::{Census, CensusOptions, Summary, View};

use crate::common::{SHORT, SPACE_NEEDLE};
use crate::data::{manifest, record, summary};
use crate::experiments::{of_experiments, scaled, with_metric};
use crate::figures::assert_recorded;
use crate::page::assert_readable;
use crate::panels::text_of;

#[test]
fn all_of_them_can_be_read() {
    for n_layers in [2, 8, 48] {
        for (stem, figure) in of_experiments("demo", n_layers) {
            let svg = figure.svg().unwrap();
            assert_readable(&format!("{stem} of {n_layers} layers"), &svg);
            assert_eq!(figure.pdf().unwrap(), figure.pdf().unwrap(), "{stem}");
            let text = text_of(&svg).replace('\n', " ");
            assert!(text.contains("known_1000.json") && text.contains("seed 1"), "{stem}: {text}");
        }
    }
}

#[test]
fn they_are_drawn_as_recorded() {
    for (stem, figure) in of_experiments("demo", 8) {
        if ["severed", "noise-levels", "aligned", "positions", "census"].contains(&stem) {
            assert_recorded(&format!("experiment_{stem}.svg"), &figure.svg().unwrap());
        }
    }
}

#[test]
fn what_differs_from_sweep_to_sweep_is_left_to_the_axis() {
    let (one, mut other) = (manifest("demo", 8), manifest("demo", 8));
    other.settings.window.width = 3;
    let summary = summary("demo", 8, &[Component::Mlp], false);
    let point = |number, manifest| NumberedSummary { number, manifest, summary: &summary };
    let axis = NumberAxis { label: "width".to_owned(), is_logarithmic: false };
    let points = [point(10.0, &one), point(3.0, &other)];
    let figure = against("Windows", &axis, &points, &[Component::Mlp]).unwrap();
    let made = &figure.provenance[0].settings;
    assert!(made.contains("width as on the axis") && !made.contains("windows of"), "{made}");
    let Content::Curves(curves) = &figure.panels[0].content else { unreachable!("numbers give curves") };
    let numbers: Vec<f64> = curves.series[0].points.iter().map(|point| point.x).collect();
    assert_eq!(numbers, [3.0, 10.0], "sorted");
    assert!(matches!(against("", &axis, &[], &[Component::Mlp]), Err(FigureError::NoPanels)));
    let error = against("", &axis, &points, &[Component::Residual]).unwrap_err();
    assert_eq!(error.to_string(), "there is no component to draw: the summary of demo has no residual");
}

#[test]
fn charts_count_effects_in_the_expected_direction() {
    let made = manifest("demo", 8);
    let plain = summary("demo", 8, &[Component::Residual, Component::MlpSevered], false);
    let axis = NumberAxis { label: "number".to_owned(), is_logarithmic: false };
    let drawn = |summary: &Summary| {
        let points = [NumberedSummary { number: 1.0, manifest: &made, summary }];
        let bars = severed(&made, summary).unwrap().panels.remove(0).content;
        let curves = against("", &axis, &points, &[Component::Residual]).unwrap().panels.remove(0).content;
        match (bars, curves) {
            (Content::Bars(bars), Content::Curves(curves)) => (
                bars.series.into_iter().map(|series| (series.values, series.intervals)).collect::<Vec<_>>(),
                curves.series.into_iter().map(|series| series.points).collect::<Vec<_>>(),
            ),
            _ => unreachable!("bars and curves"),
        }
    };
    let expected = drawn(&plain);
    for (metric, direction) in
        [(Metric::Probability, Direction::Noise), (Metric::KlDivergence, Direction::Denoise)]
    {
        assert_eq!(drawn(&scaled(&plain, -1.0, metric, direction)), expected, "{metric} {direction}");
    }
    let (low, high) = expected.0[0].1.as_ref().map(|ends| (ends[0][3], ends[1][3])).unwrap();
    assert!(low < expected.0[0].0[3] && expected.0[0].0[3] < high);
}

#[test]
fn severed_bars_need_the_residual_stream() {
    let made = manifest("demo", 8);
    let error = severed(&made, &summary("demo", 8, &[Component::MlpSevered], false)).unwrap_err();
    assert!(matches!(error, FigureError::NoComponents { .. }), "{error}");
    let alone = severed(&made, &summary("demo", 8, &[Component::Residual], false)).unwrap();
    let Content::Bars(bars) = &alone.panels[0].content else { unreachable!("severed gives bars") };
    assert_eq!(bars.series.len(), 1);
}

#[test]
fn a_census_of_nobody_is_refused() {
    let made = manifest("demo", 8);
    let view = View::of(&made, Component::Residual, Metric::Probability);
    let nobody = Census::new(CensusOptions { view, threshold: 0.5 });
    assert!(matches!(census(&made, &nobody), Err(FigureError::NoPrompts { .. })));
}

#[test]
fn figures_of_another_metric_say_so() {
    let made = manifest("demo", 8);
    let metric = Metric::KlDivergence;
    let plain = summary("demo", 8, &Component::ROME, false);
    let averages = scaled(&plain, -9.0, metric, Direction::Denoise);
    let mut figures = standard(&made, &averages, Some(&averages), Some(&averages)).unwrap();
    let record = with_metric(record(&SHORT, 0..2, 8), metric, -9.0);
    figures.extend(prompt_figures(&made, &record, metric).unwrap());
    figures.extend(repeated(&made, &record, metric).unwrap());
    for (stem, figure) in figures {
        assert!(stem.contains("-kl-divergence"), "{stem}");
        let svg = figure.svg().unwrap();
        assert_readable(&stem, &svg);
        assert!(text_of(&svg).contains("KL divergence"), "{stem}");
    }
    let figure = average(&made, &averages, Measure::IndirectEffect, Statistic::Average).unwrap();
    assert_eq!(
        figure.title,
        "Average indirect effect of restoring states on the KL divergence from the clean run"
    );
    let Content::Map(map) = &figure.panels[0].content else { unreachable!("averages are maps") };
    assert!(map.scale.dark < map.scale.pale, "the most negative effect is the darkest");
    assert_eq!(map.measure, "AIE (KL divergence, nats)");
    assert_eq!(
        wrong_direction(&made, &averages).unwrap().title,
        "Share of prompts in which restoring raises the KL divergence from the clean run"
    );
    for figure in [lines(&made, &averages).unwrap(), peaks(&made, &averages).unwrap()] {
        assert!(figure.small_print.join(" ").contains("(KL divergence, nats)"));
    }
}

#[test]
fn a_metric_that_was_not_measured_is_refused() {
    let made = manifest("demo", 8);
    let record = with_metric(record(&SPACE_NEEDLE, 0..4, 8), Metric::Logit, 20.0);
    let (ie, plain) = (Measure::IndirectEffect, MapStyle::Plain);
    assert!(prompt(&made, &record, Component::Mlp, Metric::Logit, ie, plain).is_ok());
    let error = overview(&made, &record, Metric::Rank, ie, plain).unwrap_err();
    assert_eq!(error.to_string(), "fact 12 has no rank: sweep with that metric");
    assert!(gallery(&made, [&record], Metric::Rank, ie, plain).is_err());
}

#[test]
fn sides_of_one_scale_must_agree_in_what_they_measure() {
    let made = manifest("demo", 8);
    let plain = summary("demo", 8, &Component::ROME, false);
    let draw = |other: &_| {
        let side = |name, summary| SummarySide { name, manifest: &made, summary };
        summaries_side_by_side("", &[side("one", &plain), side("other", other)])
            .map_err(|error| error.to_string())
    };
    let other = scaled(&plain, 2.0, Metric::Logit, Direction::Denoise);
    assert_eq!(
        draw(&other).unwrap_err(),
        "one and other cannot stand side by side: they differ in their metric"
    );
    let other = scaled(&plain, -1.0, Metric::Probability, Direction::Noise);
    assert!(draw(&other).unwrap_err().ends_with("direction"));
    assert!(draw(&plain).is_ok());
}

#[test]
fn severed_tracing_is_among_the_figures_where_it_was_done() {
    let made = manifest("demo", 4);
    let stems = |components: &[Component]| -> Vec<String> {
        let figures = standard(&made, &summary("demo", 4, components, false), None, None).unwrap();
        figures.into_iter().map(|(stem, _)| stem).collect()
    };
    assert!(stems(&[Component::Residual, Component::MlpSevered]).contains(&"severed".to_owned()));
    assert!(!stems(&Component::ROME).contains(&"severed".to_owned()));
    assert!(!stems(&[Component::MlpSevered]).contains(&"severed".to_owned()));
}

#[test]
fn averages_that_go_both_ways_have_two_colours() {
    let made = manifest("demo", 4);
    let mut averages = summary("demo", 4, &[Component::Residual], false);
    let ramp = |averages: &Summary| {
        let figure = average(&made, averages, Measure::IndirectEffect, Statistic::Average).unwrap();
        match &figure.panels[0].content {
            Content::Map(map) => map.scale.ramp,
            _ => unreachable!("averages are maps"),
        }
    };
    assert_eq!(ramp(&averages), Ramp::Sequential(Component::Residual));
    averages.components.values_mut().for_each(|of| of.average_indirect_effect[2].fill(-0.2));
    assert_eq!(ramp(&averages), Ramp::Diverging);
}
