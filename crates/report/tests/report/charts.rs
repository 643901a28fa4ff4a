//! Curves over numbers and bars in groups: what they show, that all of it can be read, and what is refused.

use causal_trace_core::Component;
use causal_trace_report::{
    BarFill, BarSeries, Bars, Content, CurvePoint, CurveSeries, Curves, Figure, FigureError, Groups,
    NumberAxis, Panel, PanelProblem, Reference, Stroke, Width,
};

use crate::figures::assert_recorded;
use crate::page::assert_readable;
use crate::panels::text_of;

/// The noise levels of dannyallover/causal-tracing.
const LEVELS: [f64; 12] = [1e-6, 0.001, 0.01, 0.1, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 100.0, 1e6];

fn figure(title: &str, width: Width, contents: Vec<Content>) -> Figure {
    Figure {
        title: title.to_owned(),
        subtitle: "made up".to_owned(),
        width,
        columns: contents.len(),
        panels: contents.into_iter().map(|content| Panel { title: String::new(), content }).collect(),
        small_print: Vec::new(),
        provenance: Vec::new(),
    }
}

/// Effects over the noise levels, with bands.
fn curves() -> Curves {
    let series = |index: usize, name: &str, height: f64| CurveSeries {
        name: Some(name.to_owned()),
        points: LEVELS
            .iter()
            .map(|&x| {
                let y = height * x / (x + 0.2) - if x > 50.0 { 0.02 } else { 0.0 };
                CurvePoint { x, y, interval: Some([0.8 * y - 0.01, 1.15 * y + 0.01]) }
            })
            .collect(),
        stroke: Stroke::Distinct(index),
        is_joined: true,
    };
    Curves {
        series: vec![
            series(5, "total effect", 0.6),
            series(2, "last subject token", 0.31),
            series(4, "last token", 0.24),
        ],
        axis: NumberAxis { label: "noise level σ".to_owned(), is_logarithmic: true },
        low: -0.05,
        high: 0.75,
        measure: "effect (probability)".to_owned(),
        references: vec![Reference { value: 0.187, label: "published: 18.7 %".to_owned() }],
    }
}

/// Three bars for each layer, with whiskers.
fn layers(n_layers: usize) -> Bars {
    let series = |component: Component, name: &str, height: f64| {
        let values: Vec<f64> = (0..n_layers)
            .map(|layer| height * (1.0 - (2.2 * layer as f64 / n_layers as f64 - 0.7).powi(2)))
            .collect();
        let end = |by: f64| values.iter().map(|value| value + by).collect();
        BarSeries {
            name: Some(name.to_owned()),
            intervals: Some([end(-0.012), end(0.014)]),
            values,
            labels: None,
            fill: BarFill::Component(component),
        }
    };
    Bars {
        groups: Groups::Layers(n_layers),
        series: vec![
            series(Component::Residual, "effect of a single state", 0.09),
            series(Component::Mlp, "with mlp severed", 0.03),
            series(Component::Attention, "with attention severed", 0.08),
        ],
        low: -0.13,
        high: 0.12,
        measure: "AIE (probability)".to_owned(),
        axis: "layer".to_owned(),
    }
}

/// One bar for each of five classes with long names.
fn classes() -> Bars {
    let names = ["last subject token", "second-to-last token", "late site", "elsewhere", "no effect"];
    let values = vec![41.0, 22.5, 18.0, 6.0, 0.0];
    let labels = ["41 %", "22 %", "18 %", "6 %", "0 %"];
    Bars {
        groups: Groups::Named(names.map(str::to_owned).to_vec()),
        series: vec![BarSeries {
            name: None,
            intervals: Some([
                values.iter().map(|value| value * 0.8).collect(),
                values.iter().map(|value| value * 1.2 + 1.0).collect(),
            ]),
            values,
            labels: Some(labels.map(str::to_owned).to_vec()),
            fill: BarFill::Distinct(1),
        }],
        low: 0.0,
        high: 55.0,
        measure: "prompts (%)".to_owned(),
        axis: String::new(),
    }
}

/// Two bars for each position, some of them negative.
fn positions() -> Bars {
    let series = |index: usize, name: &str, values: Vec<f64>| BarSeries {
        name: Some(name.to_owned()),
        values,
        intervals: None,
        labels: None,
        fill: BarFill::Distinct(index),
    };
    Bars {
        groups: Groups::Named((1..=5).map(|number| number.to_string()).collect()),
        series: vec![
            series(1, "alone", vec![0.31, 0.3, 0.28, 0.33, 0.29]),
            series(0, "stacked", vec![-0.02, 0.04, 0.07, f64::NAN, 0.21]),
        ],
        low: -0.1,
        high: 0.4,
        measure: "effect".to_owned(),
        axis: "position of the fact".to_owned(),
    }
}

#[test]
fn curves_are_drawn_as_recorded() {
    let svg = figure("Effects against noise", Width::Column, vec![Content::Curves(curves())]).svg().unwrap();
    assert_recorded("curves.svg", &svg);
    assert_readable("curves", &svg);
    let text = text_of(&svg);
    assert!(text.contains("10⁻⁶") && text.contains("10⁶") && text.contains("published: 18.7 %"), "{text}");
    // Three bands, 36 points and three more in the legend.
    assert_eq!(svg.matches("<polygon").count(), 3 + 36 + 3);
}

#[test]
fn bars_are_drawn_as_recorded() {
    let svg = figure("Severed", Width::Column, vec![Content::Bars(layers(6))]).svg().unwrap();
    assert_recorded("bars.svg", &svg);
    let svg = figure("Classes", Width::Column, vec![Content::Bars(classes())]).svg().unwrap();
    assert_recorded("bars_named.svg", &svg);
}

#[test]
fn all_charts_can_be_read() {
    for n_layers in [1, 2, 12, 48, 126] {
        let svg = figure("Severed", Width::Page, vec![Content::Bars(layers(n_layers))]).svg().unwrap();
        assert_readable(&format!("{n_layers} layers"), &svg);
        assert_eq!(svg.matches("<polygon").count(), 3 * n_layers + 3);
    }
    let beside = vec![Content::Bars(classes()), Content::Bars(positions()), Content::Curves(curves())];
    let figure = figure("Charts", Width::Page, beside);
    assert_readable("charts", &figure.svg().unwrap());
    assert_eq!(figure.pdf().unwrap(), figure.pdf().unwrap());
    figure.png(100.0).unwrap();
}

#[test]
fn values_stand_over_few_bars_only() {
    let text = |bars: Bars, width| text_of(&figure("", width, vec![Content::Bars(bars)]).svg().unwrap());
    assert!(text(classes(), Width::Column).contains("41 %"));
    let positions = positions();
    assert!(text(positions.clone(), Width::Page).contains("−0.020"));
    assert!(!text(positions, Width::Column).contains("−0.020"), "bars too narrow for their values");
    assert!(!text(layers(5), Width::Page).contains("0.046"), "fifteen bars");
}

#[test]
fn missing_values_break_a_curve() {
    let mut curves = curves();
    curves.series.truncate(1);
    curves.series[0].points[4].y = f64::NAN;
    curves.series[0].points[4].interval = Some([f64::NAN; 2]);
    let svg = figure("", Width::Column, vec![Content::Curves(curves)]).svg().unwrap();
    // Two lines, one in the legend, and the reference.
    assert_eq!(svg.matches("<polyline").count(), 2 + 1 + 1);
    assert_eq!(svg.matches("<polygon").count(), 2 + 11 + 1);
}

#[test]
fn single_points_have_whiskers() {
    let mut curves = curves();
    curves.axis.is_logarithmic = false;
    curves.series.truncate(1);
    curves.series[0].is_joined = false;
    let svg = figure("", Width::Column, vec![Content::Curves(curves)]).svg().unwrap();
    assert_eq!(svg.matches("<polyline").count(), 12 + 1);
    assert_readable("points", &svg);
}

#[test]
fn charts_that_cannot_be_drawn_are_refused() {
    let problem = |content| match figure("", Width::Column, vec![content]).svg() {
        Err(FigureError::Panel { problem, .. }) => problem,
        other => unreachable!("{other:?}"),
    };
    let curves_with = |edit: fn(&mut Curves)| {
        let mut curves = curves();
        edit(&mut curves);
        problem(Content::Curves(curves))
    };
    assert_eq!(curves_with(|curves| curves.series.clear()), PanelProblem::Empty { what: "curves" });
    assert_eq!(
        curves_with(|curves| curves.series[1].points[0].x = 0.0),
        PanelProblem::NotPositive { value: 0.0 }
    );
    assert!(matches!(curves_with(|curves| curves.high = curves.low), PanelProblem::Limits { .. }));
    let infinite = curves_with(|curves| curves.series[0].points[2].y = f64::INFINITY);
    assert_eq!(infinite.to_string(), "has inf as the value at 0.01: it must be finite");
    let bars_with = |edit: fn(&mut Bars)| {
        let mut bars = positions();
        edit(&mut bars);
        problem(Content::Bars(bars))
    };
    assert_eq!(
        bars_with(|bars| bars.low = 0.1).to_string(),
        "has bars on an axis from 0.1 to 0.4: it must hold 0"
    );
    assert!(matches!(bars_with(|bars| bars.series[0].values.push(0.0)), PanelProblem::Count { .. }));
    assert!(matches!(bars_with(|bars| bars.series.clear()), PanelProblem::Empty { what: "bars" }));
}
