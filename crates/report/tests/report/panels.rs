//! Figures of results folders: what they say, that all of it can be read, and that bad data are refused.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p causal-trace-report` records the SVG files anew: look at them before keeping
//! them.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use crate::common::{LONG_SUBJECT, SHORT, SPACE_NEEDLE, long};
use crate::data::{manifest, record, summary, traced};
use crate::figures::assert_recorded;
use crate::page::assert_readable;
use causal_trace_core::{Component, Direction, Metric};
use causal_trace_report::figures::{
    MapStyle, Measure, PromptSide, Statistic, SummarySide, average, gallery, lines, peaks, prompt,
    prompt_figures, prompts_side_by_side, repeated, standard, summaries_side_by_side,
};
use causal_trace_report::{Content, Figure, FigureError};
use causal_trace_results::{Outcome, PromptRecord, Skip, SkipReason};

const ALL: [Component; 3] = Component::ROME;

pub(crate) fn text_of(svg: &str) -> String {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text()).collect::<Vec<_>>().join("\n")
}

#[test]
fn averages_are_drawn_as_recorded() {
    let (manifest, summary) = (manifest("demo", 8), summary("demo", 8, &ALL, true));
    let figure =
        |measure, statistic| average(&manifest, &summary, measure, statistic).unwrap().svg().unwrap();
    assert_recorded("average.svg", &figure(Measure::IndirectEffect, Statistic::Average));
    assert_recorded("average_pi.svg", &figure(Measure::PercentImprovement, Statistic::Average));
}

#[test]
fn lines_and_peaks_are_drawn_as_recorded() {
    let (manifest, summary) = (manifest("demo", 8), summary("demo", 8, &ALL, true));
    assert_recorded("lines.svg", &lines(&manifest, &summary).unwrap().svg().unwrap());
    assert_recorded("peaks.svg", &peaks(&manifest, &summary).unwrap().svg().unwrap());
}

#[test]
fn one_prompt_is_drawn_as_recorded() {
    let (manifest, record) = (manifest("demo", 8), record(&SHORT, 0..2, 8));
    let figure = |style| {
        let figure = prompt(
            &manifest,
            &record,
            Component::Residual,
            Metric::Probability,
            Measure::IndirectEffect,
            style,
        );
        figure.unwrap().svg().unwrap()
    };
    assert_recorded("prompt_diverging.svg", &figure(MapStyle::Diverging));
    assert_recorded("prompt_cutoff.svg", &figure(MapStyle::Cutoff));
    assert_recorded(
        "repeated.svg",
        &repeated(&manifest, &record, Metric::Probability).unwrap()[1].1.svg().unwrap(),
    );
}

/// All kinds of figures of one folder.
fn all_kinds(
    model: &str,
    n_layers: usize,
    components: &[Component],
    has_empty_role: bool,
) -> Vec<(String, Figure)> {
    let (made, averages) = (manifest(model, n_layers), summary(model, n_layers, components, has_empty_role));
    let mut fewest = averages.clone();
    fewest.prompts = 20;
    let mut all = standard(&made, &averages, Some(&fewest), Some(&averages)).unwrap();
    for (tokens, subject) in [(SPACE_NEEDLE.to_vec(), 0..4), (long(), LONG_SUBJECT), (vec![" Rome"], 0..1)] {
        let mut record = record(&tokens, subject, n_layers);
        traced(&mut record).grids.retain(|grid| components.contains(&grid.component));
        all.extend(prompt_figures(&made, &record, Metric::Probability).unwrap());
        all.extend(repeated(&made, &record, Metric::Probability).unwrap());
    }
    all
}

#[test]
fn everything_can_be_read_whatever_the_model() {
    for (n_layers, components) in
        [(1, &ALL[..]), (12, &ALL[..1]), (28, &ALL[1..]), (48, &ALL[..]), (126, &ALL[..])]
    {
        for has_empty_role in [false, true] {
            for (stem, figure) in all_kinds("gpt2-xl", n_layers, components, has_empty_role) {
                assert_readable(&format!("{stem}, {n_layers} layers"), &figure.svg().unwrap());
            }
        }
    }
}

#[test]
fn small_and_huge_numbers_can_be_read() {
    for factor in [0.0, -1.0, 1e-9, 1e9] {
        let (made, mut averages) = (manifest("demo", 12), summary("demo", 12, &ALL, false));
        let mut record = record(&SPACE_NEEDLE, 0..4, 12);
        for of in averages.components.values_mut() {
            for table in [
                &mut of.average_indirect_effect,
                &mut of.average_percent_improvement,
                &mut of.ci95_low,
                &mut of.ci95_high,
            ] {
                table.iter_mut().flatten().for_each(|value| *value *= factor);
            }
        }
        for grid in &mut traced(&mut record).grids {
            grid.indirect_effect.iter_mut().for_each(|value| *value *= factor);
            grid.percent_improvement.iter_mut().for_each(|value| *value *= factor);
        }
        let figures = standard(&made, &averages, None, None).unwrap();
        for (stem, figure) in
            figures.into_iter().chain(prompt_figures(&made, &record, Metric::Probability).unwrap())
        {
            assert_readable(&format!("{stem} times {factor}"), &figure.svg().unwrap());
            figure.pdf().unwrap();
        }
    }
}

#[test]
fn the_stems_name_every_figure_once() {
    let stems: Vec<String> = all_kinds("demo", 2, &ALL, false).into_iter().map(|(stem, _)| stem).collect();
    let expected = [
        "average-indirect-effect",
        "sd-indirect-effect",
        "average-percent-improvement",
        "sd-percent-improvement",
        "lines",
        "peaks",
        "role-peaks",
        "wrong-direction",
        "fewest-and-most-tokens",
        "prompt-12-ie",
        "prompt-12-residual-ie",
        "prompt-12-residual-ie-diverging",
        "prompt-12-residual-ie-cutoff",
    ];
    assert_eq!(stems[..expected.len()], expected);
    // The three prompts of the made-up folder have one number.
    let per_prompt = 2 * (1 + 3 * 3) + 3;
    assert_eq!(stems.len(), 9 + 3 * per_prompt);
    let mut distinct = stems[..9 + per_prompt].to_vec();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 9 + per_prompt);
}

#[test]
fn every_figure_says_what_made_it() {
    for (stem, figure) in all_kinds("some/model", 4, &ALL, true) {
        let svg = figure.svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts = |name: &str| -> String {
            let nodes = document.descendants().filter(|node| node.tag_name().name() == name);
            nodes.filter_map(|node| node.text()).collect()
        };
        let small_print = text_of(&svg).replace('\n', " ");
        assert!(texts("source").starts_with("some/model, "), "{stem}");
        assert!(texts("creator").starts_with("causal-trace 0.1.0"), "{stem}");
        for expected in
            ["known_1000.json (sample 120 seed 1)", "Gaussian noise 0.1338 (s3)", "10 samples, seed 1", "f32"]
        {
            assert!(texts("description").contains(expected), "{stem}: {expected}");
            assert!(texts("desc").contains(expected), "{stem}: {expected}");
            assert!(small_print.contains(expected), "{stem}: {expected} is not in {small_print}");
        }
    }
}

#[test]
fn pdf_and_png_say_what_made_them() {
    let (manifest, summary) = (manifest("some/model", 4), summary("some/model", 4, &ALL, false));
    let figure = lines(&manifest, &summary).unwrap();
    let png = figure.png(100.0).unwrap();
    let reader = png::Decoder::new(Cursor::new(&png)).read_info().unwrap();
    let texts: Vec<(String, String)> =
        reader.info().utf8_text.iter().map(|text| (text.keyword.clone(), text.get_text().unwrap())).collect();
    let value = |keyword: &str| &texts.iter().find(|text| text.0 == keyword).unwrap().1;
    assert!(value("Title").starts_with("Average indirect effect of restoring states"));
    assert!(value("Description").contains("some/model, 120 prompts; known_1000.json"));
    assert_eq!(value("Software"), "causal-trace 0.1.0");
    let pdf = figure.pdf().unwrap();
    let contains = |part: &[u8]| pdf.windows(part.len()).any(|window| window == part);
    assert!(contains(b"some/model, 120 prompts") && !contains(b"CreationDate"));
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    for (_, figure) in all_kinds("demo", 4, &ALL, true).into_iter().take(9) {
        assert_eq!(figure.svg(), figure.svg());
        assert_eq!(figure.pdf(), figure.pdf());
        assert_eq!(figure.png(100.0), figure.png(100.0));
    }
}

#[test]
fn cells_without_tokens_are_hatched_and_explained() {
    let made = manifest("demo", 8);
    let drawn = |has_empty_role: bool| {
        let summary = summary("demo", 8, &ALL, has_empty_role);
        average(&made, &summary, Measure::IndirectEffect, Statistic::Average).unwrap().svg().unwrap()
    };
    assert!(text_of(&drawn(true)).contains("hatched: no token has this role"));
    assert!(drawn(true).contains("#b5b5b5") && !drawn(false).contains("#b5b5b5"));
    assert!(!text_of(&drawn(false)).contains("hatched"));
    let figure = lines(&made, &summary("demo", 8, &ALL, true)).unwrap().svg().unwrap();
    // Five lines, no sixth, in each of three panels; six in the legend.
    assert_eq!(figure.matches("<polygon").count(), 3 * 5);
    assert_eq!(figure.matches("<polyline").count(), 3 * 5 + 6);
}

#[test]
fn the_cutoff_hides_negative_effects_and_says_so() {
    let (made, mut record) = (manifest("demo", 8), record(&SHORT, 0..2, 8));
    traced(&mut record).grids[0].indirect_effect[0] = -0.9;
    let figure = |style| {
        let figure =
            prompt(&made, &record, Component::Residual, Metric::Probability, Measure::IndirectEffect, style)
                .unwrap();
        figure.svg().unwrap()
    };
    assert!(text_of(&figure(MapStyle::Cutoff)).contains("≤0"));
    assert!(text_of(&figure(MapStyle::Cutoff)).contains("0 cutoff: effects below 0 are drawn as 0"));
    assert!(text_of(&figure(MapStyle::Plain)).contains("−0."));
    // The first cell is the bluest, and there is no other.
    let diverging = figure(MapStyle::Diverging);
    let first = diverging.lines().find(|line| line.starts_with("<rect")).unwrap();
    assert!(first.contains("#053061"), "{first}");
}

#[test]
fn noising_darkens_towards_the_most_negative_effect() {
    let (mut made, mut record) = (manifest("demo", 8), record(&SHORT, 0..2, 8));
    made.settings.direction = Direction::Noise;
    let grid = &mut traced(&mut record).grids[0];
    grid.indirect_effect.iter_mut().for_each(|value| *value = -value.abs());
    grid.indirect_effect[0] = -0.95;
    for style in [MapStyle::Plain, MapStyle::Cutoff] {
        let figure =
            prompt(&made, &record, Component::Residual, Metric::Probability, Measure::IndirectEffect, style)
                .unwrap();
        let svg = figure.svg().unwrap();
        assert!(svg.lines().find(|line| line.starts_with("<rect")).unwrap().contains("#3f007d"));
        assert_eq!(figure.title, "Indirect effect of corrupting a state");
        assert_readable("noise", &svg);
    }
}

#[test]
fn counts_stand_in_the_cells_where_they_fit() {
    let numbers = |n_layers: usize| {
        let (manifest, summary) = (manifest("demo", n_layers), summary("demo", n_layers, &ALL, false));
        let svg = peaks(&manifest, &summary).unwrap().svg().unwrap();
        // Nothing else is white on dark.
        svg.matches("fill=\"#ffffff\">").count()
    };
    assert!(numbers(8) > 0);
    assert_eq!(numbers(126), 0);
}

#[test]
fn all_three_components_have_one_vertical_axis() {
    let figure = lines(&manifest("demo", 8), &summary("demo", 8, &ALL, false)).unwrap();
    let limits: Vec<(f64, f64)> = figure
        .panels
        .iter()
        .map(|panel| match &panel.content {
            Content::Lines(lines) => (lines.low, lines.high),
            _ => unreachable!("lines are no maps"),
        })
        .collect();
    assert_eq!(limits.len(), 3);
    assert!(limits.iter().all(|limit| *limit == limits[0]) && limits[0].0 < 0.0 && limits[0].1 > 0.2);
}

#[test]
fn sides_share_the_scale_of_each_row() {
    let (one, other) = (manifest("gpt2-xl", 48), manifest("gpt-j", 28));
    let (mut left, right) = (summary("gpt2-xl", 48, &ALL, false), summary("gpt-j", 28, &ALL[..2], false));
    left.components.values_mut().for_each(|of| of.average_indirect_effect[5][47] = 0.6);
    let sides = [
        SummarySide { name: "gpt2-xl", manifest: &one, summary: &left },
        SummarySide { name: "gpt-j", manifest: &other, summary: &right },
    ];
    let figure = summaries_side_by_side("Two models", &sides).unwrap();
    assert_eq!(figure.panels.len(), 4);
    for pair in figure.panels.chunks(2) {
        match (&pair[0].content, &pair[1].content) {
            (Content::Map(left), Content::Map(right)) => {
                assert_eq!(left.scale, right.scale);
                assert_eq!((left.scale.dark, left.n_layers, right.n_layers), (0.6, 48, 28));
            }
            _ => unreachable!("sides are maps"),
        }
    }
    assert_readable("two models", &figure.svg().unwrap());
    let text = text_of(&figure.svg().unwrap()).replace('\n', " ");
    assert!(text.contains("gpt2-xl, 120 prompts; gpt-j, 120 prompts; known_1000.json"), "{text}");
}

#[test]
fn one_prompt_of_two_models_may_have_different_tokens() {
    let (one, other) = (manifest("gpt2-xl", 48), manifest("llama", 28));
    let left = record(&SPACE_NEEDLE, 0..4, 48);
    let mut right =
        record(&["The", " Space", " Needle", " is", " in", " downtown", " the", " city"], 0..3, 28);
    right.fact.prompt.clone_from(&left.fact.prompt);
    let draw = |right: &PromptRecord, measure| {
        let sides =
            [PromptSide { manifest: &one, record: &left }, PromptSide { manifest: &other, record: right }];
        prompts_side_by_side(&sides, Metric::Probability, measure, MapStyle::Plain)
    };
    for measure in Measure::ALL {
        let figure = draw(&right, measure).unwrap();
        assert_eq!(figure.panels.len(), 6);
        let svg = figure.svg().unwrap();
        assert_readable("two models, one prompt", &svg);
        assert!(text_of(&svg).contains("Needle*") && text_of(&svg).contains("Need*"));
    }
    right.fact.prompt.push('?');
    let error = draw(&right, Measure::IndirectEffect).unwrap_err();
    assert_eq!(error.to_string(), "gpt2-xl and llama cannot stand side by side: they differ in their prompt");
}

#[test]
fn draws_are_averaged_at_the_strongest_token() {
    let figures = repeated(&manifest("demo", 8), &record(&SHORT, 0..2, 8), Metric::Probability).unwrap();
    let panel = &figures[0].1.panels[2];
    assert!(panel.title.contains("\"by\" (token 4)"), "{}", panel.title);
    let Content::Lines(lines) = &panel.content else { unreachable!("draws are lines") };
    assert_eq!(lines.series.len(), 4 + 1);
    for layer in 0..8 {
        let mean: f64 = lines.series[..4].iter().map(|series| series.values[layer]).sum::<f64>() / 4.0;
        assert!((mean - lines.series[4].values[layer]).abs() < 1e-12);
    }
    let Content::Map(deviation) = &figures[0].1.panels[1].content else {
        unreachable!("deviations are a map")
    };
    // Four draws of 0.6, 0.85, 1.1 and 1.35 times the effect at the last token: deviation 0.3227 of it.
    let effect = lines.series[4].values[7] / 0.975;
    assert!((deviation.values[4 * 8 + 7] - 0.32275 * effect).abs() < 1e-4);
}

#[test]
fn a_gallery_holds_every_traced_prompt() {
    let made = manifest("demo", 12);
    let mut records: Vec<_> = (0..9).map(|_| record(&SPACE_NEEDLE, 0..4, 12)).collect();
    records[3].outcome =
        Outcome::Skipped(Skip { reason: SkipReason::WrongPrediction, detail: "another city".to_owned() });
    records[4].fact.prompt = "</title><script>alert(1)</script> & \u{1b}\"".to_owned();
    let gallery =
        gallery(&made, &records, Metric::Probability, Measure::IndirectEffect, MapStyle::Plain).unwrap();
    assert_eq!(gallery.figures.len(), 8);
    let html = gallery.html().unwrap();
    assert_eq!(html, gallery.html().unwrap());
    assert_eq!(html.matches("<figure>").count(), 8);
    assert!(!html.contains("<script") && !html.contains('\u{1b}'));
    for svg in html.split("<figure>\n").skip(1) {
        let svg = svg.split("</figure>").next().unwrap();
        roxmltree::Document::parse(svg).unwrap();
        assert!(svg.len() < 60_000, "{} bytes", svg.len());
        assert!(svg.contains("10 samples, seed 1"), "the metadata say what made it");
    }
    // Once for all of them in the header's text.
    assert_eq!(html.matches("<p>demo, 8 prompts; known_1000.json").count(), 1);
    let pdf = gallery.pdf().unwrap();
    assert_eq!(pdf, gallery.pdf().unwrap());
    let empty = causal_trace_report::figures::gallery(
        &made,
        &records[3..4],
        Metric::Probability,
        Measure::IndirectEffect,
        MapStyle::Plain,
    );
    assert_eq!(empty.unwrap().html(), Err(FigureError::NoFigures));
}

/// What pdftotext finds in a file, or nothing where it is not installed.
fn pdf_text(name: &str, pdf: &[u8]) -> Option<String> {
    if Command::new("pdftotext").arg("-v").output().is_err() {
        return None;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, pdf).unwrap();
    let output =
        Command::new("pdftotext").args(["-layout".as_ref(), path.as_os_str(), "-".as_ref()]).output();
    Some(String::from_utf8(output.unwrap().stdout).unwrap())
}

#[test]
fn the_pdfs_text_can_be_copied() {
    let (made, averages) = (manifest("demo", 12), summary("demo", 12, &ALL, true));
    let Some(text) = pdf_text("lines.pdf", &lines(&made, &averages).unwrap().pdf().unwrap()) else {
        println!("skipped: pdftotext (poppler-utils) is not installed");
        return;
    };
    for expected in
        ["AIE (probability)", "last subject token (118)", "bootstrap intervals", "demo, 120 prompts"]
    {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let records: Vec<_> = (0..9).map(|_| record(&SPACE_NEEDLE, 0..4, 12)).collect();
    let gallery =
        gallery(&made, &records, Metric::Probability, Measure::PercentImprovement, MapStyle::Diverging)
            .unwrap();
    let Some(text) = pdf_text("gallery.pdf", &gallery.pdf().unwrap()) else { return };
    for expected in
        ["demo: percent improvement", "1 of 3", "3 of 3", "p(Seattle) = 0.923", "seed 1", "PI (%)"]
    {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert_eq!(text.matches("The Space Needle is in downtown the city").count(), 9);
}
