//! Results folders made up of noisy numbers, the same on every machine.

use std::path::Path;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Fact, Method, Metric, NoiseStream,
    RoleConvention, Window, effect,
};
use causal_trace_results::{
    EffectGrid, FORMAT, FORMAT_VERSION, FactsIdentity, FolderWriter, Manifest, ModelIdentity, NoiseSource,
    OtherMetric, Outcome, PromptRecord, ResultsFolder, Settings, Skip, SkipReason, Target, TracedPrompt,
};

pub(crate) const LAYERS: usize = 12;
pub(crate) const SAMPLES: usize = 10;

/// A sweep with every option as usual, on a file of facts.
pub(crate) fn manifest(components: &[Component], metrics: &[Metric]) -> Manifest {
    let mode = CorruptionMode::Add;
    Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        program: "causal-trace 0.1.0".to_owned(),
        model: ModelIdentity::named("made-up", LAYERS),
        facts: vec![FactsIdentity {
            name: "/home/somebody/facts.json".to_owned(),
            sha256: None,
            n_facts: 3,
            selection: "all".to_owned(),
        }],
        target: Target::Predicted,
        settings: Settings {
            components: components.to_vec(),
            window: Window::ROME,
            residual_window: Window::SINGLE,
            metrics: metrics.to_vec(),
            roles: RoleConvention::Rome,
            counterparts: None,
            direction: Direction::Denoise,
            corruption: Some(Corruption {
                method: Method::Noise {
                    distribution: Distribution::Gaussian,
                    level: 0.1338,
                    mode,
                    baseline_mode: mode,
                },
                extra_tokens: 0,
                stream: NoiseStream::Independent,
                seed: 1,
                samples: SAMPLES,
                fresh_for_each_site: false,
            }),
            noise: Some(NoiseSource {
                rule: "s3".to_owned(),
                level: 0.1338,
                subject_deviation: Some(0.0446),
                facts: Some("/home/somebody/facts.json".to_owned()),
            }),
            engine: Some(causal_trace_core::Engine::Wavefront),
            precision: Some("f32".to_owned()),
        },
        parts: Vec::new(),
    }
}

/// Numbers that look random.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        // Xorshift*, by Marsaglia and Vigna.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() >> 33) as usize % most
    }

    /// Between 0 and 1.
    fn even(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal: mean 0, deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }

    fn probability(&mut self, mean: f64, deviation: f64) -> f32 {
        (mean + deviation * self.normal()).clamp(1e-6, 1.0) as f32
    }
}

pub(crate) fn fact(known_id: i64, prompt: &str, subject: &str, attribute: &str) -> Fact {
    Fact {
        known_id,
        subject: subject.to_owned(),
        attribute: attribute.to_owned(),
        prompt: prompt.to_owned(),
        template: None,
        prediction: None,
        relation_id: None,
        relation: None,
        counterpart: None,
        foil: None,
    }
}

/// A traced fact of 6 to 11 tokens whose numbers are all noise.
pub(crate) fn noisy(manifest: &Manifest, known_id: i64) -> PromptRecord {
    let numbers = &mut Numbers::new(known_id as u64 + 1);
    let words = ["The", " Space", " Need", "le", " is", " in", " downtown", " the", " city", " of", " old"];
    let tokens: Vec<String> = words[..6 + numbers.below(6)].iter().map(|&word| word.to_owned()).collect();
    let clean = numbers.probability(0.6, 0.15);
    let corrupted_samples: Vec<f32> = (0..SAMPLES).map(|_| numbers.probability(0.05, 0.03)).collect();
    let mut traced = TracedPrompt {
        answer: " Seattle".to_owned(),
        answer_id: Some(7312),
        correct_prediction: true,
        clean: f64::from(clean),
        corrupted: effect::mean(&corrupted_samples),
        corrupted_samples,
        noise_level: Some(0.1338),
        foil: None,
        others: Vec::new(),
        grids: Vec::new(),
    };
    for &metric in &manifest.settings.metrics {
        let corrupted_samples: Vec<f32> = (0..SAMPLES).map(|_| 3.0 * numbers.normal() as f32 - 9.0).collect();
        let (clean, corrupted) = (f64::from(2.5f32), effect::mean(&corrupted_samples));
        traced.others.push(OtherMetric { metric, clean, corrupted, corrupted_samples });
    }
    for &component in &manifest.settings.components {
        for metric in std::iter::once(Metric::Probability).chain(manifest.settings.metrics.iter().copied()) {
            let grid =
                noisy_grid(component, metric, manifest.settings.direction, tokens.len(), &traced, numbers);
            traced.grids.push(grid);
        }
    }
    PromptRecord {
        fact: fact(known_id, &tokens.concat(), "Space Needle", "Seattle"),
        ids: (0..tokens.len() as u32).map(|id| 17 * id + 262).collect(),
        tokens,
        subject: Some((1..4).into()),
        subject_occurrences: 1,
        counterpart: None,
        outcome: Outcome::Traced(traced),
    }
}

fn noisy_grid(
    component: Component,
    metric: Metric,
    direction: Direction,
    n_tokens: usize,
    traced: &TracedPrompt,
    numbers: &mut Numbers,
) -> EffectGrid {
    let corrupted = traced.corrupted_samples_in(metric).unwrap().to_vec();
    let clean = traced.baseline_in(metric).unwrap().0 as f32;
    let mut samples = Vec::new();
    for _ in 0..n_tokens * LAYERS {
        let effect = 0.05 + 0.08 * numbers.normal();
        samples.extend(corrupted.iter().map(|&corrupted| match metric {
            Metric::Probability => numbers.probability(f64::from(corrupted) + effect, 0.03),
            _ => corrupted + (10.0 * effect + numbers.normal()) as f32,
        }));
    }
    let sites = || samples.chunks(SAMPLES);
    let effects = sites().map(|site| effect::indirect_effect(direction, clean, &corrupted, site));
    let improvements = sites().map(|site| effect::percent_improvement(direction, clean, &corrupted, site));
    EffectGrid {
        component,
        metric,
        n_layers: LAYERS,
        patched: sites().map(effect::mean).collect(),
        indirect_effect: effects.collect(),
        percent_improvement: improvements.collect(),
        samples: samples.clone(),
    }
}

pub(crate) fn skipped(known_id: i64, reason: SkipReason) -> PromptRecord {
    PromptRecord {
        fact: fact(known_id, "A prompt", "prompt", "x"),
        ids: Vec::new(),
        tokens: Vec::new(),
        subject: None,
        subject_occurrences: 0,
        counterpart: None,
        outcome: Outcome::Skipped(Skip { reason, detail: String::new() }),
    }
}

/// Writes records as a results folder, so many in each part.
pub(crate) fn written(
    path: &Path,
    mut manifest: Manifest,
    records: &[PromptRecord],
    per_part: usize,
) -> ResultsFolder {
    manifest.parts = records.chunks(per_part).map(<[_]>::len).collect();
    let mut writer = FolderWriter::create(path, &manifest).unwrap();
    for (part, records) in records.chunks(per_part).enumerate() {
        writer.write_part(part, records).unwrap();
    }
    ResultsFolder::open(path).unwrap()
}
