//! The average map of a model over facts: mean indirect effect by token role and layer, as a table and a figure.
//!
//!     cargo run --release -p causal-trace-engine --example average_effects -- \
//!         demo demo/gpt2 demo/facts.json docs/figures/demo-average
//!
//! Roles are ROME's: a subject of one token counts as first and as last.
#![expect(clippy::print_stdout, reason = "its result is a table on stdout")]

use std::path::Path;

use causal_trace_core::{
    Baseline, Component, Corruption, CorruptionMode, Direction, Distribution, Engine, NoiseRule, NoiseStream,
    Prompt, Sink, Site, TraceConfig, Window, effect, parse_facts,
};
use causal_trace_engine::{Answer, noise_level, subject_deviation, trace};
use causal_trace_lm::LanguageModel;
use causal_trace_lm::tokenizer::subject_span;
use causal_trace_report::{HeatMap, PRINT_DPI};

type Failure = Box<dyn std::error::Error>;

const ROLES: [&str; 6] =
    ["first subject", "middle subject", "last subject", "first later", "further", "last"];

fn roles(prompt: &Prompt, token: usize) -> Vec<usize> {
    let (span, last) = (prompt.subject_span, prompt.seq_len() - 1);
    let mut roles = Vec::new();
    if span.range().contains(&token) {
        if token == span.start {
            roles.push(0);
        }
        if token + 1 == span.end {
            roles.push(2);
        }
        if roles.is_empty() {
            roles.push(1);
        }
    } else if token >= span.end {
        roles.push(if token == last {
            5
        } else if token == span.end {
            3
        } else {
            4
        });
    }
    roles
}

/// Sums over tokens and prompts, `[roles][layers]`.
struct Averages<'a> {
    prompt: &'a Prompt,
    baseline: Option<Baseline>,
    effects: &'a mut [Vec<f64>],
    patched: &'a mut [Vec<f64>],
    counts: &'a mut [Vec<usize>],
}

impl Sink for Averages<'_> {
    fn baseline(&mut self, baseline: &Baseline) {
        self.baseline = Some(baseline.clone());
    }

    fn patched(&mut self, site: Site, samples: &[f32]) {
        let Some(baseline) = &self.baseline else { return };
        for role in roles(self.prompt, site.token) {
            let (clean, corrupted) = (baseline.clean, &baseline.corrupted);
            self.effects[role][site.layer] +=
                effect::indirect_effect(Direction::Denoise, clean, corrupted, samples);
            self.patched[role][site.layer] += effect::mean(samples);
            self.counts[role][site.layer] += 1;
        }
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder, facts, out] = &arguments[..] else {
        return Err("usage: average_effects NAME MODEL_FOLDER FACTS OUT_STEM".into());
    };
    let LanguageModel { model, tokenizer } = LanguageModel::open(Path::new(folder))?;
    let facts = parse_facts(&std::fs::read_to_string(facts)?)?;
    let subjects: Vec<Vec<u32>> =
        facts.iter().map(|fact| Ok(tokenizer.encode(&fact.subject)?.ids)).collect::<Result<_, Failure>>()?;
    let level = noise_level(NoiseRule::SubjectDeviations(3.0), subject_deviation(&model, &subjects)?);
    let config = TraceConfig {
        components: vec![Component::Residual],
        window: Window { width: 1 },
        direction: Direction::Denoise,
        corruption: Corruption {
            distribution: Distribution::Gaussian,
            level,
            mode: CorruptionMode::Add,
            baseline_mode: CorruptionMode::Add,
            extra_tokens: 0,
            stream: NoiseStream::Independent,
            seed: 1,
            samples: 10,
        },
        engine: Engine::Wavefront,
        memory: 1 << 30,
    };
    let n_layers = model.architecture().n_layers;
    let zeros = || vec![vec![0.0; n_layers]; ROLES.len()];
    let (mut effects, mut patched) = (zeros(), zeros());
    let mut counts = vec![vec![0; n_layers]; ROLES.len()];
    let (mut clean, mut corrupted, mut traced) = (0.0, 0.0, 0);
    for fact in &facts {
        let encoded = tokenizer.encode(&fact.prompt)?;
        let span = subject_span(&fact.prompt, &encoded, &fact.subject)?;
        let prompt = Prompt {
            text: fact.prompt.clone(),
            subject: fact.subject.clone(),
            ids: encoded.ids,
            tokens: encoded.texts,
            subject_span: span.tokens.into(),
        };
        let expected = tokenizer.encode_answer(&fact.attribute)?[0].id;
        let mut sink = Averages {
            prompt: &prompt,
            baseline: None,
            effects: &mut effects,
            patched: &mut patched,
            counts: &mut counts,
        };
        // As ROME does, only facts that the model knows are averaged.
        let predicted = causal_trace_lm::top_predictions(&model.last_logits(&prompt.ids)?, 1)[0].0;
        if predicted != expected {
            continue;
        }
        trace(&model, &prompt, Answer::Token(expected), &config, &mut sink)?;
        if let Some(baseline) = sink.baseline {
            clean += f64::from(baseline.clean);
            corrupted += effect::mean(&baseline.corrupted);
            traced += 1;
        }
    }
    let mean = |sums: &[Vec<f64>], role: usize, layer: usize| sums[role][layer] / counts[role][layer] as f64;
    println!(
        "{traced} of {} facts, mean total effect {:.3}",
        facts.len(),
        (clean - corrupted) / f64::from(traced)
    );
    println!("| role | {} |", (0..n_layers).map(|layer| layer.to_string()).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---|".repeat(n_layers));
    for (role, name) in ROLES.iter().enumerate() {
        let row: Vec<String> =
            (0..n_layers).map(|layer| format!("{:.3}", mean(&effects, role, layer))).collect();
        println!("| {name} | {} |", row.join(" | "));
    }
    let map = HeatMap {
        component: Component::Residual,
        window: 1,
        model: name.clone(),
        tokens: ROLES.map(str::to_owned).to_vec(),
        subject: 0..3,
        n_layers,
        values: (0..ROLES.len())
            .flat_map(|role| (0..n_layers).map(move |layer| (role, layer)))
            .map(|(role, layer)| mean(&patched, role, layer) as f32)
            .collect(),
        clean: (clean / f64::from(traced)) as f32,
        corrupted: (corrupted / f64::from(traced)) as f32,
        answer: "answer".to_owned(),
        direction: Direction::Denoise,
        note: format!("mean over {traced} facts, 10 samples, noise {level:.4} (s3), seed 1"),
    };
    std::fs::write(format!("{out}.svg"), map.svg()?)?;
    std::fs::write(format!("{out}.png"), map.png(PRINT_DPI)?)?;
    Ok(())
}
