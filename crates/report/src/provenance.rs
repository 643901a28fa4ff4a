//! What made the numbers of a figure.

pub(crate) mod corruption;

use causal_trace_core::{Component, Direction};
use causal_trace_results::{FactsIdentity, Manifest, Target};

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
            settings: parts(manifest).join(", "),
            program: manifest.program.clone(),
        }
    }

    /// Which facts, as its settings begin: the file's name without its folders, and how facts were chosen from it.
    #[must_use]
    pub fn facts(identity: &FactsIdentity) -> String {
        facts(identity)
    }

    /// That of several folders which differ in what an axis shows: what they agree in is said once, and `varying` says
    /// where the rest is shown. None for no folders.
    pub(crate) fn shared(made: &[(&Manifest, usize)], varying: &str) -> Option<Self> {
        let (first, _) = made.first()?;
        let mut models: Vec<&str> = made.iter().map(|(manifest, _)| manifest.model.name.as_str()).collect();
        models.dedup();
        let rest: Vec<Vec<String>> = made.iter().map(|(manifest, _)| parts(manifest)).collect();
        let is_shared = |part: &String| rest.iter().all(|parts| parts.contains(part));
        let (mut shared, differing): (Vec<_>, Vec<_>) = parts(first).into_iter().partition(is_shared);
        if !differing.is_empty() {
            shared.push(varying.to_owned());
        }
        Some(Provenance {
            model: models.join(" and "),
            prompts: made.iter().map(|(_, prompts)| *prompts).max()?,
            settings: shared.join(", "),
            program: first.program.clone(),
        })
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

/// Everything that a reader needs to repeat it, as far as it is known, in parts of one sentence.
fn parts(manifest: &Manifest) -> Vec<String> {
    let settings = &manifest.settings;
    let mut parts: Vec<String> = manifest.facts.iter().map(facts).collect();
    parts.push(format!("answer: {}", answer(manifest.target)));
    parts.push(patching(settings.direction).to_owned());
    let of_modules = |component: &Component| matches!(component, Component::Mlp | Component::Attention);
    if settings.components.iter().any(of_modules) {
        parts.push(format!("mlp and attn: windows of {}", layers(settings.window.width)));
    }
    if settings.residual_window.width > 1 {
        parts.push(format!("residual stream: windows of {}", layers(settings.residual_window.width)));
    }
    match &settings.corruption {
        None => parts.push("noise not recorded".to_owned()),
        Some(corruption) => {
            parts.extend(corruption::parts(corruption, settings.counterparts, settings.noise.as_ref()))
        }
    }
    parts.extend(settings.precision.clone());
    parts
}

/// Whose probability was measured.
pub(crate) fn answer(target: Target) -> &'static str {
    match target {
        Target::Predicted => "the model's own prediction",
        Target::Attribute => "the fact's attribute",
        Target::LastSubtoken => "the last token of prompt and attribute",
    }
}

/// Which states were put where.
pub(crate) fn patching(direction: Direction) -> &'static str {
    match direction {
        Direction::Denoise => "clean states restored in the corrupted run",
        Direction::Noise => "corrupted states put into the clean run",
    }
}

/// "1 layer", "10 layers".
fn layers(number: usize) -> String {
    if number == 1 { "1 layer".to_owned() } else { format!("{number} layers") }
}

/// The file's name without its folders, and how facts were chosen from it.
pub(crate) fn facts(facts: &FactsIdentity) -> String {
    let name = without_folders(&facts.name);
    if facts.selection == "all" { name.to_owned() } else { format!("{name} ({})", facts.selection) }
}

/// A file's name without its folders, which are nobody's business but its owner's.
pub(crate) fn without_folders(name: &str) -> &str {
    name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(name)
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
