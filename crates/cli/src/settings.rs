//! The command line as it is meant: presets and defaults resolved, noise level known.

use anyhow::{Context, Result};
use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, NoiseRule, NoiseStream,
    TraceConfig, Window,
};
use causal_trace_engine::{noise_level, subject_deviation};
use causal_trace_lm::LanguageModel;
use causal_trace_results::NoiseSource;

use crate::args::{ComponentChoice, MethodArgs, Preset};
use crate::fact_file::FactFile;
use crate::memory;
use crate::printer::Printer;
use crate::usage::Usage;

/// What a preset changes in the defaults; options that were given win.
struct Defaults {
    noise: NoiseRule,
    stream: NoiseStream,
    /// ROME's baseline adds noise even where its patched runs replace.
    baseline_always_adds: bool,
    /// dannyallover's slice of noise is one token too long.
    extra_tokens: usize,
}

impl Defaults {
    fn of(preset: Option<Preset>, model_type: &str) -> Self {
        let ours = Defaults {
            noise: NoiseRule::SubjectDeviations(3.0),
            stream: NoiseStream::Independent,
            baseline_always_adds: false,
            extra_tokens: 0,
        };
        match preset {
            None => ours,
            Some(Preset::Rome) => Defaults { stream: NoiseStream::Rome, baseline_always_adds: true, ..ours },
            Some(Preset::Dannyallover) => {
                let level = if model_type == "gptj" { 0.025 } else { 0.1 };
                Defaults { noise: NoiseRule::Gaussian(level), extra_tokens: 1, ..ours }
            }
        }
    }
}

/// The settings of a trace, and where its noise level comes from; `facts` is asked for the subjects that scale the
/// noise only if the rule needs them.
pub(crate) fn resolve(
    args: &MethodArgs,
    lm: &LanguageModel,
    facts: impl FnOnce() -> Result<FactFile>,
) -> Result<(TraceConfig, NoiseSource)> {
    let defaults = Defaults::of(args.preset, &lm.model.architecture().model_type);
    let rule = args.noise.unwrap_or(defaults.noise);
    let source = noise_source(rule, facts, lm)?;
    let stream = args.noise_stream.unwrap_or(defaults.stream);
    let seed = args.seed.unwrap_or(1);
    if stream == NoiseStream::Rome && seed > u64::from(u32::MAX) {
        let most = u32::MAX;
        let problem = format!(
            "--seed {seed} is too large for the noise stream of rome: NumPy takes seeds up to {most}"
        );
        return Err(Usage(problem).into());
    }
    let mode = if args.replace { CorruptionMode::Replace } else { CorruptionMode::Add };
    let distribution = match rule {
        NoiseRule::Uniform(_) => Distribution::Uniform,
        NoiseRule::SubjectDeviations(_) | NoiseRule::Gaussian(_) => Distribution::Gaussian,
    };
    let corruption = Corruption {
        distribution,
        level: source.level,
        mode,
        baseline_mode: if defaults.baseline_always_adds { CorruptionMode::Add } else { mode },
        extra_tokens: defaults.extra_tokens,
        stream,
        seed,
        samples: args.samples.unwrap_or(10),
    };
    let config = TraceConfig {
        components: components(args.component.unwrap_or(ComponentChoice::Residual)),
        window: args.window.map_or(Window::ROME, |width| Window { width }),
        direction: args.direction.unwrap_or(Direction::Denoise),
        corruption,
        engine: args.engine.unwrap_or(Engine::Wavefront),
        memory: args.memory.unwrap_or_else(memory::default_budget),
    };
    Ok((config, source))
}

/// The components that a choice stands for.
pub(crate) fn components(choice: ComponentChoice) -> Vec<Component> {
    match choice {
        ComponentChoice::Residual => vec![Component::Residual],
        ComponentChoice::Mlp => vec![Component::Mlp],
        ComponentChoice::Attn => vec![Component::Attention],
        ComponentChoice::All => Component::ALL.to_vec(),
    }
}

fn noise_source(
    rule: NoiseRule,
    facts: impl FnOnce() -> Result<FactFile>,
    lm: &LanguageModel,
) -> Result<NoiseSource> {
    let NoiseRule::SubjectDeviations(_) = rule else {
        let level = noise_level(rule, 0.0);
        return Ok(NoiseSource { rule: rule.to_string(), level, subject_deviation: None, facts: None });
    };
    let FactFile { name, facts, .. } = facts()?;
    // A fact without a subject is left out of a sweep, with that reason; it has no part in the scale.
    let subjects = facts
        .iter()
        .filter(|fact| !fact.subject.trim().is_empty())
        .map(|fact| {
            let encoded = lm.tokenizer.encode(&fact.subject);
            Ok(encoded.with_context(|| format!("cannot tokenize the subject of fact {}", fact.known_id))?.ids)
        })
        .collect::<Result<Vec<Vec<u32>>>>()
        .with_context(|| name.clone())?;
    let deviation = subject_deviation(&lm.model, &subjects)
        .with_context(|| format!("cannot compute the noise level over the subjects of {name}"))?;
    Ok(NoiseSource {
        rule: rule.to_string(),
        level: noise_level(rule, deviation),
        subject_deviation: Some(deviation),
        facts: Some(name),
    })
}

/// Says so where a window leaves little to see.
pub(crate) fn note_wide_window(config: &TraceConfig, n_layers: usize, printer: &Printer) {
    let width = config.window.width;
    if config.components.iter().any(|component| component.is_windowed()) && width >= n_layers {
        printer.note(&format!(
            "note: a window of {width} layers covers most of a model of {n_layers}; --window 3 shows more"
        ));
    }
}

/// How the noise is described in one phrase.
pub(crate) fn describe_noise(config: &TraceConfig, source: &NoiseSource) -> String {
    let corruption = &config.corruption;
    let distribution = match corruption.distribution {
        Distribution::Gaussian => "Gaussian",
        Distribution::Uniform => "uniform",
    };
    let replaced = match corruption.mode {
        CorruptionMode::Add => "",
        CorruptionMode::Replace => " in place of the embeddings",
    };
    let origin = match (source.subject_deviation, &source.facts) {
        (Some(deviation), Some(facts)) => {
            format!(
                " ({} = {} x {deviation:.4} over {facts})",
                source.rule,
                source.rule.trim_start_matches('s')
            )
        }
        _ => String::new(),
    };
    format!(
        "{} samples of {distribution} noise {:.4}{replaced}{origin}",
        corruption.samples, corruption.level
    )
}
