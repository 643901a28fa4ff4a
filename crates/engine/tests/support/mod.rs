//! Golden cases: what ROME's own code computed for small models, and how to trace the same here.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses its part of these helpers"
)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, Method, NoiseStream, Precision,
    Prompt, TraceConfig, TraceRecord, Window,
};
use causal_trace_engine::{Answer, Case as TraceCase, TraceError, trace_case};
use causal_trace_lm::weights::Weights;
use causal_trace_lm::{LanguageModel, Model, Placement};
use causal_trace_results::CaseFile;
use serde_json::Value;

/// One folder of cases: a model, and the settings of the recorded runs.
pub struct Cases {
    pub model_folder: PathBuf,
    pub folder: PathBuf,
    pub meta: Value,
}

pub fn repository() -> PathBuf {
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
    let mut found: Vec<PathBuf> = std::fs::read_dir(parent)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    found.sort();
    found.into_iter().filter(|path| path.is_dir())
}

impl Cases {
    fn new(model_folder: PathBuf, folder: PathBuf) -> Self {
        let meta = serde_json::from_str(&std::fs::read_to_string(folder.join("meta.json")).unwrap()).unwrap();
        Cases { model_folder, folder, meta }
    }

    pub fn model(&self) -> Model {
        self.model_at(Precision::F32)
    }

    pub fn model_at(&self, precision: Precision) -> Model {
        LanguageModel::open(&self.model_folder, precision, Placement::Resident).unwrap().model
    }

    /// The recorded case files that exist for a component, with their facts' ids.
    pub fn files(&self, component: Component) -> Vec<(i64, PathBuf)> {
        let ids =
            self.meta["facts"].as_array().unwrap().iter().map(|fact| fact["known_id"].as_i64().unwrap());
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
            residual_window: Window::SINGLE,
            metrics: Vec::new(),
            direction: Direction::Denoise,
            corruption: Corruption {
                method: Method::Noise {
                    distribution: if uniform { Distribution::Uniform } else { Distribution::Gaussian },
                    level: self.meta["noise_level"].as_f64().unwrap(),
                    mode: if replace { CorruptionMode::Replace } else { CorruptionMode::Add },
                    baseline_mode: CorruptionMode::Add,
                },
                samples: self.meta["samples"].as_u64().unwrap() as usize,
                ..rome_corruption(0.0)
            },
            engine,
            memory: 1 << 30,
            steps: 1,
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
        let file = CaseFile::read(path).unwrap();
        Case {
            scores: file.scores.iter().map(|&score| score as f32).collect(),
            low_score: file.low_score,
            high_score: file.high_score,
            ids: file.input_ids.into_iter().map(|id| id as u32).collect(),
            subject: file.subject.unwrap().range(),
        }
    }

    pub fn prompt(&self) -> Prompt {
        prompt(&self.ids, self.subject.clone())
    }
}

/// One of the repository's ten models, with the noise level and the prompts of its recorded runs.
pub struct Family {
    pub name: String,
    pub folder: PathBuf,
    pub model: Model,
    pub noise_level: f64,
    pub prompts: Vec<Prompt>,
}

/// All ten, loaded once.
pub fn families() -> &'static [Family] {
    static FAMILIES: OnceLock<Vec<Family>> = OnceLock::new();
    FAMILIES.get_or_init(|| {
        let own = repository().join("tests/golden");
        let is_own = |cases: &Cases| cases.folder.starts_with(&own) && cases.folder.ends_with("rome-s3");
        let families: Vec<Family> = all_cases().into_iter().filter(is_own).map(Family::load).collect();
        assert_eq!(families.len(), 10, "every family has a model");
        families
    })
}

impl Family {
    fn load(cases: Cases) -> Self {
        let prompts: Vec<Prompt> =
            cases.files(Component::Residual).iter().map(|(_, path)| Case::read(path).prompt()).collect();
        let model = cases.model();
        Family {
            name: model.architecture().model_type.clone(),
            noise_level: cases.meta["noise_level"].as_f64().unwrap(),
            folder: cases.model_folder,
            model,
            prompts,
        }
    }

    /// The names of its tensors, as they are asked for.
    pub fn tensor_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.rebuilt(|_| {}, |name, _| names.push(name.to_owned()));
        names
    }

    /// The same model with other weights.
    pub fn changed(&self, weights: impl FnMut(&str, &mut [f32])) -> Model {
        self.rebuilt(|_| {}, weights)
    }

    /// The same weights with another config.
    pub fn reconfigured(&self, config: impl FnOnce(&mut Value)) -> Model {
        self.rebuilt(config, |_, _| {})
    }

    fn rebuilt(&self, config: impl FnOnce(&mut Value), mut weights: impl FnMut(&str, &mut [f32])) -> Model {
        let text = std::fs::read_to_string(self.folder.join("config.json")).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        config(&mut value);
        let stored = Weights::open(&self.folder).unwrap();
        Model::from_source(&value.to_string(), Precision::F32, &mut |name, _| {
            let mut tensor = stored.tensor(name).unwrap().to_f32().unwrap();
            weights(name, &mut tensor);
            tensor
        })
        .unwrap()
    }

    /// ROME's components, ROME's corruption of this model, windows of three layers, three samples.
    pub fn config(&self, engine: Engine) -> TraceConfig {
        TraceConfig {
            components: Component::ROME.to_vec(),
            window: Window { width: 3 },
            residual_window: Window::SINGLE,
            metrics: Vec::new(),
            direction: Direction::Denoise,
            corruption: rome_corruption(self.noise_level),
            engine,
            memory: 1 << 30,
            steps: 1,
        }
    }
}

/// Gaussian noise of a level as ROME draws it, three times.
pub fn rome_corruption(level: f64) -> Corruption {
    Corruption {
        method: noise(Distribution::Gaussian, level),
        extra_tokens: 0,
        stream: NoiseStream::Rome,
        seed: 1,
        samples: 3,
        fresh_for_each_site: false,
    }
}

/// Noise that is added.
pub fn noise(distribution: Distribution, level: f64) -> Method {
    let mode = CorruptionMode::Add;
    Method::Noise { distribution, level, mode, baseline_mode: mode }
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
    traced_case(model, TraceCase::new(prompt, Answer::Predicted), config)
}

/// A whole trace of a case.
pub fn traced_case(
    model: &Model,
    case: TraceCase<'_>,
    config: &TraceConfig,
) -> Result<TraceRecord, TraceError> {
    let n_layers = model.architecture().n_layers;
    let mut record = TraceRecord::unmeasured(case.prompt.clone(), config.clone(), n_layers);
    trace_case(model, case, config, &mut record)?;
    Ok(record)
}

/// The largest difference between two lists of equal length.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists of equal length");
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max)
}
