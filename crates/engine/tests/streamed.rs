//! A model whose layers are read from its files gives the bits of the same model in memory.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

mod support;

use std::ops::ControlFlow;

use causal_trace_core::{Component, Direction, Engine, Metric, Precision, TraceConfig, TraceRecord};
use causal_trace_engine::{Answer, Case, trace_batch};
use causal_trace_lm::{LanguageModel, Model, Placement};
use support::{Family, families, traced};

fn streamed(family: &Family) -> Model {
    LanguageModel::open(&family.folder, Precision::F32, Placement::Streamed).unwrap().model
}

#[test]
fn the_wavefront_gives_the_same_bits_in_any_number_of_turns() {
    for family in families() {
        let model = streamed(family);
        for (direction, memory) in [(Direction::Denoise, 1 << 30), (Direction::Noise, 400_000)] {
            let components = [&Component::ROME[..], &[Component::MlpSevered]].concat();
            let config = TraceConfig { components, direction, memory, ..family.config(Engine::Wavefront) };
            let cases =
                Vec::from_iter(family.prompts.iter().map(|prompt| Case::new(prompt, Answer::Predicted)));
            let trace = |model: &Model| {
                let unmeasured = |case: &Case<'_>| {
                    TraceRecord::unmeasured(
                        case.prompt.clone(),
                        config.clone(),
                        model.architecture().n_layers,
                    )
                };
                let mut records: Vec<TraceRecord> = cases.iter().map(unmeasured).collect();
                let mut go_on = |_, _| ControlFlow::Continue(());
                let traced = trace_batch(model, &cases, &config, &mut records, &mut go_on).unwrap();
                traced.into_iter().for_each(Result::unwrap);
                records
            };
            assert!(trace(&model) == trace(&family.model), "{}, {memory} B", family.name);
        }
    }
}

#[test]
fn so_do_the_naive_engine_and_metrics_of_other_tokens() {
    for family in families().iter().filter(|family| ["gptj", "gemma2"].contains(&&family.name[..])) {
        let (model, prompt) = (streamed(family), &family.prompts[0]);
        for engine in [Engine::Naive, Engine::Wavefront] {
            let config = TraceConfig {
                components: vec![Component::Residual],
                metrics: vec![Metric::LogitDifference, Metric::KlDivergence],
                ..family.config(engine)
            };
            let found = traced(&model, prompt, &config).unwrap();
            assert!(found == traced(&family.model, prompt, &config).unwrap(), "{} {engine}", family.name);
        }
    }
}
