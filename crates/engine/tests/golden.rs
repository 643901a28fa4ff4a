//! Both engines against what ROME's own code recorded, for ten families.

mod support;

use causal_trace_core::{Component, Engine, NoiseRule, parse_facts};
use causal_trace_engine::{noise_level, subject_deviation};
use causal_trace_lm::LanguageModel;
use support::{Case, all_cases, largest_difference, shared, traced};

/// Absolute, in units of probability.
const PROBABILITY: f64 = 2e-5;
/// Absolute, in units of logits.
const LOGIT: f64 = 2e-4;
/// Relative.
const NOISE_LEVEL: f64 = 1e-6;

#[test]
fn logits_equal_the_recorded_ones() {
    let mut checked = 0;
    for cases in all_cases() {
        let model = cases.model();
        let mut largest = 0.0f64;
        for (id, path) in cases.files(Component::Mlp) {
            let logits = cases.folder.join(format!("logits_{id}.npy"));
            let Ok(bytes) = std::fs::read(&logits) else { continue };
            let recorded = npyz::NpyFile::new(&bytes[..]).unwrap().into_vec::<f32>().unwrap();
            let computed = model.logits(&Case::read(&path).ids).unwrap();
            largest = largest.max(largest_difference(&computed, &recorded));
            checked += 1;
        }
        println!("{}: largest difference of logits {largest:.1e}", cases.folder.display());
        assert!(largest < LOGIT, "{}: {largest}", cases.folder.display());
    }
    assert!(checked >= 20, "only {checked} files of logits were found");
}

fn probabilities_equal_the_recorded_ones(engine: Engine) {
    let mut checked = 0;
    for cases in all_cases() {
        let model = cases.model();
        let mut largest = 0.0f64;
        for component in Component::ALL {
            for (id, path) in cases.files(component) {
                let case = Case::read(&path);
                let record = traced(&model, &case.prompt(), &cases.config(component, engine)).unwrap();
                let corrupted = causal_trace_core::effect::mean(&record.baseline.corrupted);
                let difference = largest_difference(&record.grids[0].mean_probabilities(), &case.scores)
                    .max((corrupted - case.low_score).abs())
                    .max((f64::from(record.baseline.clean) - case.high_score).abs());
                assert!(difference < PROBABILITY, "{} {id} {component}: {difference}", cases.folder.display());
                largest = largest.max(difference);
                checked += 1;
            }
        }
        println!("{} ({engine}): largest difference {largest:.1e}", cases.folder.display());
    }
    assert!(checked >= 60, "only {checked} cases were found");
}

#[test]
fn the_plain_loop_gives_the_recorded_probabilities() {
    probabilities_equal_the_recorded_ones(Engine::Naive);
}

#[test]
fn the_wavefront_gives_the_recorded_probabilities() {
    probabilities_equal_the_recorded_ones(Engine::Wavefront);
}

#[test]
fn noise_levels_equal_the_recorded_ones() {
    let Some(shared) = shared() else { return };
    let facts = parse_facts(&std::fs::read_to_string(shared.join("data/known_1000.json")).unwrap()).unwrap();
    for cases in all_cases() {
        let Some(rule) = cases.meta["noise_rule"].as_str() else { continue };
        let rule: NoiseRule = rule.parse().unwrap();
        let LanguageModel { model, tokenizer } = LanguageModel::open(&cases.model_folder).unwrap();
        let subjects: Vec<Vec<u32>> = if cases.folder.to_string_lossy().contains("/real/") {
            let facts = cases.meta["facts"].as_array().unwrap();
            facts.iter().map(|fact| tokenizer.encode(fact["subject"].as_str().unwrap()).unwrap().ids).collect()
        } else {
            facts.iter().map(|fact| tokenizer.encode(&fact.subject).unwrap().ids).collect()
        };
        let level = noise_level(rule, subject_deviation(&model, &subjects).unwrap());
        let recorded = cases.meta["noise_level"].as_f64().unwrap();
        let difference = (level / recorded - 1.0).abs();
        println!("{}: {level} recorded {recorded}", cases.folder.display());
        assert!(difference < NOISE_LEVEL, "{}: {level} instead of {recorded}", cases.folder.display());
    }
}
