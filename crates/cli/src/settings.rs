//! The command line as it is meant: presets and defaults resolved, noise level known.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, Method, NoiseRule, NoiseStream,
    Population, RoleConvention, Spread, TraceConfig, Window,
};
use causal_trace_engine::{noise_level, subject_deviation};
use causal_trace_lm::{LanguageModel, sha256};
use causal_trace_results::{NoiseSource, Target};

use crate::args::{ComponentChoice, CorruptionChoice, MethodArgs, Preset, TargetChoice};
use crate::fact_file::FactFile;
use crate::models::NamedModel;
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

/// Whose probability a sweep measures.
pub(crate) fn target(choice: Option<TargetChoice>, preset: Option<Preset>) -> Target {
    match choice {
        Some(TargetChoice::Predicted) => Target::Predicted,
        Some(TargetChoice::Attribute) => Target::Attribute,
        Some(TargetChoice::LastSubtoken) => Target::LastSubtoken,
        None if preset == Some(Preset::Dannyallover) => Target::LastSubtoken,
        None => Target::Predicted,
    }
}

/// Whose roles the averages of a sweep use.
pub(crate) fn roles(choice: Option<RoleConvention>, preset: Option<Preset>) -> RoleConvention {
    let usual = match preset {
        Some(Preset::Dannyallover) => RoleConvention::Dannyallover,
        _ => RoleConvention::Rome,
    };
    choice.unwrap_or(usual)
}

/// The settings of a trace, and where its noise level comes from if there is noise; `facts` is asked for the subjects
/// that scale the noise only if the rule needs them.
pub(crate) fn resolve(
    args: &MethodArgs,
    model: &NamedModel,
    facts: impl FnOnce() -> Result<FactFile>,
) -> Result<(TraceConfig, Option<NoiseSource>)> {
    check(args)?;
    let lm = &model.lm;
    let defaults = Defaults::of(args.preset, &lm.model.architecture().model_type);
    let (stream, seed) = random(args, &defaults)?;
    let (method, source) = method(args, &defaults, lm, facts)?;
    let is_pair = method == Method::Counterpart;
    let samples = args.samples.unwrap_or(if is_pair { 1 } else { 10 });
    // Pairs differ where their prompts differ, whatever a preset says.
    let usual_extra = if is_pair { 0 } else { defaults.extra_tokens };
    let corruption = Corruption {
        method,
        extra_tokens: args.extra_tokens.unwrap_or(usual_extra),
        stream,
        seed,
        samples,
        fresh_for_each_site: args.fresh_noise,
    };
    let usual_engine = if args.fresh_noise { Engine::Naive } else { Engine::Wavefront };
    let config = TraceConfig {
        components: components(args.component.as_deref().unwrap_or(&[])),
        window: args.window.map_or(Window::ROME, |width| Window { width }),
        residual_window: args.residual_window.map_or(Window::SINGLE, |width| Window { width }),
        metrics: args.metric.clone().unwrap_or_default(),
        direction: args.direction.unwrap_or(Direction::Denoise),
        corruption,
        engine: args.engine.unwrap_or(usual_engine),
        memory: model.states,
        steps: 1,
    };
    Ok((config, source))
}

/// Where what is random comes from.
fn random(args: &MethodArgs, defaults: &Defaults) -> Result<(NoiseStream, u64), Usage> {
    let usual = if args.fresh_noise { NoiseStream::Independent } else { defaults.stream };
    let (stream, seed) = (args.noise_stream.unwrap_or(usual), args.seed.unwrap_or(1));
    if stream == NoiseStream::Rome && seed > u64::from(u32::MAX) {
        let most = u32::MAX;
        let problem = format!(
            "--seed {seed} is too large for the noise stream of rome: NumPy takes seeds up to {most}"
        );
        return Err(Usage(problem));
    }
    Ok((stream, seed))
}

/// Refuses options that have no meaning together, whatever the model.
pub(crate) fn check(args: &MethodArgs) -> Result<(), Usage> {
    // Which stream a preset takes does not depend on the model.
    random(args, &Defaults::of(args.preset, ""))?;
    let kind = args.corruption.unwrap_or(CorruptionChoice::Noise);
    let is_noise = kind == CorruptionChoice::Noise;
    let is_pair = matches!(kind, CorruptionChoice::Swap | CorruptionChoice::Pair);
    let rule_follows = is_noise && args.noise.is_some_and(NoiseRule::needs_population);
    let follows = rule_follows || kind == CorruptionChoice::RandomEmbedding;
    let problem = if args.noise.is_some() && !is_noise {
        "--noise belongs to --corruption noise"
    } else if args.replace && !is_noise {
        "--replace belongs to --corruption noise"
    } else if args.spread.is_some() && kind != CorruptionChoice::RandomEmbedding {
        "--spread belongs to --corruption random-embedding"
    } else if args.corpus.is_some() && !follows {
        "--corpus belongs to --noise t3 or m, or to --corruption random-embedding"
    } else if args.samples.is_some_and(|samples| samples > 1) && is_pair {
        "swap and pair have nothing random: leave --samples out"
    } else if args.extra_tokens.is_some_and(|tokens| tokens > 0) && is_pair {
        "swap and pair differ where their prompts differ: leave --extra-tokens out"
    } else if args.fresh_noise && is_pair {
        "swap and pair have nothing random: leave --fresh-noise out"
    } else if args.fresh_noise && args.engine == Some(Engine::Wavefront) {
        "--fresh-noise takes --engine naive: with other draws for every site the wavefront has nothing to share"
    } else if args.fresh_noise && args.noise_stream == Some(NoiseStream::Rome) {
        "--fresh-noise takes --noise-stream independent: the stream of rome begins afresh for every prompt"
    } else {
        return Ok(());
    };
    Err(Usage(problem.to_owned()))
}

/// The components that some choices stand for: without any, the residual stream.
pub(crate) fn components(choices: &[ComponentChoice]) -> Vec<Component> {
    if choices.is_empty() {
        return vec![Component::Residual];
    }
    let mut components = Vec::new();
    for choice in choices {
        match choice {
            ComponentChoice::All => components.extend(Component::ROME),
            ComponentChoice::One(component) => components.push(*component),
        }
    }
    // In the order of reports, each once.
    components.sort_unstable();
    components.dedup();
    components
}

/// How the corrupted embeddings are made.
fn method(
    args: &MethodArgs,
    defaults: &Defaults,
    lm: &LanguageModel,
    facts: impl FnOnce() -> Result<FactFile>,
) -> Result<(Method, Option<NoiseSource>)> {
    match args.corruption.unwrap_or(CorruptionChoice::Noise) {
        CorruptionChoice::Shuffle => Ok((Method::Shuffle, None)),
        CorruptionChoice::Swap | CorruptionChoice::Pair => Ok((Method::Counterpart, None)),
        CorruptionChoice::RandomEmbedding => {
            let spread = args.spread.unwrap_or(Spread::Covariance);
            Ok((Method::RandomEmbedding { population: population(args, lm)?, spread }, None))
        }
        CorruptionChoice::Noise => {
            let rule = args.noise.unwrap_or(defaults.noise);
            let distribution = match rule {
                NoiseRule::Uniform(_) => Distribution::Uniform,
                NoiseRule::SubjectDeviations(_) | NoiseRule::Gaussian(_) => Distribution::Gaussian,
                NoiseRule::StudentT(degrees) => {
                    Distribution::StudentT { degrees, population: population(args, lm)? }
                }
                NoiseRule::Multivariate => Distribution::Multivariate { population: population(args, lm)? },
            };
            let source = noise_source(rule, facts, lm)?;
            let mode = if args.replace { CorruptionMode::Replace } else { CorruptionMode::Add };
            let baseline_mode = if defaults.baseline_always_adds { CorruptionMode::Add } else { mode };
            let level = source.level;
            Ok((Method::Noise { distribution, level, mode, baseline_mode }, Some(source)))
        }
    }
}

/// The embeddings that a corruption follows.
fn population(args: &MethodArgs, lm: &LanguageModel) -> Result<Population> {
    args.corpus.as_deref().map_or(Ok(Population::Vocabulary), |path| read_corpus(path, lm))
}

fn read_corpus(path: &Path, lm: &LanguageModel) -> Result<Population> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the corpus {name}"))?;
    let mut counts = BTreeMap::new();
    for line in text.split_inclusive('\n') {
        let encoded = lm.tokenizer.encode(line).with_context(|| format!("cannot tokenize {name}"))?;
        let own = encoded.ids.iter().zip(&encoded.special).filter(|(_, is_special)| !**is_special);
        own.for_each(|(&id, _)| *counts.entry(id).or_insert(0) += 1);
    }
    Ok(Population::Text { name, sha256: sha256(text.as_bytes()), counts: counts.into_iter().collect() })
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
    let is_module = |component: &Component| matches!(component, Component::Mlp | Component::Attention);
    if config.components.iter().any(is_module) && width >= n_layers {
        printer.note(&format!(
            "note: a window of {width} layers covers most of a model of {n_layers}; --window 3 shows more"
        ));
    }
}

/// How the corruption is described in one phrase.
pub(crate) fn describe_corruption(config: &TraceConfig, source: Option<&NoiseSource>) -> String {
    let corruption = &config.corruption;
    let samples = corruption.samples;
    let fresh = if corruption.fresh_for_each_site { ", other draws for every site" } else { "" };
    let described = match &corruption.method {
        Method::Counterpart => return "another prompt".to_owned(),
        Method::Shuffle => format!("{samples} other orders of the embeddings"),
        Method::RandomEmbedding { population, spread } => {
            let spread = match spread {
                Spread::Covariance => "covariance",
                Spread::Deviation => "deviation",
            };
            let population = describe_population(population);
            format!("{samples} random embeddings with the mean and {spread} of {population}")
        }
        Method::Noise { distribution, level, mode, .. } => {
            let replaced = match mode {
                CorruptionMode::Add => "",
                CorruptionMode::Replace => " in place of the embeddings",
            };
            format!("{samples} samples of {}{replaced}", describe_noise(distribution, *level, source))
        }
    };
    format!("{described}{fresh}")
}

fn describe_noise(distribution: &Distribution, level: f64, source: Option<&NoiseSource>) -> String {
    let covariance = |population| format!("noise with the covariance of {}", describe_population(population));
    let name = match distribution {
        Distribution::Gaussian => "Gaussian",
        Distribution::Uniform => "uniform",
        Distribution::Multivariate { population } => return format!("Gaussian {}", covariance(population)),
        Distribution::StudentT { degrees, population } => {
            return format!("Student t {} ({degrees} degrees of freedom)", covariance(population));
        }
    };
    let origin = source.and_then(|source| {
        let (deviation, facts) = (source.subject_deviation?, source.facts.as_ref()?);
        let factor = source.rule.trim_start_matches('s');
        Some(format!(" ({} = {factor} x {deviation:.4} over {facts})", source.rule))
    });
    format!("{name} noise {level:.4}{}", origin.unwrap_or_default())
}

fn describe_population(population: &Population) -> String {
    match population {
        Population::Vocabulary => "the whole embedding matrix".to_owned(),
        Population::Text { name, .. } => format!("the tokens of {name}"),
    }
}
