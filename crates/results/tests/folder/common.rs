//! Records and folders to test with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, Fact, Method, Metric,
    NoiseStream, RoleConvention, TokenSpan, Window,
};
use causal_trace_results::{
    Counterpart, EffectGrid, FORMAT, FORMAT_VERSION, FactsIdentity, FolderError, FolderWriter, Manifest,
    ModelIdentity, NoiseSource, OtherMetric, Outcome, PromptRecord, ResultsFolder, Settings, Skip,
    SkipReason, Target, TracedPrompt,
};

pub(crate) const N_LAYERS: usize = 3;
pub(crate) const N_SAMPLES: usize = 2;

/// A manifest of a sweep that was cut into these parts.
pub(crate) fn manifest(parts: &[usize]) -> Manifest {
    let hash = |digit: &str| Some(digit.repeat(64));
    Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        program: "causal-trace 0.1.0".to_owned(),
        model: ModelIdentity {
            name: "demo".to_owned(),
            n_layers: N_LAYERS,
            model_type: Some("gpt2".to_owned()),
            d_model: Some(8),
            d_vocab: Some(100),
            config_sha256: hash("a"),
            weights_sha256: hash("b"),
            tokenizer_sha256: hash("c"),
        },
        facts: vec![facts("facts.json", "d", parts.iter().sum())],
        target: Target::Predicted,
        settings: Settings {
            components: Component::ROME.to_vec(),
            window: Window { width: 10 },
            residual_window: Window::SINGLE,
            metrics: Vec::new(),
            roles: RoleConvention::Rome,
            counterparts: None,
            direction: Direction::Denoise,
            corruption: Some(corruption()),
            noise: Some(NoiseSource {
                rule: "s3".to_owned(),
                level: 0.1 + 0.2,
                subject_deviation: Some(0.1),
                facts: Some("facts.json".to_owned()),
            }),
            engine: Some(Engine::Wavefront),
            precision: Some("f32".to_owned()),
        },
        parts: parts.to_vec(),
    }
}

pub(crate) fn facts(name: &str, digit: &str, n_facts: usize) -> FactsIdentity {
    let sha256 = Some(digit.repeat(64));
    FactsIdentity { name: name.to_owned(), sha256, n_facts, selection: "all".to_owned() }
}

fn corruption() -> Corruption {
    Corruption {
        method: Method::Noise {
            distribution: Distribution::Gaussian,
            level: 0.1 + 0.2,
            mode: CorruptionMode::Add,
            baseline_mode: CorruptionMode::Add,
        },
        extra_tokens: 0,
        stream: NoiseStream::Independent,
        seed: 1,
        samples: N_SAMPLES,
        fresh_for_each_site: false,
    }
}

/// A number between 0 and 1 that depends on all of these.
fn number(id: i64, salt: usize, index: usize) -> f32 {
    let mixed = (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((salt as u64) << 40) ^ index as u64;
    let mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / (1u64 << 24) as f32
}

/// A fact with everything that a fact file may say.
pub(crate) fn fact(id: i64) -> Fact {
    Fact {
        known_id: id,
        subject: "Łódź".to_owned(),
        attribute: " Poland".to_owned(),
        prompt: format!("In {id}, Łódź is in"),
        template: Some("{} is in".to_owned()),
        prediction: Some(" Poland.\nIt".to_owned()),
        relation_id: Some("P17".to_owned()),
        relation: Some("country".to_owned()),
        counterpart: Some("In 1, Åbo is in".to_owned()),
        foil: Some("Finland".to_owned()),
    }
}

/// A traced fact whose prompt has `n_tokens` tokens, the subject being the second and the third.
pub(crate) fn traced(id: i64, n_tokens: usize) -> PromptRecord {
    let corrupted_samples: Vec<f32> = (0..N_SAMPLES).map(|sample| number(id, 1, sample)).collect();
    PromptRecord {
        fact: fact(id),
        ids: (0..n_tokens as u32).map(|token| token + 40_000).collect(),
        tokens: (0..n_tokens).map(|token| format!(" t{token}")).collect(),
        subject: Some(TokenSpan { start: 1, end: 3 }),
        subject_occurrences: 1,
        counterpart: None,
        outcome: Outcome::Traced(TracedPrompt {
            answer: " Poland".to_owned(),
            answer_id: Some(50_256),
            correct_prediction: true,
            clean: f64::from(number(id, 2, 0)),
            corrupted: f64::from(corrupted_samples[0] + corrupted_samples[1]) / 2.0,
            corrupted_samples,
            noise_level: Some(0.1 + 0.2),
            foil: None,
            others: Vec::new(),
            grids: Component::ROME
                .iter()
                .map(|&component| grid(id, component, Metric::Probability, n_tokens))
                .collect(),
        }),
    }
}

fn grid(id: i64, component: Component, metric: Metric, n_tokens: usize) -> EffectGrid {
    let n_sites = n_tokens * N_LAYERS;
    let salt = 10 * (1 + component as usize) + 100 * metric as usize;
    let numbers = |salt| (0..n_sites).map(move |site| f64::from(number(id, salt, site)) / 3.0).collect();
    EffectGrid {
        component,
        metric,
        n_layers: N_LAYERS,
        patched: numbers(salt),
        indirect_effect: numbers(salt + 1),
        percent_improvement: numbers(salt + 2),
        samples: (0..n_sites * N_SAMPLES).map(|index| number(id, salt + 3, index)).collect(),
    }
}

/// A manifest of a sweep over prompt pairs in three metrics.
pub(crate) fn manifest_of_pairs(parts: &[usize]) -> Manifest {
    let mut manifest = manifest(parts);
    manifest.settings.components = vec![Component::Residual, Component::MlpSevered];
    manifest.settings.metrics = PAIR_METRICS.to_vec();
    manifest.settings.corruption = Some(Corruption { method: Method::Counterpart, ..corruption() });
    manifest.settings.noise = None;
    manifest
}

/// What is measured beside the probability in [`traced_pair`], in an order of its own.
pub(crate) const PAIR_METRICS: [Metric; 2] = [Metric::Rank, Metric::KlDivergence];

/// A traced prompt pair.
pub(crate) fn traced_pair(id: i64, n_tokens: usize) -> PromptRecord {
    let mut record = traced(id, n_tokens);
    let mut ids = record.ids.clone();
    ids[1] = 7;
    let tokens = (0..n_tokens).map(|token| format!(" o{token}")).collect();
    record.counterpart = Some(Counterpart { text: "In 1, Åbo is in".to_owned(), ids, tokens });
    let traced = numbers(&mut record);
    traced.noise_level = None;
    traced.foil = Some((" Finland".to_owned(), 17_837));
    traced.others = PAIR_METRICS
        .into_iter()
        .map(|metric| OtherMetric {
            metric,
            clean: 1.0 + f64::from(number(id, 700 + metric as usize, 0)),
            corrupted: 1.0 + f64::from(number(id, 710 + metric as usize, 0)),
            corrupted_samples: (0..N_SAMPLES)
                .map(|sample| 1.0 + number(id, 720 + metric as usize, sample))
                .collect(),
        })
        .collect();
    let metrics = || [Metric::Probability].into_iter().chain(PAIR_METRICS);
    let components = [Component::Residual, Component::MlpSevered];
    traced.grids = components
        .into_iter()
        .flat_map(|component| metrics().map(move |metric| grid(id, component, metric, n_tokens)))
        .collect();
    // A rank is at least 1.
    for grid in traced.grids.iter_mut().filter(|grid| grid.metric == Metric::Rank) {
        grid.patched.iter_mut().for_each(|value| *value += 1.0);
        grid.samples.iter_mut().for_each(|value| *value += 1.0);
    }
    record
}

/// A traced fact as an import gives it: texts and means only.
pub(crate) fn imported(id: i64) -> PromptRecord {
    let mut record = traced(id, 4);
    record.ids.clear();
    let fact = &mut record.fact;
    (fact.template, fact.prediction, fact.relation_id, fact.relation) = (None, None, None, None);
    (fact.counterpart, fact.foil) = (None, None);
    record.subject_occurrences = 0;
    let traced = numbers(&mut record);
    (traced.answer_id, traced.noise_level) = (None, None);
    traced.corrupted_samples.clear();
    traced.grids.iter_mut().for_each(|grid| grid.samples.clear());
    record
}

/// A skipped fact, with tokens if they got that far.
pub(crate) fn skipped(id: i64, reason: SkipReason) -> PromptRecord {
    let mut record = traced(id, 4);
    match reason {
        SkipReason::SubjectNotFound => (record.subject, record.subject_occurrences) = (None, 0),
        SkipReason::NotTokenized => {
            (record.subject, record.subject_occurrences) = (None, 0);
            (record.ids, record.tokens) = (Vec::new(), Vec::new());
        }
        _ => {}
    }
    record.outcome = Outcome::Skipped(Skip { reason, detail: format!("because of {}", reason.name()) });
    record
}

/// The numbers of a record that was traced.
pub(crate) fn numbers(record: &mut PromptRecord) -> &mut TracedPrompt {
    match &mut record.outcome {
        Outcome::Traced(traced) => traced,
        Outcome::Skipped(_) => unreachable!("the record was traced"),
    }
}

/// The facts of part `part`, of different lengths; every third is skipped.
pub(crate) fn part(part: usize, n_facts: usize) -> Vec<PromptRecord> {
    let record = |fact: usize| {
        let id = (100 * part + fact) as i64;
        match fact % 3 {
            2 => skipped(id, SkipReason::ALL[(part + fact) % SkipReason::ALL.len()]),
            _ => traced(id, 3 + (part + fact) % 4),
        }
    };
    (0..n_facts).map(record).collect()
}

/// Writes the parts that are missing, as an uninterrupted sweep would.
pub(crate) fn complete(path: &Path, manifest: &Manifest) {
    let mut writer = FolderWriter::create(path, manifest).unwrap();
    for index in writer.missing_parts() {
        writer.write_part(index, &part(index, manifest.parts[index])).unwrap();
    }
}

/// A complete folder with three parts.
pub(crate) fn three_parts(path: &Path) -> Manifest {
    let manifest = manifest(&[4, 3, 2]);
    complete(path, &manifest);
    manifest
}

/// Every file below a folder with its bytes.
pub(crate) fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(
                files(&entry.path()).into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)),
            );
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// All records of a folder.
pub(crate) fn records(path: &Path) -> Result<Vec<PromptRecord>, FolderError> {
    ResultsFolder::open(path)?.records().collect()
}

/// What an error says, which must contain all of these.
pub(crate) fn says<T: std::fmt::Debug>(result: Result<T, FolderError>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing in: {message}");
    }
}
