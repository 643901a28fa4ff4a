//! Baselines without patched runs: the bits of whole traces at each level.

#![expect(clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

mod support;

use std::ops::ControlFlow;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Distribution, Engine, Method, Metric, NoiseStream, TraceConfig,
};
use causal_trace_engine::{Answer, Case, TraceError, baselines};
use causal_trace_lm::ModelError;
use rayon::ThreadPoolBuilder;
use support::{families, noise, prompt, traced_case};

const LEVELS: [f64; 4] = [0.0, 0.02, 0.5, 30.0];

fn on(_: usize, _: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn every_level_has_the_bits_of_a_whole_trace_there() {
    for (index, family) in families().iter().enumerate() {
        let mut prompts = family.prompts.clone();
        prompts.extend([prompt(&[3, 1, 4, 1, 5, 9, 2, 6], 2..4), prompt(&[2, 7, 1, 8], 3..4)]);
        let stream = if index % 2 == 0 { NoiseStream::Rome } else { NoiseStream::Independent };
        let distribution = if index % 3 == 0 { Distribution::Uniform } else { Distribution::Gaussian };
        // ROME's baseline adds even where its patched runs replace.
        let method = Method::Noise {
            distribution,
            level: 1.0,
            mode: CorruptionMode::Replace,
            baseline_mode: CorruptionMode::Add,
        };
        let whole = family.config(Engine::Wavefront);
        let corruption = Corruption { method, stream, ..whole.corruption.clone() };
        let config = TraceConfig {
            components: vec![Component::Residual],
            metrics: vec![Metric::Rank],
            corruption,
            ..whole
        };
        let answer = |index: usize| if index == 1 { Answer::Token(5) } else { Answer::Predicted };
        let cases: Vec<Case<'_>> =
            prompts.iter().enumerate().map(|(index, prompt)| Case::new(prompt, answer(index))).collect();
        let at = |case: &Case<'_>, level: f64| {
            let mut config = config.clone();
            if let Method::Noise { level: of_trace, .. } = &mut config.corruption.method {
                *of_trace = level;
            }
            traced_case(&family.model, *case, &config).unwrap().baseline
        };
        let expected: Vec<Vec<_>> =
            cases.iter().map(|case| LEVELS.into_iter().map(|level| at(case, level)).collect()).collect();
        for (memory, threads) in [(1 << 30, 2), (1, 1), (40_000_000, 3)] {
            let config = TraceConfig { memory, ..config.clone() };
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| baselines(&family.model, &cases, &config, &LEVELS, &mut on)).unwrap();
            let found: Vec<Vec<_>> = found.into_iter().map(Result::unwrap).collect();
            assert!(found == expected, "{}, {memory} B", family.name);
        }
    }
}

#[test]
fn a_faulty_prompt_does_not_keep_the_others() {
    let family = &families()[0];
    let good = prompt(&[3, 1, 4, 1], 1..3);
    let (unknown, empty) = (prompt(&[3, 1_000_000], 0..1), prompt(&[3, 1], 1..1));
    let cases = [&unknown, &good, &empty].map(|prompt| Case::new(prompt, Answer::Predicted));
    let config = family.config(Engine::Wavefront);
    let found = baselines(&family.model, &cases, &config, &LEVELS, &mut on).unwrap();
    assert!(matches!(found[0], Err(TraceError::Model(ModelError::TokenOutside { .. }))), "{found:?}");
    let good = found[1].as_ref().unwrap();
    assert!(good.len() == LEVELS.len() && good[0].total_effect() == 0.0 && good[3].total_effect() != 0.0);
    assert!(matches!(found[2], Err(TraceError::EmptySpan { .. })), "{found:?}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let family = &families()[0];
    let one = prompt(&[3, 1, 4, 1], 1..3);
    let cases = [Case::new(&one, Answer::Predicted)];
    let config = family.config(Engine::Wavefront);
    let refused = |config: &TraceConfig, levels: &[f64]| {
        baselines(&family.model, &cases, config, levels, &mut on).unwrap_err().to_string()
    };
    let with = |method| {
        let corruption = Corruption { method, ..config.corruption.clone() };
        TraceConfig { corruption, ..config.clone() }
    };
    assert!(refused(&with(Method::Shuffle), &LEVELS).contains("noise, which is what has levels"));
    assert!(refused(&with(noise(Distribution::Gaussian, 1.0)), &[f64::NAN]).contains("noise level is NaN"));
    let kl = TraceConfig { metrics: vec![Metric::KlDivergence], ..config.clone() };
    assert!(refused(&kl, &LEVELS).contains("metric is kl_divergence"));
    let ended = baselines(&family.model, &cases, &config, &LEVELS, &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(ended, Err(TraceError::Cancelled)));
}
