//! Draws every kind of figure from a made-up results folder:
//! `cargo run --release -p causal-trace-report --example figures -- DIR`.

#[path = "../tests/report/common.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod common;
#[path = "../tests/report/data.rs"]
mod data;
#[path = "../tests/report/experiments.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use more of it, and may panic")]
mod experiments;

use std::path::PathBuf;
use std::{env, error, fs};

use causal_trace_core::{Component, Metric};
use causal_trace_report::figures::{
    MapStyle, Measure, PromptSide, SummarySide, gallery, prompt_figures, prompts_side_by_side, repeated,
    standard, summaries_side_by_side,
};
use causal_trace_report::{Figure, PRINT_DPI};

fn main() -> Result<(), Box<dyn error::Error>> {
    let dir = PathBuf::from(env::args().nth(1).ok_or("give a folder to write to")?);
    fs::create_dir_all(&dir)?;
    let (manifest, other) = (data::manifest("one-model", 24), data::manifest("other-model", 12));
    let summary = data::summary("one-model", 24, &Component::ROME, true);
    let record = data::record(&common::SPACE_NEEDLE, 0..4, 24);
    let mut figures = standard(&manifest, &summary, Some(&summary), Some(&summary))?;
    figures.extend(prompt_figures(&manifest, &record, Metric::Probability)?);
    figures.extend(repeated(&manifest, &record, Metric::Probability)?);

    let other_summary = data::summary("other-model", 12, &Component::ROME, false);
    let sides = [
        SummarySide { name: "one-model", manifest: &manifest, summary: &summary },
        SummarySide { name: "other-model", manifest: &other, summary: &other_summary },
    ];
    figures.push(("two-models".to_owned(), summaries_side_by_side("Two models", &sides)?));
    let other_record = data::record(&common::SPACE_NEEDLE, 0..4, 12);
    let sides = [
        PromptSide { manifest: &manifest, record: &record },
        PromptSide { manifest: &other, record: &other_record },
    ];
    let figure =
        prompts_side_by_side(&sides, Metric::Probability, Measure::PercentImprovement, MapStyle::Diverging)?;
    figures.push(("two-models-one-prompt".to_owned(), figure));
    for (stem, figure) in &figures {
        write(&dir.join(stem), figure)?;
    }
    for (stem, figure) in experiments::of_experiments("one-model", 24) {
        write(&dir.join(stem), &figure)?;
    }
    let records = vec![record; 9];
    let gallery =
        gallery(&manifest, &records, Metric::Probability, Measure::IndirectEffect, MapStyle::Plain)?;
    fs::write(dir.join("gallery.pdf"), gallery.pdf()?)?;
    fs::write(dir.join("gallery.html"), gallery.html()?)?;
    Ok(())
}

fn write(path: &std::path::Path, figure: &Figure) -> Result<(), Box<dyn error::Error>> {
    fs::write(path.with_extension("svg"), figure.svg()?)?;
    fs::write(path.with_extension("pdf"), figure.pdf()?)?;
    fs::write(path.with_extension("png"), figure.png(PRINT_DPI)?)?;
    Ok(())
}
