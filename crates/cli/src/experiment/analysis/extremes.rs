//! Short prompts beside long ones.

use anyhow::Result;
use causal_trace_core::Metric;
use causal_trace_report::figures::{self, SummarySide};
use causal_trace_results::statistics::{Selection, tokens_and_effect};

use super::examples;
use crate::experiment::number::{correlation_interval, short, sizes};
use crate::experiment::outcome::Done;
use crate::experiment::section::Section;

pub(super) fn section(done: &Done, title: &str, prompts: usize) -> Result<Section> {
    let mut section = Section::new(title);
    let fewest = done.half(&Selection::LeastTokens(prompts))?;
    let most = done.half(&Selection::MostTokens(prompts))?;
    let (few, many) =
        (done.summary_of(Metric::Probability, &fewest)?, done.summary_of(Metric::Probability, &most)?);
    let names =
        [format!("{} with the fewest tokens", few.prompts), format!("{} with the most tokens", many.prompts)];
    let side = |name, summary| SummarySide { name, manifest: done.manifest(), summary };
    let sides = [side(&*names[0], &few), side(&*names[1], &many)];
    let figure = figures::summaries_side_by_side("Prompts with the fewest and with the most tokens", &sides)?;
    section.show(format!("{}/fewest-and-most-tokens", done.name), names.join(" beside "), figure);
    let component = done.component(None);
    let sizes = sizes(done, component)?;
    let view = done.view(component, Metric::Probability);
    section.show(
        format!("{}/tokens-and-effect", done.name),
        "Number of tokens and size of the effect, prompt by prompt",
        figures::prompt_sizes(done.manifest(), &sizes, view)?,
    );
    let found = tokens_and_effect(&sizes);
    for (name, pearson, spearman) in [
        ("total effect", found.pearson_total, found.spearman_total),
        ("strongest effect", found.pearson_strongest, found.spearman_strongest),
    ] {
        if let (Some(pearson), Some(spearman)) = (pearson, spearman) {
            let [low, high] = correlation_interval(spearman, found.prompts).unwrap_or([f64::NAN; 2]);
            section.findings.push(format!(
                "Over {} prompts the number of tokens correlates with the {name} at {} (Pearson) and {} [{}, {}] \
                 (Spearman).",
                found.prompts,
                short(pearson),
                short(spearman),
                short(low),
                short(high)
            ));
        }
    }
    for (select, which) in [(fewest, "fewest"), (most, "most")] {
        let folder = format!("{}-{which}-tokens", done.name);
        examples::galleries(done, &mut section, &select, &folder, 0, Metric::Probability)?;
    }
    Ok(section)
}
