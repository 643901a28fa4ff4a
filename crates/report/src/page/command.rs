//! The command line that repeats a sweep.

use std::borrow::Cow;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Engine, Method, Metric, NoiseStream, Population,
    RoleConvention, Spread, Window,
};
use causal_trace_results::{Counterparts, FactsIdentity, Manifest, Settings, Target};

use crate::provenance::without_folders;

/// What a sweep takes where nothing else is said.
const USUAL_MODEL: &str = "demo";
const USUAL_NOISE: &str = "s3";
const USUAL_SAMPLES: usize = 10;
const USUAL_SEED: u64 = 1;

/// The `sweep` that gives the same numbers, with the options that are not the usual ones; of merged folders one for each
/// of their fact files, and the `merge`. None where a manifest does not tell how the cases were made, or where no option
/// selects its facts.
///
/// Files are named without their folders, which are not part of a manifest or only those of one machine.
pub(super) fn command(manifest: &Manifest, name: &str) -> Option<String> {
    let settings = &manifest.settings;
    let corruption = settings.corruption.as_ref().filter(|_| settings.engine.is_some())?;
    if !manifest.facts.iter().all(is_selectable) {
        return None;
    }
    let sweep = |facts: &FactsIdentity, out: &str| {
        let mut line = Line::new("causal-trace sweep");
        line.option("--model", Some(manifest.model.name.as_str()).filter(|&model| model != USUAL_MODEL));
        line.facts(facts);
        line.settings(settings, corruption);
        line.targets(manifest.target, settings.roles);
        line.option("--out", Some(out));
        line.0
    };
    if let [facts] = &manifest.facts[..] {
        return Some(sweep(facts, name));
    }
    let outs: Vec<String> = (1..=manifest.facts.len()).map(|number| format!("{name}-{number}")).collect();
    let mut lines: Vec<String> =
        manifest.facts.iter().zip(&outs).map(|(facts, out)| sweep(facts, out)).collect();
    let mut merge = Line::new("causal-trace merge");
    outs.iter().for_each(|out| merge.word(out));
    merge.option("--out", Some(name));
    lines.push(merge.0);
    Some(lines.join("\n"))
}

/// Whether options of `sweep` select these facts.
fn is_selectable(facts: &FactsIdentity) -> bool {
    let words: Vec<&str> = facts.selection.split(' ').collect();
    matches!(words[..], ["all"] | ["limit" | "ids", _] | ["sample", _, "seed", _])
}

/// A text as one word of a shell; lists, numbers and paths need no quotes.
///
/// A NUL character stays as it is, though no shell takes it.
#[must_use]
pub fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.,/=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    shlex::Quoter::new().allow_nul(true).quote(text).unwrap_or(Cow::Borrowed(text))
}

/// A command line in the making.
struct Line(String);

impl Line {
    fn new(command: &str) -> Self {
        Line(command.to_owned())
    }

    fn word(&mut self, word: &str) {
        self.0.push(' ');
        self.0.push_str(&quoted(word));
    }

    /// An option and its value, where it has one.
    fn option(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        if value.starts_with('-') {
            // Else it would be taken for another option.
            self.word(&format!("{name}={value}"));
        } else {
            self.word(name);
            self.word(value);
        }
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.word(name);
        }
    }

    /// A number that is not the usual one.
    fn number(&mut self, name: &str, value: u64, usual: u64) {
        self.option(name, (value != usual).then(|| value.to_string()).as_deref());
    }

    fn facts(&mut self, facts: &FactsIdentity) {
        let name = Some(without_folders(&facts.name)).filter(|&name| name != FactsIdentity::EMBEDDED);
        self.option("--facts", name);
        let words: Vec<&str> = facts.selection.split(' ').collect();
        match words[..] {
            ["limit", n] => self.option("--limit", Some(n)),
            ["ids", ids] => self.option("--ids", Some(ids)),
            // Its seed is the corruption's.
            ["sample", n, "seed", _] => self.option("--sample", Some(n)),
            _ => {}
        }
    }

    fn settings(&mut self, settings: &Settings, corruption: &Corruption) {
        let Settings { components, window, residual_window, metrics, direction, .. } = settings;
        self.option("--component", self::components(components).as_deref());
        self.number("--window", window.width as u64, Window::ROME.width as u64);
        self.number("--residual-window", residual_window.width as u64, Window::SINGLE.width as u64);
        self.option(
            "--direction",
            (*direction != Direction::Denoise).then(|| direction.to_string()).as_deref(),
        );
        self.method(settings, &corruption.method);
        self.drawn(settings, corruption);
        let metrics: Vec<&str> = metrics.iter().copied().map(Metric::name).collect();
        self.option("--metric", (!metrics.is_empty()).then(|| metrics.join(",")).as_deref());
        let precision = settings.precision.as_deref().filter(|&precision| precision != "f32");
        self.option("--precision", precision);
    }

    fn method(&mut self, settings: &Settings, method: &Method) {
        match method {
            Method::Noise { level, mode, baseline_mode, .. } => {
                let rule =
                    settings.noise.as_ref().map_or_else(|| level.to_string(), |noise| noise.rule.clone());
                self.option("--noise", Some(rule.as_str()).filter(|&rule| rule != USUAL_NOISE));
                self.flag("--replace", *mode == CorruptionMode::Replace);
                self.option("--preset", (mode != baseline_mode).then_some("rome"));
            }
            Method::RandomEmbedding { spread, .. } => {
                self.option("--corruption", Some("random-embedding"));
                self.option("--spread", (*spread == Spread::Deviation).then_some("deviation"));
            }
            Method::Shuffle => self.option("--corruption", Some("shuffle")),
            Method::Counterpart => {
                let swapped = settings.counterparts == Some(Counterparts::SwappedSubjects);
                self.option("--corruption", Some(if swapped { "swap" } else { "pair" }));
            }
        }
    }

    fn drawn(&mut self, settings: &Settings, corruption: &Corruption) {
        if let Some(Population::Text { name, .. }) = corruption.population() {
            self.option("--corpus", Some(without_folders(name)));
        }
        self.number("--extra-tokens", corruption.extra_tokens as u64, 0);
        if corruption.method != Method::Counterpart {
            self.number("--samples", corruption.samples as u64, USUAL_SAMPLES as u64);
        }
        self.number("--seed", corruption.seed, USUAL_SEED);
        let fresh = corruption.fresh_for_each_site;
        self.flag("--fresh-noise", fresh);
        self.stream(corruption);
        let usual_engine = if fresh { Engine::Naive } else { Engine::Wavefront };
        let engine = settings.engine.filter(|&engine| engine != usual_engine);
        self.option("--engine", engine.map(|engine| engine.to_string()).as_deref());
    }

    fn stream(&mut self, corruption: &Corruption) {
        let has_preset = matches!(&corruption.method,
            Method::Noise { mode, baseline_mode, .. } if mode != baseline_mode);
        // ROME's preset brings its stream, except where every site has draws of its own.
        let usual_is_rome = has_preset && !corruption.fresh_for_each_site;
        let stream = match (corruption.stream, usual_is_rome) {
            (NoiseStream::Rome, false) => Some("rome"),
            (NoiseStream::Independent, true) => Some("independent"),
            _ => None,
        };
        self.option("--noise-stream", stream);
    }

    fn targets(&mut self, target: Target, roles: RoleConvention) {
        let target = match target {
            Target::Predicted => None,
            Target::Attribute => Some("attribute"),
            Target::LastSubtoken => Some("last-subtoken"),
        };
        self.option("--target", target);
        self.option("--roles", (roles != RoleConvention::Rome).then(|| roles.to_string()).as_deref());
    }
}

/// A list of components as it is typed; none for the residual stream alone.
fn components(components: &[Component]) -> Option<String> {
    if components == [Component::Residual] {
        return None;
    }
    let Some(others) = components.strip_prefix(&Component::ROME) else {
        return Some(components.iter().copied().map(Component::name).collect::<Vec<_>>().join(","));
    };
    let names = std::iter::once("all").chain(others.iter().copied().map(Component::name));
    Some(names.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_components_are_as_short_as_they_can_be() {
        assert_eq!(components(&[Component::Residual]), None);
        assert_eq!(components(&Component::ROME).as_deref(), Some("all"));
        assert_eq!(components(&Component::ALL[..4]).as_deref(), Some("all,resid_pre"));
        assert_eq!(components(&[Component::Mlp, Component::ResidMid]).as_deref(), Some("mlp,resid_mid"));
    }

    #[test]
    fn words_are_words() {
        let mut line = Line::new("a");
        line.option("--x", Some("-1,2"));
        line.option("--y", Some("it's; $(rm)"));
        line.option("--z", None);
        assert_eq!(line.0, "a --x=-1,2 --y \"it's; \"'$(rm)'");
        assert_eq!(shlex::split(&line.0).unwrap(), ["a", "--x=-1,2", "--y", "it's; $(rm)"]);
    }
}
