//! An experiment's page: `README.md`, with the figures beside it.

use std::fmt::Write;

use anyhow::Result;
use causal_trace_core::Metric;
use causal_trace_report::{PRINT_DPI, Provenance};
use causal_trace_results::ModelIdentity;

use super::Entry;
use super::number::short;
use super::outcome::{Done, Runs};
use super::section::{Drawn, Many, Section, Table};
use super::verdict::Judged;
use crate::output_folder::OutputFolder;
use crate::printer::{Printer, shown};
use crate::progress::Counted;

/// Everything that the page holds.
pub(crate) struct Page {
    title: String,
    intro: Vec<String>,
    command: String,
    /// The experiment's file, a copy of which stands beside the page.
    file: String,
    /// The heading above the claims.
    claims: &'static str,
    judged: Vec<Judged>,
    /// The runs with what is known of them.
    runs: Table,
    settings: Vec<String>,
    sections: Vec<Section>,
    has_few_prompts: bool,
}

impl Page {
    /// Analyses the finished runs of an experiment; `command` is what made them.
    pub(crate) fn new(entry: &Entry, done: Vec<Done>, command: &str) -> Result<Self> {
        let experiment = &entry.experiment;
        let runs = Runs::new(done, |name| experiment.named(name));
        let mut sections = Vec::new();
        for (place, analysis) in experiment.analyses.iter().enumerate() {
            sections.extend(analysis.sections(&runs, &experiment.analyses[..place])?);
        }
        let counts = runs.all.iter().map(Done::n_traced).collect::<Result<Vec<_>>>()?;
        let has_few_prompts = counts.into_iter().any(|count| count < FEW);
        let judged = experiment.claims.iter().map(|claim| claim.judge(&runs)).collect();
        let about = format!("{} This is {}.", sentence(&experiment.shows), entry.whose());
        let intro = std::iter::once(about).chain(experiment.notes.iter().cloned()).collect();
        Ok(Page {
            title: experiment.title.clone(),
            intro,
            command: command.to_owned(),
            file: entry.text.clone(),
            claims: entry.claims(),
            judged,
            runs: overview(&runs)?,
            settings: settings(&runs)?,
            sections,
            has_few_prompts,
        })
    }

    /// Writes the figures and the page.
    pub(crate) fn write(&self, out: &OutputFolder, printer: &Printer) -> Result<()> {
        let figures: Vec<&Drawn> = self.sections.iter().flat_map(|section| &section.figures).collect();
        let galleries: Vec<_> = self.sections.iter().flat_map(|section| &section.galleries).collect();
        let mut progress = Counted::new(printer, "drawing", 3 * figures.len() + 2 * galleries.len());
        for Drawn { stem, figure, .. } in figures {
            out.write(&format!("figures/{stem}.svg"), figure.svg()?.as_bytes())?;
            out.write(&format!("figures/{stem}.pdf"), &figure.pdf()?)?;
            out.write(&format!("figures/{stem}.png"), &figure.png(PRINT_DPI)?)?;
            progress.done(3);
        }
        for Many { stem, gallery, .. } in galleries {
            out.write(&format!("figures/{stem}.pdf"), &gallery.pdf()?)?;
            out.write(&format!("figures/{stem}.html"), gallery.html()?.as_bytes())?;
            progress.done(2);
        }
        out.write(FILE, self.file.as_bytes())?;
        out.write("README.md", self.markdown().as_bytes())
    }

    /// The page's text.
    fn markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        // Writing to a String cannot fail, here and below.
        for paragraph in &self.intro {
            let _ = write!(text, "\n{paragraph}\n");
        }
        let _ = write!(text, "\nMade from [{FILE}]({FILE}) by\n\n    {}\n", self.command);
        if !self.judged.is_empty() {
            let _ = write!(text, "\n## {}\n\n", self.claims);
            for judged in &self.judged {
                let _ = writeln!(
                    text,
                    "- {} **{}.**",
                    sentence(&judged.says),
                    capital(&judged.verdict.to_string())
                );
                for reason in &judged.reasons {
                    let _ = writeln!(text, "  - {}", sentence(reason));
                }
            }
            let few = self.few_prompts().map_or(String::new(), |few| format!(" {few}"));
            let _ = write!(text, "\n{VERDICTS}{few}\n");
        }
        text.push_str("\n## Runs\n\n");
        text.push_str(&table(&self.runs));
        text.push('\n');
        for line in &self.settings {
            let _ = writeln!(text, "- {line}");
        }
        self.sections.iter().for_each(|section| text.push_str(&section_text(section)));
        text
    }

    /// What one must know to read the verdicts, where there are any.
    fn few_prompts(&self) -> Option<&'static str> {
        (self.has_few_prompts && !self.judged.is_empty()).then_some(FEW_PROMPTS)
    }

    /// What a person wants to know at once.
    pub(crate) fn summary(&self) -> String {
        let mut lines = vec![self.title.clone()];
        for judged in &self.judged {
            lines.push(String::new());
            lines.push(format!("{}: {}", judged.verdict, judged.says));
            lines.extend(judged.reasons.iter().map(|reason| format!("  {reason}")));
        }
        if let Some(few) = self.few_prompts() {
            lines.extend([String::new(), few.to_owned()]);
        }
        for section in self.sections.iter().filter(|section| !section.findings.is_empty()) {
            lines.push(String::new());
            lines.push(section.title.clone());
            lines.extend(section.findings.iter().map(|finding| format!("  {finding}")));
        }
        lines.iter().map(|line| shown(line)).collect::<Vec<_>>().join("\n")
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let claims = self.judged.iter().map(|judged| {
            let (says, verdict) = (&judged.says, judged.verdict.to_string());
            serde_json::json!({ "claim": says, "verdict": verdict, "reasons": judged.reasons })
        });
        let sections = self.sections.iter().map(|section| {
            let figures: Vec<String> =
                section.figures.iter().map(|figure| format!("figures/{}.png", figure.stem)).collect();
            serde_json::json!({ "title": section.title, "findings": section.findings, "figures": figures })
        });
        serde_json::json!({
            "title": self.title,
            "command": self.command,
            "claims": claims.collect::<Vec<_>>(),
            "note": self.few_prompts(),
            "sections": sections.collect::<Vec<_>>(),
        })
    }
}

/// The copy of the experiment's file.
const FILE: &str = "experiment.toml";

/// How verdicts are reached.
const VERDICTS: &str = "A claim holds here if each of its tests is clearly met; it does not hold if one is clearly \
missed; else it is open. Of two averages over the same prompts the 95 % interval of their difference must leave 0 out; of \
other numbers the two 95 % intervals, where they have any, must not overlap. The tests are in experiment.toml.";

/// Below so many prompts a percentile interval is too narrow.
const FEW: usize = 20;
const FEW_PROMPTS: &str = "With fewer than 20 prompts, as here, the intervals are too narrow, and one prompt has none: \
such verdicts say how these prompts are, not how others would be.";

/// One line for each run.
fn overview(runs: &Runs) -> Result<Table> {
    let mut table = Table::new(&[
        "run",
        "model",
        "traced",
        "left out",
        "clean p",
        "corrupted p*",
        "average total effect",
    ]);
    for done in &runs.all {
        let model = &done.manifest().model;
        let facts: usize = done.manifest().facts.iter().map(|facts| facts.n_facts).sum();
        let mut row = vec![done.name.clone(), model.name.clone()];
        match done.n_traced()? {
            0 => {
                row.extend(["0".to_owned(), done.left_out()?, "–".to_owned(), "–".to_owned(), "–".to_owned()])
            }
            n => {
                let summary = done.summary(Metric::Probability)?;
                let [low, high] = summary.ci95_total_effect;
                let left_out = if n < facts { done.left_out()? } else { String::new() };
                row.extend([
                    format!("{n} of {facts}"),
                    left_out,
                    short(summary.mean_clean),
                    short(summary.mean_corrupted),
                    format!("{} [{}, {}]", short(summary.average_total_effect), short(low), short(high)),
                ]);
            }
        }
        table.rows.push(row);
    }
    Ok(table)
}

/// The models, the settings that all runs have in common, and those of each run beside them.
fn settings(runs: &Runs) -> Result<Vec<String>> {
    let mut lines: Vec<String> = runs.all.iter().map(|done| identity(&done.manifest().model)).collect();
    lines.sort();
    lines.dedup();
    let of_run = |done: &Done| {
        let settings = Provenance::of(done.manifest(), 0).settings;
        settings.split(", ").map(str::to_owned).collect::<Vec<String>>()
    };
    let all: Vec<Vec<String>> = runs.all.iter().map(of_run).collect();
    let is_common = |part: &String| all.iter().all(|parts| parts.contains(part));
    let common: Vec<String> =
        all.first().into_iter().flatten().filter(|part| is_common(part)).cloned().collect();
    if !common.is_empty() {
        let who = if all.len() > 1 { "All runs" } else { "The run" };
        lines.push(format!("{who}: {}.", common.join(", ")));
    }
    for (done, parts) in runs.all.iter().zip(&all) {
        let own: Vec<&str> = parts.iter().filter(|part| !is_common(part)).map(String::as_str).collect();
        if !own.is_empty() {
            lines.push(format!("{}: {}.", done.name, own.join(", ")));
        }
    }
    Ok(lines)
}

fn identity(model: &ModelIdentity) -> String {
    let kind = model.model_type.as_deref().unwrap_or("unknown type");
    let width = model.d_model.map_or(String::new(), |width| format!(", width {width}"));
    let weights = model
        .weights_sha256
        .as_deref()
        .map_or(String::new(), |hash| format!(", weights {}", hash.get(..12).unwrap_or(hash)));
    format!("Model {}: {kind}, {} layers{width}{weights}.", model.name, model.n_layers)
}

fn section_text(section: &Section) -> String {
    let mut blocks = vec![format!("## {}", section.title)];
    if !section.findings.is_empty() {
        blocks.push(section.findings.iter().map(|finding| format!("- {finding}\n")).collect());
    }
    blocks.extend(section.tables.iter().map(table));
    for Drawn { stem, caption, .. } in section.figures.iter().filter(|figure| figure.group.is_none()) {
        blocks.push(format!("![{}](figures/{stem}.png)", plain(caption)));
    }
    blocks.extend(links(section));
    let text: Vec<&str> = blocks.iter().map(|block| block.trim_end()).collect();
    format!("\n{}\n", text.join("\n\n"))
}

/// What is not on the page itself, a line for each group.
fn links(section: &Section) -> Option<String> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for Drawn { stem, caption, group, .. } in &section.figures {
        let Some(group) = group else { continue };
        let link = format!("[{}](figures/{stem}.png)", plain(caption));
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, links)) => links.push(link),
            None => groups.push((group, vec![link])),
        }
    }
    let mut lines: Vec<String> = groups
        .into_iter()
        .map(|(group, links)| format!("- {}: {}\n", plain(group), links.join(", ")))
        .collect();
    lines.extend(section.galleries.iter().map(|Many { stem, caption, .. }| {
        format!("- {}: [pages](figures/{stem}.pdf), [browser](figures/{stem}.html)\n", plain(caption))
    }));
    (!lines.is_empty()).then(|| lines.concat())
}

fn table(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = vec!["---".to_owned(); table.head.len()];
    let rows: String = table.rows.iter().map(|row| line(row)).collect();
    format!("{}{}{rows}", line(&table.head), line(&rule))
}

/// Text that may stand in a link.
fn plain(text: &str) -> String {
    text.replace(['[', ']'], "").replace(['\n', '|'], " ")
}

fn sentence(text: &str) -> String {
    let text = capital(text);
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

/// The text with a capital letter first, unless it begins with the name of a file or of a thing in code.
fn capital(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default().trim_end_matches([',', '.', ':', ';']);
    if first.contains(|c: char| "._/\\".contains(c) || c.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_first_letter() {
        assert_eq!(sentence("known_1000.json has no relation"), "known_1000.json has no relation.");
        assert_eq!(sentence("mlp_severed: nothing"), "mlp_severed: nothing.");
        assert_eq!(sentence("there is an early site."), "There is an early site.");
    }
}
