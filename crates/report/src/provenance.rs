//! What made the numbers of a figure.

use causal_trace_core::{Component, Corruption, CorruptionMode, Direction, Distribution, NoiseStream};
use causal_trace_results::{FactsIdentity, Manifest, NoiseSource, Target};

use crate::label::clean;

/// What made the numbers of a figure, in words: ends its small print, and stands in the files' metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The model's name.
    pub model: String,
    /// How many prompts the figure shows.
    pub prompts: usize,
    /// Which facts, which answers, and how they were traced.
    pub settings: String,
    /// The program's name and version.
    pub program: String,
}

impl Provenance {
    /// That of a results folder, for a figure that shows so many of its prompts.
    #[must_use]
    pub fn of(manifest: &Manifest, prompts: usize) -> Self {
        Provenance {
            model: manifest.model.name.clone(),
            prompts,
            settings: settings(manifest),
            program: manifest.program.clone(),
        }
    }

    /// The model and how many prompts.
    pub(crate) fn subject(&self) -> String {
        let plural = if self.prompts == 1 { "" } else { "s" };
        format!("{}, {} prompt{plural}", clean(&self.model), self.prompts)
    }

    fn how(&self) -> String {
        format!("{}; {}", clean(&self.settings), clean(&self.program))
    }
}

/// The small print's paragraphs: one where all was made alike, else one each.
pub(crate) fn paragraphs(all: &[Provenance]) -> Vec<String> {
    let paragraph =
        |subjects: &[String], made: &Provenance| format!("{}; {}", subjects.join("; "), made.how());
    match all {
        [first, rest @ ..] if rest.iter().all(|made| made.how() == first.how()) => {
            let mut subjects: Vec<String> = all.iter().map(Provenance::subject).collect();
            subjects.dedup();
            vec![paragraph(&subjects, first)]
        }
        _ => all.iter().map(|made| paragraph(&[made.subject()], made)).collect(),
    }
}

/// Everything that a reader needs to repeat it, as far as it is known.
fn settings(manifest: &Manifest) -> String {
    let settings = &manifest.settings;
    let mut parts: Vec<String> = manifest.facts.iter().map(facts).collect();
    parts.push(
        match manifest.target {
            Target::Predicted => "answer: the model's own prediction",
            Target::Attribute => "answer: the fact's attribute",
        }
        .to_owned(),
    );
    parts.push(
        match settings.direction {
            Direction::Denoise => "clean states restored in the corrupted run",
            Direction::Noise => "corrupted states put into the clean run",
        }
        .to_owned(),
    );
    if settings.components.iter().copied().any(Component::is_windowed) {
        parts.push(format!("mlp and attn: windows of {}", layers(settings.window.width)));
    }
    match &settings.corruption {
        None => parts.push("noise not recorded".to_owned()),
        Some(corruption) => parts.extend(noise(corruption, settings.noise.as_ref())),
    }
    parts.extend(settings.precision.clone());
    parts.join(", ")
}

/// "1 layer", "10 layers".
fn layers(number: usize) -> String {
    if number == 1 { "1 layer".to_owned() } else { format!("{number} layers") }
}

/// The file's name without its folders, and how facts were chosen from it.
fn facts(facts: &FactsIdentity) -> String {
    let name = facts.name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(&facts.name);
    if facts.selection == "all" { name.to_owned() } else { format!("{name} ({})", facts.selection) }
}

fn noise(corruption: &Corruption, source: Option<&NoiseSource>) -> Vec<String> {
    let shape = match corruption.distribution {
        Distribution::Gaussian => "Gaussian",
        Distribution::Uniform => "uniform",
    };
    let level = format!("{:.4}", corruption.level);
    let level = if level.trim_matches(['0', '.']).is_empty() && corruption.level > 0.0 {
        format!("{:e}", corruption.level)
    } else {
        level.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let rule = source.map_or(String::new(), |source| format!(" ({})", source.rule));
    let place = match corruption.mode {
        CorruptionMode::Add => "added to the subject's embeddings",
        CorruptionMode::Replace => "in place of the subject's embeddings",
    };
    let mut parts = vec![format!("{shape} noise {level}{rule} {place}")];
    if corruption.baseline_mode != corruption.mode {
        parts.push("added to them in the corrupted run itself".to_owned());
    }
    match corruption.extra_tokens {
        0 => {}
        1 => parts.push("and to the token after them".to_owned()),
        more => parts.push(format!("and to the {more} tokens after them")),
    }
    let plural = if corruption.samples == 1 { "" } else { "s" };
    parts.push(format!("{} sample{plural}", corruption.samples));
    let stream = match corruption.stream {
        NoiseStream::Independent => "independent for every prompt",
        NoiseStream::Rome => "the same for every prompt",
    };
    parts.push(format!("seed {} ({stream})", corruption.seed));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(model: &str, prompts: usize, settings: &str) -> Provenance {
        let program = "causal-trace 0.1.0".to_owned();
        Provenance { model: model.to_owned(), prompts, settings: settings.to_owned(), program }
    }

    #[test]
    fn what_is_alike_is_said_once() {
        let [one, other] = [made("a", 5, "seed 1"), made("b", 1, "seed 1")];
        assert_eq!(paragraphs(std::slice::from_ref(&one)), ["a, 5 prompts; seed 1; causal-trace 0.1.0"]);
        assert_eq!(paragraphs(&[one.clone(), one.clone()]), ["a, 5 prompts; seed 1; causal-trace 0.1.0"]);
        assert_eq!(
            paragraphs(&[one.clone(), other]),
            ["a, 5 prompts; b, 1 prompt; seed 1; causal-trace 0.1.0"]
        );
        let different = paragraphs(&[one, made("b", 2, "seed 2")]);
        assert_eq!(different[1], "b, 2 prompts; seed 2; causal-trace 0.1.0");
        assert!(paragraphs(&[]).is_empty());
    }

    #[test]
    fn folders_are_left_out_of_file_names() {
        let identity = |name: &str, selection: &str| FactsIdentity {
            name: name.to_owned(),
            sha256: None,
            n_facts: 3,
            selection: selection.to_owned(),
        };
        assert_eq!(facts(&identity("../data/known_1000.json", "all")), "known_1000.json");
        assert_eq!(facts(&identity("C:\\a\\facts.json", "limit 3")), "facts.json (limit 3)");
        assert_eq!(facts(&identity("cases/", "all")), "cases");
    }
}
