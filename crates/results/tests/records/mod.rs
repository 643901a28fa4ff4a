//! Records made up for tests.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses its part of these helpers"
)]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

use std::path::{Path, PathBuf};
use std::process::Command;

use causal_trace_core::{Component, Direction, Fact, Metric, RoleConvention, TokenSpan, Window, effect};
use causal_trace_results::{
    Counterpart, EffectGrid, FORMAT, FORMAT_VERSION, FactsIdentity, Manifest, ModelIdentity, Outcome,
    PromptRecord, Settings, Skip, SkipReason, Target, TracedPrompt,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub fn fact(known_id: i64, prompt: &str, subject: &str) -> Fact {
    Fact {
        known_id,
        subject: subject.to_owned(),
        attribute: "Paris".to_owned(),
        prompt: prompt.to_owned(),
        template: None,
        prediction: None,
        relation_id: None,
        relation: None,
        counterpart: None,
        foil: None,
    }
}

pub fn manifest(components: &[Component], n_layers: usize, direction: Direction) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        program: "causal-trace test".to_owned(),
        model: ModelIdentity::named("made up", n_layers),
        facts: vec![FactsIdentity {
            name: "made up".to_owned(),
            sha256: None,
            n_facts: 0,
            selection: "all".to_owned(),
        }],
        target: Target::Predicted,
        settings: Settings {
            components: components.to_vec(),
            window: Window { width: 4 },
            residual_window: Window::SINGLE,
            metrics: Vec::new(),
            roles: RoleConvention::Rome,
            counterparts: None,
            direction,
            corruption: None,
            noise: None,
            engine: None,
            precision: None,
        },
        parts: Vec::new(),
    }
}

/// A record of the residual stream with these effects, `[token][layer]`; PI is twice the IE.
pub fn with_effects(
    known_id: i64,
    subject: std::ops::Range<usize>,
    probabilities: (f64, f64),
    effects: &[&[f64]],
) -> PromptRecord {
    let (clean, corrupted) = probabilities;
    let indirect_effect: Vec<f64> = effects.concat();
    let grid = EffectGrid {
        component: Component::Residual,
        metric: Metric::Probability,
        n_layers: effects[0].len(),
        patched: indirect_effect.iter().map(|effect| corrupted + effect).collect(),
        percent_improvement: indirect_effect.iter().map(|effect| 2.0 * effect).collect(),
        indirect_effect,
        samples: Vec::new(),
    };
    let traced = TracedPrompt {
        answer: " Paris".to_owned(),
        answer_id: None,
        correct_prediction: true,
        clean,
        corrupted,
        corrupted_samples: Vec::new(),
        noise_level: None,
        foil: None,
        others: Vec::new(),
        grids: vec![grid],
    };
    PromptRecord {
        fact: fact(known_id, "a prompt", "prompt"),
        ids: Vec::new(),
        tokens: (0..effects.len()).map(|token| format!(" {token}")).collect(),
        subject: Some(subject.into()),
        subject_occurrences: 1,
        counterpart: None,
        outcome: Outcome::Traced(traced),
    }
}

pub fn skipped(known_id: i64, reason: SkipReason, detail: &str) -> PromptRecord {
    PromptRecord {
        fact: fact(known_id, "Aix is in", "Aix"),
        ids: vec![1, 2],
        tokens: vec!["Aix".to_owned(), " is in".to_owned()],
        subject: Some(TokenSpan { start: 0, end: 1 }),
        subject_occurrences: 1,
        counterpart: None,
        outcome: Outcome::Skipped(Skip { reason, detail: detail.to_owned() }),
    }
}

/// Random records of every shape, the same for the same seed.
pub struct RandomRecords {
    generator: ChaCha8Rng,
}

impl RandomRecords {
    pub fn new(seed: u64) -> Self {
        RandomRecords { generator: ChaCha8Rng::seed_from_u64(seed) }
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.generator.next_u64() % n as u64) as usize
    }

    pub fn probability(&mut self) -> f32 {
        (self.generator.next_u32() >> 8) as f32 / 16_777_216.0
    }

    fn probabilities(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.probability()).collect()
    }

    fn token(&mut self) -> String {
        const PIECES: [&str; 12] =
            [" the", "Ö", "\"", "\n", "\0", ",", "", " ", "a\0", "\u{1f600}", "it's;", "\u{fffd}\t"];
        PIECES[self.below(PIECES.len())].to_owned()
    }

    /// A traced record, with `n_samples` samples or, for 0, with means only.
    pub fn record(&mut self, known_id: i64, manifest: &Manifest, n_samples: usize) -> PromptRecord {
        let n_tokens = 2 + self.below(8);
        let start = self.below(n_tokens);
        let end = start + 1 + self.below(n_tokens - start);
        let tokens: Vec<String> = (0..n_tokens).map(|_| self.token()).collect();
        let clean = self.probability();
        let corrupted_samples = self.probabilities(n_samples);
        let corrupted = match n_samples {
            0 => f64::from(self.probability()) / 3.0,
            _ => effect::mean(&corrupted_samples),
        };
        let mut traced = TracedPrompt {
            answer: self.token(),
            answer_id: (self.below(2) == 0).then_some(17),
            correct_prediction: true,
            clean: f64::from(clean),
            corrupted,
            corrupted_samples,
            noise_level: (self.below(2) == 0).then_some(0.1),
            foil: (self.below(4) == 0).then(|| (" foil\0".to_owned(), 21)),
            others: Vec::new(),
            grids: Vec::new(),
        };
        for &component in &manifest.settings.components {
            let grid = self.grid(component, n_tokens, manifest, &traced, n_samples);
            traced.grids.push(grid);
        }
        let mut fact = fact(known_id, &tokens.concat(), &tokens[start..end].concat());
        fact.relation_id = (self.below(2) == 0).then(|| "P30".to_owned());
        let counterpart = (self.below(4) == 0).then(|| Counterpart {
            text: tokens.concat(),
            ids: (0..n_tokens as u32).collect(),
            tokens: tokens.clone(),
        });
        PromptRecord {
            fact,
            ids: if self.below(2) == 0 { (0..n_tokens as u32).collect() } else { Vec::new() },
            tokens,
            subject: (self.below(8) > 0).then(|| (start..end).into()),
            subject_occurrences: 1 + self.below(2),
            counterpart,
            outcome: Outcome::Traced(traced),
        }
    }

    fn grid(
        &mut self,
        component: Component,
        n_tokens: usize,
        manifest: &Manifest,
        traced: &TracedPrompt,
        n_samples: usize,
    ) -> EffectGrid {
        let (n_layers, direction) = (manifest.model.n_layers, manifest.settings.direction);
        let n_sites = n_tokens * n_layers;
        if n_samples == 0 {
            let numbers = |generator: &mut Self| -> Vec<f64> {
                (0..n_sites).map(|_| f64::from(generator.probability()) - 0.3).collect()
            };
            let (indirect_effect, percent_improvement) = (numbers(self), numbers(self));
            let patched = indirect_effect.iter().map(|effect| traced.corrupted + effect).collect();
            let samples = Vec::new();
            return EffectGrid {
                component,
                metric: Metric::Probability,
                n_layers,
                patched,
                indirect_effect,
                percent_improvement,
                samples,
            };
        }
        let samples = self.probabilities(n_sites * n_samples);
        let (clean, corrupted) = (traced.clean as f32, &traced.corrupted_samples);
        let sites = || samples.chunks(n_samples);
        EffectGrid {
            component,
            metric: Metric::Probability,
            n_layers,
            patched: sites().map(effect::mean).collect(),
            indirect_effect: sites()
                .map(|patched| effect::indirect_effect(direction, clean, corrupted, patched))
                .collect(),
            percent_improvement: sites()
                .map(|patched| effect::percent_improvement(direction, clean, corrupted, patched))
                .collect(),
            samples: samples.clone(),
        }
    }
}

/// The shared folder of the project's own machines, which users do not have.
pub fn shared(what: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(what);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: no ../shared/{what} beside the repository");
    None
}

/// A Python with NumPy: the one that the tests' set-up made, or the system's.
pub fn python() -> Option<String> {
    let candidates = std::env::var("CAUSAL_TRACE_PYTHON").into_iter().chain(["python3".to_owned()]);
    let found = candidates.into_iter().find(|python| {
        Command::new(python).args(["-c", "import numpy"]).output().is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        println!("skipped: no Python with NumPy (set CAUSAL_TRACE_PYTHON)");
    }
    found
}

/// Writes the case files of some records, as `export --to rome` does.
pub fn export(records: &[PromptRecord], manifest: &Manifest, folder: &Path) {
    for record in records {
        for file in causal_trace_results::interchange::rome_cases(record, manifest).unwrap() {
            std::fs::write(folder.join(file.name), file.bytes).unwrap();
        }
    }
}
