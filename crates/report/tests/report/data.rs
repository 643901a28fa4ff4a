//! Made-up results folders: records and summaries with the two sites of the paper, the same on every machine.

use std::collections::BTreeMap;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Fact, Method, Metric, NoiseStream, Role,
    RoleConvention, Window,
};
use causal_trace_results::statistics::{ComponentSummary, RoleTable, Summary};
use causal_trace_results::{
    EffectGrid, FORMAT, FORMAT_VERSION, FactsIdentity, Manifest, ModelIdentity, NoiseSource, Outcome,
    PromptRecord, Settings, Target, TracedPrompt,
};

/// The tokens of every role.
pub(crate) const COUNTS: [usize; 6] = [120, 246, 118, 120, 301, 117];
/// A role that no token has, where there is one.
pub(crate) const EMPTY_ROLE: usize = 1;

/// What made a folder.
pub(crate) fn manifest(model: &str, n_layers: usize) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        program: "causal-trace 0.1.0".to_owned(),
        model: ModelIdentity::named(model, n_layers),
        facts: vec![FactsIdentity {
            name: "data/known_1000.json".to_owned(),
            sha256: None,
            n_facts: 120,
            selection: "sample 120 seed 1".to_owned(),
        }],
        target: Target::Predicted,
        settings: Settings {
            components: Component::ROME.to_vec(),
            window: Window { width: 10 },
            residual_window: Window::SINGLE,
            metrics: Vec::new(),
            roles: RoleConvention::Rome,
            counterparts: None,
            direction: Direction::Denoise,
            corruption: Some(Corruption {
                method: Method::Noise {
                    distribution: Distribution::Gaussian,
                    level: 0.1338,
                    mode: CorruptionMode::Add,
                    baseline_mode: CorruptionMode::Add,
                },
                extra_tokens: 0,
                stream: NoiseStream::Independent,
                seed: 1,
                samples: 10,
                fresh_for_each_site: false,
            }),
            noise: Some(NoiseSource {
                rule: "s3".to_owned(),
                level: 0.1338,
                subject_deviation: None,
                facts: None,
            }),
            engine: None,
            precision: Some("f32".to_owned()),
        },
        parts: Vec::new(),
    }
}

/// From 0 up to 1 at a depth and down again, piecewise quadratic.
fn bump(depth: f64, around: f64, width: f64) -> f64 {
    (1.0 - ((depth - around) / (2.0 * width)).powi(2)).max(0.0).powi(2)
}

/// The mean effect at a role and depth: early at the subject's last token, late at the last token.
fn effect(component: Component, role: usize, depth: f64) -> f64 {
    let [early, late] = match component {
        Component::ResidPre | Component::ResidMid => {
            [0.1 * bump(depth, 0.35, 0.25), 0.2 * bump(depth, 1.0, 0.3)]
        }
        Component::MlpSevered => [0.04 * bump(depth, 0.2, 0.25), 0.19 * bump(depth, 1.0, 0.3)],
        Component::AttentionSevered => [0.1 * bump(depth, 0.3, 0.22), 0.18 * bump(depth, 1.0, 0.3)],
        Component::Residual => [0.11 * bump(depth, 0.3, 0.25), 0.2 * bump(depth, 1.0, 0.3)],
        Component::Mlp => [0.07 * bump(depth, 0.35, 0.15), 0.02 * bump(depth, 0.8, 0.1)],
        Component::Attention => [0.01 * bump(depth, 0.1, 0.1), 0.12 * bump(depth, 0.7, 0.2)],
    };
    match role {
        2 => early,
        5 => late,
        0 | 1 => 0.3 * early - 0.002 * role as f64,
        _ => 0.1 * late - 0.004 * bump(depth, 0.5, 0.2),
    }
}

fn table(n_layers: usize, number: impl Fn(usize, f64) -> f64) -> RoleTable {
    let row = |role: usize| (0..n_layers).map(|layer| number(role, layer as f64 / n_layers as f64)).collect();
    (0..6).map(row).collect()
}

/// The averages of one component; without any token of [`EMPTY_ROLE`] if asked.
fn component(component: Component, n_layers: usize, has_empty_role: bool) -> ComponentSummary {
    let of = |factor: f64, offset: f64| {
        let mut table = table(n_layers, |role, depth| factor * effect(component, role, depth) + offset);
        if has_empty_role {
            table[EMPTY_ROLE].fill(f64::NAN);
        }
        table
    };
    let mut counts = COUNTS;
    counts[EMPTY_ROLE] = if has_empty_role { 0 } else { counts[EMPTY_ROLE] };
    let peak = |role: usize, depth: f64| (150.0 * effect(component, role, depth).max(0.0)).round() as usize;
    let peaks = |role: usize| (0..n_layers).map(|layer| peak(role, layer as f64 / n_layers as f64)).collect();
    ComponentSummary {
        layers: n_layers,
        window: component.window(Window::ROME, Window::SINGLE).width,
        roles: Role::ALL.map(Role::name),
        counts,
        prompt_counts: counts,
        average_indirect_effect: of(1.0, 0.0),
        sd_indirect_effect: of(1.4, 0.01),
        average_percent_improvement: of(4.0, -0.05),
        sd_percent_improvement: of(60.0, 1.0),
        wrong_direction_share: of(-2.0, 0.5),
        ci95_low: of(0.9, -0.004),
        ci95_high: of(1.1, 0.004),
        peaks: (0..6).map(peaks).collect(),
        role_peaks: (0..6)
            .map(|role| (0..n_layers).map(|layer| (7 * role + 3 * layer) % 11).collect())
            .collect(),
        without_peak: 3,
        noise_error: of(0.1, 0.001),
    }
}

/// The averages of a folder.
pub(crate) fn summary(
    model: &str,
    n_layers: usize,
    components: &[Component],
    has_empty_role: bool,
) -> Summary {
    Summary {
        model: model.to_owned(),
        prompts: 120,
        skipped: BTreeMap::new(),
        selection: "all".to_owned(),
        role_convention: RoleConvention::Rome,
        direction: Direction::Denoise,
        metric: Metric::Probability,
        average_total_effect: 0.197,
        ci95_total_effect: [0.171, 0.224],
        mean_clean: 0.261,
        mean_corrupted: 0.064,
        bootstrap_seed: 0,
        bootstrap_draws: 1000,
        components: components
            .iter()
            .map(|&which| (which, component(which, n_layers, has_empty_role)))
            .collect(),
    }
}

/// A traced prompt with some noise draws; its last token has no effect below 0, others have.
pub(crate) fn record(tokens: &[&str], subject: std::ops::Range<usize>, n_layers: usize) -> PromptRecord {
    const DRAWS: usize = 4;
    let corrupted: Vec<f32> = (0..DRAWS).map(|draw| 0.05 + 0.02 * draw as f32).collect();
    let (clean, mean) = (0.923, 0.08);
    let grid = |component: Component| {
        let mut samples = Vec::new();
        for token in 0..tokens.len() {
            let role = if token + 1 == tokens.len() {
                5
            } else if token + 1 == subject.end {
                2
            } else {
                usize::from(token >= subject.end) * 4
            };
            for layer in 0..n_layers {
                let effect = 3.0 * effect(component, role, layer as f64 / n_layers as f64);
                let draw = |draw: usize| corrupted[draw] + (effect * (0.6 + 0.25 * draw as f64)) as f32;
                samples.extend((0..DRAWS).map(draw));
            }
        }
        let patched: Vec<f64> = samples
            .chunks(DRAWS)
            .map(|site| site.iter().copied().map(f64::from).sum::<f64>() / 4.0)
            .collect();
        let indirect_effect: Vec<f64> = patched.iter().map(|patched| patched - mean).collect();
        let percent_improvement = indirect_effect.iter().map(|effect| effect / (clean - mean)).collect();
        EffectGrid {
            component,
            metric: Metric::Probability,
            n_layers,
            patched,
            indirect_effect,
            percent_improvement,
            samples,
        }
    };
    let traced = TracedPrompt {
        answer: " Seattle".to_owned(),
        answer_id: Some(7312),
        correct_prediction: true,
        clean,
        corrupted: mean,
        corrupted_samples: corrupted.clone(),
        noise_level: Some(0.1338),
        foil: None,
        others: Vec::new(),
        grids: Component::ROME.map(grid).to_vec(),
    };
    PromptRecord {
        fact: Fact {
            known_id: 12,
            subject: tokens[subject.clone()].concat(),
            attribute: "Seattle".to_owned(),
            prompt: tokens.concat(),
            template: None,
            prediction: None,
            relation_id: None,
            relation: None,
            counterpart: None,
            foil: None,
        },
        ids: Vec::new(),
        tokens: tokens.iter().map(|&token| token.to_owned()).collect(),
        subject: Some(subject.into()),
        subject_occurrences: 1,
        counterpart: None,
        outcome: Outcome::Traced(traced),
    }
}

/// The numbers of a record.
pub(crate) fn traced(record: &mut PromptRecord) -> &mut TracedPrompt {
    match &mut record.outcome {
        Outcome::Traced(traced) => traced,
        Outcome::Skipped(_) => unreachable!("made-up records are traced"),
    }
}
