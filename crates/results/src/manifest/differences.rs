//! In which settings two manifests differ.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Manifest;

/// A setting that two manifests do not share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where it stands in the manifest, as in `settings.corruption.seed`.
    pub setting: String,
    /// The first manifest's value, as JSON; long lists are shortened.
    pub first: String,
    /// The second's.
    pub second: String,
}

impl Manifest {
    /// Every setting in which this manifest and another differ, in alphabetical order.
    ///
    /// Names are not settings: those of a model, a fact file or a corpus do not count where hashes tell that it is the
    /// same one, and those of the facts that a noise level comes from never do. What only follows from other facts (how
    /// many there are, how they are cut into parts) is left out beside them.
    #[must_use]
    pub fn differences(&self, other: &Manifest) -> Vec<Difference> {
        let mut found = Vec::new();
        compare("", &self.comparable(), &other.comparable(), &mut found);
        without_consequences(found)
    }

    /// The manifest as JSON, without names where hashes stand in for them.
    fn comparable(&self) -> Value {
        let mut manifest = self.clone();
        if manifest.model.weights_sha256.is_some() {
            manifest.model.name.clear();
        }
        if let Some(noise) = &mut manifest.settings.noise {
            noise.facts = None;
        }
        // A manifest has no maps with other keys than text, so this does not fail.
        let mut value = serde_json::to_value(manifest).unwrap_or_default();
        forget_names(&mut value);
        value
    }
}

/// The differences without those that follow from others.
fn without_consequences(found: Vec<Difference>) -> Vec<Difference> {
    let differs = |setting: &str| found.iter().any(|difference| difference.setting == setting);
    let follows = |setting: &str| match setting.strip_suffix(".n_facts") {
        Some(facts) => ["selection", "sha256"].iter().any(|key| differs(&format!("{facts}.{key}"))),
        None => setting == "parts" && found.iter().any(|difference| difference.setting.starts_with("facts")),
    };
    let keeps = |difference: &&Difference| !follows(&difference.setting);
    found.iter().filter(keeps).cloned().collect()
}

/// Removes the names of files, facts or texts, that have a hash.
fn forget_names(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(forget_names),
        Value::Object(object) => {
            if object.get("sha256").is_some_and(Value::is_string) {
                object.remove("name");
            }
            object.values_mut().for_each(forget_names);
        }
        _ => {}
    }
}

fn compare(setting: &str, first: &Value, second: &Value, found: &mut Vec<Difference>) {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => compare_objects(setting, first, second, found),
        (Value::Array(one), Value::Array(other)) if holds_objects(one) || holds_objects(other) => {
            for index in 0..one.len().max(other.len()) {
                let at = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
                compare(&format!("{setting}[{index}]"), &at(one), &at(other), found);
            }
        }
        _ if first == second => {}
        _ => {
            found.push(Difference { setting: setting.to_owned(), first: shown(first), second: shown(second) })
        }
    }
}

fn compare_objects(
    setting: &str,
    first: &Map<String, Value>,
    second: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    for key in keys {
        let at = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or_default();
        let dot = if setting.is_empty() { "" } else { "." };
        compare(&format!("{setting}{dot}{key}"), &at(first), &at(second), found);
    }
}

fn holds_objects(list: &[Value]) -> bool {
    list.iter().any(Value::is_object)
}

/// A value for a person: a long list by its first elements and their number.
fn shown(value: &Value) -> String {
    const MOST: usize = 8;
    match value {
        Value::Array(list) if list.len() > MOST => {
            let first: Vec<String> = list.iter().take(MOST).map(ToString::to_string).collect();
            format!("[{}, … {} in all]", first.join(","), list.len())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use causal_trace_core::{
        Component, Corruption, Direction, Method, NoiseStream, Population, RoleConvention, Spread, Window,
    };

    use super::*;
    use crate::{FORMAT, FORMAT_VERSION, FactsIdentity, ModelIdentity, NoiseSource, Settings, Target};

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            program: "causal-trace 0.1.0".to_owned(),
            model: ModelIdentity {
                name: "demo".to_owned(),
                n_layers: 6,
                model_type: None,
                d_model: None,
                d_vocab: None,
                config_sha256: None,
                weights_sha256: Some("0a".to_owned()),
                tokenizer_sha256: None,
            },
            facts: vec![facts("facts.json", Some("1b"))],
            target: Target::Predicted,
            settings: Settings {
                components: vec![Component::Residual],
                window: Window { width: 10 },
                residual_window: Window::SINGLE,
                metrics: Vec::new(),
                roles: RoleConvention::Rome,
                counterparts: None,
                direction: Direction::Denoise,
                corruption: None,
                noise: Some(NoiseSource {
                    rule: "s3".to_owned(),
                    level: 0.1 + 0.2,
                    subject_deviation: None,
                    facts: Some("facts.json".to_owned()),
                }),
                engine: None,
                precision: None,
            },
            parts: vec![3; 20],
        }
    }

    fn facts(name: &str, sha256: Option<&str>) -> FactsIdentity {
        let sha256 = sha256.map(str::to_owned);
        FactsIdentity { name: name.to_owned(), sha256, n_facts: 60, selection: "all".to_owned() }
    }

    fn described(first: &Manifest, second: &Manifest) -> Vec<String> {
        let in_words = |d: Difference| format!("{}: {} | {}", d.setting, d.first, d.second);
        first.differences(second).into_iter().map(in_words).collect()
    }

    #[test]
    fn every_setting_that_differs_is_named_with_both_values() {
        let first = manifest();
        let mut second = manifest();
        second.settings.window.width = 4;
        second.settings.components.push(Component::Mlp);
        second.program = "causal-trace 0.2.0".to_owned();
        second.facts.push(facts("more.json", None));
        second.parts = vec![60];
        assert_eq!(
            described(&first, &second),
            [
                "facts[1]: null | {\"n_facts\":60,\"name\":\"more.json\",\"selection\":\"all\",\"sha256\":null}",
                "program: \"causal-trace 0.1.0\" | \"causal-trace 0.2.0\"",
                "settings.components: [\"residual\"] | [\"residual\",\"mlp\"]",
                "settings.window.width: 10 | 4",
            ]
        );
        second.settings.noise = None;
        assert!(described(&first, &second)[3].starts_with("settings.noise: {"));
        second.facts = first.facts.clone();
        assert_eq!(described(&first, &second)[0], "parts: [3,3,3,3,3,3,3,3, … 20 in all] | [60]");
    }

    #[test]
    fn another_number_of_facts_follows_from_another_choice() {
        let (first, mut second) = (manifest(), manifest());
        (second.facts[0].selection, second.facts[0].n_facts) = ("sample 4 seed 1".to_owned(), 4);
        second.parts = vec![4];
        assert_eq!(described(&first, &second), ["facts[0].selection: \"all\" | \"sample 4 seed 1\""]);
    }

    #[test]
    fn names_count_only_where_there_are_no_hashes() {
        let mut first = manifest();
        let mut second = manifest();
        second.model.name = "./demo".to_owned();
        second.facts[0].name = "../facts.json".to_owned();
        second.settings.noise.as_mut().unwrap().facts = None;
        assert!(first.differences(&second).is_empty());
        first.model.weights_sha256 = None;
        second.model.weights_sha256 = None;
        first.facts[0].sha256 = None;
        second.facts[0].sha256 = None;
        let names = described(&first, &second);
        assert_eq!(
            names,
            ["facts[0].name: \"facts.json\" | \"../facts.json\"", "model.name: \"demo\" | \"./demo\""]
        );
    }

    #[test]
    fn a_corpus_counts_by_its_hash() {
        let following = |name: &str, sha256: &str| {
            let (name, sha256) = (name.to_owned(), sha256.to_owned());
            let population = Population::Text { name, sha256, counts: vec![(1, 2)] };
            let method = Method::RandomEmbedding { population, spread: Spread::Covariance };
            let mut manifest = manifest();
            manifest.settings.corruption = Some(Corruption {
                method,
                extra_tokens: 0,
                stream: NoiseStream::Independent,
                seed: 1,
                samples: 10,
                fresh_for_each_site: false,
            });
            manifest
        };
        let first = following("wiki.txt", "0a");
        assert!(first.differences(&following("/data/wiki.txt", "0a")).is_empty());
        let other = described(&first, &following("wiki.txt", "1b"));
        assert!(other.len() == 1 && other[0].ends_with("sha256: \"0a\" | \"1b\""), "{other:?}");
    }

    #[test]
    fn a_manifest_that_went_to_disk_is_the_same() {
        let mut first = manifest();
        // Levels that a reader of JSON is easily a bit off for.
        for level in [0.130_244_220_147_374_8, 1.0 / 3.0, 5e-324, 123_456_789.123_456_79] {
            first.settings.noise.as_mut().unwrap().level = level;
            let back: Manifest = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
            assert_eq!(first, back);
            assert!(first.differences(&back).is_empty());
        }
    }
}
