//! Golden cases: what ROME's own code computed for small models, and how to trace the same here.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its part of these helpers")]

use std::path::{Path, PathBuf};

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, NoiseStream, Prompt, TraceConfig,
    TraceRecord, Window,
};
use causal_trace_engine::{Answer, TraceError, trace};
use causal_trace_lm::{LanguageModel, Model};
use serde_json::Value;

/// One folder of cases: a model, and the settings of the recorded runs.
pub struct Cases {
    pub model_folder: PathBuf,
    pub folder: PathBuf,
    pub meta: Value,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The shared folder of the project's own machines, which users do not have.
pub fn shared() -> Option<PathBuf> {
    let folder = repository().join("../shared");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no ../shared beside the repository; only the cases in tests/golden are checked");
    None
}

/// The cases in the repository, and all of those in the shared folder where there is one.
pub fn all_cases() -> Vec<Cases> {
    let mut roots = vec![repository().join("tests/golden")];
    roots.extend(shared().map(|shared| shared.join("golden")));
    let mut cases = Vec::new();
    for root in roots {
        for family in folders(&root).filter(|family| family.join("model").is_dir()) {
            let runs = folders(&family).filter(|run| run.join("meta.json").is_file());
            cases.extend(runs.map(|run| Cases::new(family.join("model"), run)));
        }
        for run in folders(&root.join("real")) {
            let model_folder = root.join("../models").join(run.file_name().unwrap());
            cases.push(Cases::new(model_folder, run));
        }
    }
    assert!(cases.len() >= 14, "the repository's own cases are there");
    cases
}

fn folders(parent: &Path) -> impl Iterator<Item = PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(parent).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    found.sort();
    found.into_iter().filter(|path| path.is_dir())
}

impl Cases {
    fn new(model_folder: PathBuf, folder: PathBuf) -> Self {
        let meta = serde_json::from_str(&std::fs::read_to_string(folder.join("meta.json")).unwrap()).unwrap();
        Cases { model_folder, folder, meta }
    }

    pub fn model(&self) -> Model {
        LanguageModel::open(&self.model_folder).unwrap().model
    }

    /// The recorded case files that exist for a component, with their facts' ids.
    pub fn files(&self, component: Component) -> Vec<(i64, PathBuf)> {
        let ids = self.meta["facts"].as_array().unwrap().iter().map(|fact| fact["known_id"].as_i64().unwrap());
        ids.map(|id| (id, self.folder.join(format!("knowledge_{id}{}.npz", component.file_suffix()))))
            .filter(|(_, path)| path.is_file())
            .collect()
    }

    pub fn config(&self, component: Component, engine: Engine) -> TraceConfig {
        let replace = self.meta["replace"].as_bool().unwrap_or(false);
        let uniform = self.meta["uniform_noise"].as_bool().unwrap_or(false);
        TraceConfig {
            components: vec![component],
            window: Window { width: self.meta["window"].as_u64().unwrap() as usize },
            direction: Direction::Denoise,
            corruption: Corruption {
                distribution: if uniform { Distribution::Uniform } else { Distribution::Gaussian },
                level: self.meta["noise_level"].as_f64().unwrap(),
                mode: if replace { CorruptionMode::Replace } else { CorruptionMode::Add },
                baseline_mode: CorruptionMode::Add,
                extra_tokens: 0,
                stream: NoiseStream::Rome,
                seed: 1,
                samples: self.meta["samples"].as_u64().unwrap() as usize,
            },
            engine,
            memory: 1 << 30,
        }
    }
}

/// A recorded case file.
pub struct Case {
    pub scores: Vec<f32>,
    pub low_score: f64,
    pub high_score: f64,
    pub ids: Vec<u32>,
    pub subject: std::ops::Range<usize>,
}

impl Case {
    pub fn read(path: &Path) -> Self {
        let mut file = npyz::npz::NpzArchive::open(path).unwrap();
        let scores = file.by_name("scores").unwrap().unwrap().into_vec::<f32>().unwrap();
        let low_score = file.by_name("low_score").unwrap().unwrap().into_vec::<f64>().unwrap()[0];
        let high_score = file.by_name("high_score").unwrap().unwrap().into_vec::<f32>().unwrap()[0];
        let ids = file.by_name("input_ids").unwrap().unwrap().into_vec::<i64>().unwrap();
        let subject = file.by_name("subject_range").unwrap().unwrap().into_vec::<i64>().unwrap();
        Case {
            scores,
            low_score,
            high_score: f64::from(high_score),
            ids: ids.into_iter().map(|id| id as u32).collect(),
            subject: subject[0] as usize..subject[1] as usize,
        }
    }

    pub fn prompt(&self) -> Prompt {
        prompt(&self.ids, self.subject.clone())
    }
}

/// A prompt of which only the tokens matter.
pub fn prompt(ids: &[u32], subject: std::ops::Range<usize>) -> Prompt {
    Prompt {
        text: String::new(),
        subject: String::new(),
        ids: ids.to_vec(),
        tokens: ids.iter().map(u32::to_string).collect(),
        subject_span: subject.into(),
    }
}

/// A whole trace with the model's own prediction as answer.
pub fn traced(model: &Model, prompt: &Prompt, config: &TraceConfig) -> Result<TraceRecord, TraceError> {
    let mut record = TraceRecord::unmeasured(prompt.clone(), config.clone(), model.architecture().n_layers);
    trace(model, prompt, Answer::Predicted, config, &mut record)?;
    Ok(record)
}

/// The largest difference between two lists of equal length.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists of equal length");
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max)
}
