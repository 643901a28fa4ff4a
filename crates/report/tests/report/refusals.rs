//! Results that cannot be drawn, and what is said of them.

use std::io::Cursor;

use causal_trace_core::{Component, Metric};
use causal_trace_report::figures::{
    MapStyle, Measure, Statistic, SummarySide, average, lines, overview, peaks, prompt, repeated, standard,
    summaries_side_by_side, wrong_direction,
};
use causal_trace_report::{FigureError, PRINT_DPI, PanelProblem};
use causal_trace_results::{Outcome, Skip, SkipReason};

use crate::common::SHORT;
use crate::data::{EMPTY_ROLE, manifest, record, summary, traced};
use crate::panels::text_of;

const ALL: [Component; 3] = Component::ROME;

#[test]
fn summaries_without_content_are_refused() {
    let made = manifest("demo", 8);
    let mut none = summary("demo", 8, &ALL, false);
    none.prompts = 0;
    assert!(matches!(standard(&made, &none, None, None), Err(FigureError::NoPrompts { .. })));
    let empty = summary("demo", 8, &[], false);
    assert!(matches!(lines(&made, &empty), Err(FigureError::NoComponents { .. })));
    assert!(matches!(peaks(&made, &empty), Err(FigureError::NoComponents { .. })));
    let sides = [
        SummarySide { name: "a", manifest: &made, summary: &summary("a", 8, &ALL[..1], false) },
        SummarySide { name: "b", manifest: &made, summary: &summary("b", 8, &ALL[1..], false) },
    ];
    let error = summaries_side_by_side("", &sides).unwrap_err();
    assert_eq!(error.to_string(), "there is no component to draw: a and b have none in common");
}

#[test]
fn tables_of_the_wrong_size_are_refused() {
    let made = manifest("demo", 8);
    let broken = |edit: fn(&mut causal_trace_results::statistics::ComponentSummary)| {
        let mut summary = summary("demo", 8, &ALL, false);
        summary.components.values_mut().for_each(edit);
        summary
    };
    let short = broken(|of| {
        of.average_indirect_effect[EMPTY_ROLE].pop();
    });
    let error = average(&made, &short, Measure::IndirectEffect, Statistic::Average).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the summary's average_indirect_effect of residual is not a table of 6 roles and 8 layers"
    );
    let few = broken(|of| {
        of.peaks.pop();
    });
    assert!(matches!(peaks(&made, &few), Err(FigureError::RoleTable { table: "peaks", .. })));
    let infinite = broken(|of| of.wrong_direction_share[0][3] = f64::INFINITY);
    let error = wrong_direction(&made, &infinite).unwrap_err();
    assert!(matches!(
        error,
        FigureError::Panel { problem: PanelProblem::Infinite { row: 0, layer: 3, .. }, .. }
    ));
    let band = broken(|of| of.ci95_low = Vec::new());
    assert!(matches!(lines(&made, &band), Err(FigureError::RoleTable { table: "ci95_low", .. })));
}

#[test]
fn prompts_that_cannot_be_drawn_are_refused() {
    let made = manifest("demo", 8);
    let whole = record(&SHORT, 0..2, 8);
    let draw = |record: &_| {
        overview(&made, record, Metric::Probability, Measure::IndirectEffect, MapStyle::Plain).unwrap_err()
    };
    let mut skipped = whole.clone();
    skipped.outcome = Outcome::Skipped(Skip { reason: SkipReason::TooLong, detail: String::new() });
    assert_eq!(draw(&skipped), FigureError::NotTraced { id: 12, reason: "too_long" });
    let mut not_a_number = whole.clone();
    traced(&mut not_a_number).grids[1].indirect_effect[9] = f64::NAN;
    assert_eq!(
        draw(&not_a_number).to_string(),
        "panel 'MLP' of the figure has no value in row 1, layer 1: every value must be a finite number"
    );
    let mut tokens = whole.clone();
    tokens.tokens.push(" extra".to_owned());
    assert!(matches!(
        draw(&tokens),
        FigureError::Panel { problem: PanelProblem::Count { found: 40, expected: 48, .. }, .. }
    ));
    let mut subject = whole.clone();
    subject.subject = Some((3..9).into());
    assert_eq!(draw(&subject), FigureError::NoSubject { id: 12 });
    let mut unknown = whole.clone();
    unknown.subject = None;
    assert!(overview(&made, &unknown, Metric::Probability, Measure::IndirectEffect, MapStyle::Plain).is_ok());
    let mut means_only = whole.clone();
    traced(&mut means_only).grids.iter_mut().for_each(|grid| grid.samples.clear());
    let error = repeated(&made, &means_only, Metric::Probability).unwrap_err();
    assert!(matches!(error, FigureError::Samples { patched: 0, corrupted: 4, .. }));
    let mut residual_only = whole;
    traced(&mut residual_only).grids.truncate(1);
    let error = prompt(
        &made,
        &residual_only,
        Component::Mlp,
        Metric::Probability,
        Measure::IndirectEffect,
        MapStyle::Plain,
    )
    .unwrap_err();
    assert_eq!(error, FigureError::NoComponent { id: 12, component: Component::Mlp });
}

#[test]
fn imported_folders_say_that_the_noise_is_not_known() {
    let mut made = manifest("gpt2-xl", 4);
    made.settings.corruption = None;
    made.settings.noise = None;
    let figure = lines(&made, &summary("gpt2-xl", 4, &ALL, false)).unwrap().svg().unwrap();
    assert!(text_of(&figure).replace('\n', " ").contains("noise not recorded"));
}

#[test]
fn resolutions_out_of_reach_are_refused_for_panels_too() {
    let figure = lines(&manifest("demo", 4), &summary("demo", 4, &ALL, false)).unwrap();
    assert!(matches!(figure.png(1e9), Err(FigureError::Resolution { .. })));
    let png = figure.png(PRINT_DPI).unwrap();
    let width = png::Decoder::new(Cursor::new(&png)).read_info().unwrap().info().width;
    // 174 mm.
    assert_eq!(width, (493.0_f32 * 300.0 / 72.0).round() as u32);
}
