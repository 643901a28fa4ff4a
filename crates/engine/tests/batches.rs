//! Several prompts in one sweep: the bits of each alone, whatever is beside it, and faults that stay where they
//! belong.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

mod support;

use std::ops::ControlFlow;

use causal_trace_core::{Direction, Engine, Prompt, TraceConfig, TraceRecord};
use causal_trace_engine::{Answer, Case, TraceError, trace, trace_batch};
use causal_trace_lm::{Model, ModelError};
use rayon::ThreadPoolBuilder;
use support::{Family, families, prompt};

/// Prompts of unlike lengths and subjects, among them one whose sites are all known beforehand.
fn prompts(family: &Family) -> Vec<Prompt> {
    let mut prompts = family.prompts.clone();
    prompts.extend([
        prompt(&[7], 0..1),
        prompt(&[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9], 2..4),
        prompt(&[2, 7, 1, 8, 2, 8], 5..6),
        prompt(&[5, 7], 0..2),
    ]);
    prompts
}

fn answer_of(index: usize) -> Answer {
    if index.is_multiple_of(3) { Answer::Token(11 + index as u32) } else { Answer::Predicted }
}

fn unmeasured(model: &Model, prompt: &Prompt, config: &TraceConfig) -> TraceRecord {
    TraceRecord::unmeasured(prompt.clone(), config.clone(), model.architecture().n_layers)
}

fn alone(model: &Model, prompt: &Prompt, answer: Answer, config: &TraceConfig) -> TraceRecord {
    let mut record = unmeasured(model, prompt, config);
    trace(model, prompt, answer, config, &mut record).unwrap();
    record
}

fn together(model: &Model, cases: &[Case<'_>], config: &TraceConfig) -> Vec<Result<TraceRecord, TraceError>> {
    let mut records: Vec<TraceRecord> =
        cases.iter().map(|case| unmeasured(model, case.prompt, config)).collect();
    let mut steps = Vec::new();
    let done = trace_batch(model, cases, config, &mut records, &mut |done, total| {
        steps.push((done, total));
        ControlFlow::Continue(())
    });
    let done = done.unwrap();
    assert!(steps.is_sorted() && steps.iter().all(|(done, total)| done <= total), "{steps:?}");
    done.into_iter().zip(records).map(|(done, record)| done.map(|()| record)).collect()
}

#[test]
fn a_batch_gives_the_bits_of_each_prompt_alone() {
    for family in families() {
        let (model, prompts) = (&family.model, prompts(family));
        for direction in [Direction::Denoise, Direction::Noise] {
            let config = TraceConfig { direction, ..family.config(Engine::Wavefront) };
            let expected: Vec<TraceRecord> = prompts
                .iter()
                .enumerate()
                .map(|(index, prompt)| alone(model, prompt, answer_of(index), &config))
                .collect();
            for (first, memory, threads) in [(0, 1 << 30, 1), (3, 1 << 20, 2), (5, 200_000, 3), (1, 1, 1)] {
                let config = TraceConfig { memory, ..config.clone() };
                let mut order: Vec<usize> = (0..prompts.len()).collect();
                order.rotate_left(first);
                let case = |&index: &usize| Case::new(&prompts[index], answer_of(index));
                let cases: Vec<Case<'_>> = order.iter().map(case).collect();
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = pool.install(|| together(model, &cases, &config));
                for (&index, found) in order.iter().zip(found) {
                    let (found, expected) = (found.unwrap(), &expected[index]);
                    assert_eq!(found.baseline, expected.baseline, "{} prompt {index}", family.name);
                    assert!(found.grids == expected.grids, "{} prompt {index}, {memory} B", family.name);
                }
            }
        }
        println!("{}: {} prompts together and alone, the same bits", family.name, prompts.len());
    }
}

#[test]
fn both_engines_give_a_batch_the_same_numbers() {
    let family = &families()[0];
    let prompts = prompts(family);
    let cases: Vec<Case<'_>> = prompts.iter().map(|prompt| Case::new(prompt, Answer::Predicted)).collect();
    let [naive, wavefront] = [Engine::Naive, Engine::Wavefront]
        .map(|engine| together(&family.model, &cases, &family.config(engine)));
    for (naive, wavefront) in naive.into_iter().zip(wavefront) {
        for (naive, wavefront) in naive.unwrap().grids.iter().zip(&wavefront.unwrap().grids) {
            assert!(support::largest_difference(&naive.samples, &wavefront.samples) <= 1e-5);
        }
    }
}

#[test]
fn a_prompt_that_cannot_be_traced_leaves_the_others_alone() {
    let family = &families()[0];
    let architecture = family.model.architecture();
    let good = &family.prompts[0];
    let empty_span = Prompt { subject_span: (1..1).into(), ..good.clone() };
    let too_long = prompt(&vec![1; architecture.max_positions + 1], 0..1);
    let outside = Answer::Token(architecture.d_vocab as u32);
    for engine in [Engine::Naive, Engine::Wavefront] {
        let config = family.config(engine);
        let cases = [
            Case::new(&empty_span, Answer::Predicted),
            Case::new(good, Answer::Predicted),
            Case::new(&too_long, Answer::Predicted),
            Case::new(good, outside),
            Case::new(good, Answer::Predicted),
        ];
        let found = together(&family.model, &cases, &config);
        assert!(matches!(found[0], Err(TraceError::EmptySpan { .. })));
        assert!(matches!(found[2], Err(TraceError::Model(ModelError::TooLong { .. }))));
        assert!(matches!(found[3], Err(TraceError::Model(ModelError::TokenOutside { .. }))));
        let expected = alone(&family.model, good, Answer::Predicted, &config);
        assert_eq!(found[1].as_ref().unwrap(), &expected);
        assert_eq!(found[4].as_ref().unwrap(), &expected);
    }
}

#[test]
fn a_setting_outside_its_range_is_an_error_of_the_batch() {
    let family = &families()[0];
    let mut config = family.config(Engine::Wavefront);
    config.corruption.samples = 0;
    let cases = [Case::new(&family.prompts[0], Answer::Predicted)];
    let mut records = [unmeasured(&family.model, &family.prompts[0], &config)];
    let mut go_on = |_, _| ControlFlow::Continue(());
    let error = trace_batch(&family.model, &cases, &config, &mut records, &mut go_on).unwrap_err();
    assert!(matches!(error, TraceError::Setting { what: "samples", .. }), "{error}");
    let config = family.config(Engine::Wavefront);
    let none = trace_batch::<TraceRecord>(&family.model, &[], &config, &mut [], &mut go_on);
    assert!(none.unwrap().is_empty());
}

#[test]
fn predictions_of_several_prompts_equal_each_alone() {
    for family in families() {
        let prompts = prompts(family);
        let too_long = vec![1; family.model.architecture().max_positions + 1];
        let mut ids: Vec<&[u32]> = prompts.iter().map(|prompt| &prompt.ids[..]).collect();
        ids.insert(1, &too_long);
        ids.push(&[]);
        let together = family.model.last_logits_of(&ids).unwrap();
        assert_eq!(together.len(), ids.len());
        for (ids, found) in ids.iter().zip(together) {
            match (family.model.last_logits(ids), found) {
                (Ok(alone), Ok(found)) => assert!(alone == found, "{} {ids:?}", family.name),
                (Err(alone), Err(found)) => assert_eq!(alone.to_string(), found.to_string()),
                (alone, found) => panic!("{}: {alone:?} alone, {found:?} together", family.name),
            }
        }
        assert!(family.model.last_logits_of(&[]).unwrap().is_empty());
    }
}
