//! Chunks, read back by a decoder that shares nothing with the one that wrote them.

use causal_trace_core::{Component, Direction, Metric, effect};
use causal_trace_report::page::{SampleEncoding, encode_chunk};
use causal_trace_results::{EffectGrid, Outcome, PromptRecord, SkipReason};
use serde_json::Value;

use crate::made_up::{LAYERS, SAMPLES, manifest, noisy, skipped};

/// A chunk's header and its numbers.
pub(crate) struct Decoded {
    pub(crate) prompts: Vec<Value>,
    floats: Vec<f32>,
    steps: Vec<u16>,
}

pub(crate) fn decoded(chunk: &[u8]) -> Decoded {
    let header_length = u32::from_le_bytes(chunk[..4].try_into().unwrap()) as usize;
    let (header, numbers) = chunk[4..].split_at(header_length);
    let header: Value = serde_json::from_slice(header).unwrap();
    let count = |key: &str| header[key].as_u64().unwrap() as usize;
    let (n_floats, n_steps) = (count("floats"), count("steps"));
    assert_eq!(numbers.len(), 4 * n_floats + 2 * n_steps);
    let (floats, steps) = numbers.split_at(4 * n_floats);
    let float = |at: usize| f32::from_le_bytes([0, 1, 2, 3].map(|plane| floats[plane * n_floats + at]));
    let step = |at: usize| u16::from_le_bytes([0, 1].map(|plane| steps[plane * n_steps + at]));
    Decoded {
        prompts: header["prompts"].as_array().unwrap().clone(),
        floats: (0..n_floats).map(float).collect(),
        steps: (0..n_steps).map(step).collect(),
    }
}

impl Decoded {
    fn floats(&self, first: &Value, n: usize) -> &[f32] {
        &self.floats[first.as_u64().unwrap() as usize..][..n]
    }

    /// The samples, and how far the nearest of the steps may be from each.
    fn samples(&self, samples: &Value, n: usize) -> Vec<(f64, f64)> {
        if samples.get("floats").is_some() {
            let floats = self.floats(&samples["floats"], n);
            return floats.iter().map(|&sample| (f64::from(sample), 0.0)).collect();
        }
        let number = |key: &str| samples[key].as_f64().unwrap();
        let (low, high, most) = (number("low"), number("high"), number("most"));
        let (difference, ratio) = ((high - low) / most, (high / low).powf(1.0 / most));
        let steps = &self.steps[number("steps") as usize..][..n];
        let of_step = |&at: &u16| {
            if samples["spacing"] == "equal" {
                return (low + f64::from(at) * difference, 0.5001 * difference);
            }
            assert_eq!(samples["spacing"], "ratio");
            let sample = low * ratio.powf(f64::from(at));
            (sample, 0.5001 * sample * (ratio - 1.0))
        };
        steps.iter().map(of_step).collect()
    }
}

/// The chunk says of a grid what the record says.
pub(crate) fn assert_same(decoded: &Decoded, prompt: &Value, record: &PromptRecord, direction: Direction) {
    let traced = record.traced().unwrap();
    assert_eq!(prompt["id"], record.fact.known_id);
    assert_eq!(prompt["tokens"], serde_json::json!(record.tokens));
    assert_eq!(prompt["token_ids"], serde_json::json!(record.ids));
    assert_eq!(prompt["answer"], traced.answer.as_str());
    let grids = prompt["grids"].as_array().unwrap();
    assert_eq!(grids.len(), traced.grids.len());
    for (found, grid) in grids.iter().zip(&traced.grids) {
        let n = grid.patched.len();
        assert_eq!(found["component"], grid.component.name());
        assert_eq!(found["metric"], grid.metric.name());
        assert_eq!(
            (&found["n_layers"], &found["n_samples"]),
            (&grid.n_layers.into(), &grid.n_samples().into())
        );
        let (clean, corrupted) = traced.baseline_in(grid.metric).unwrap();
        assert_eq!((&found["clean"], &found["corrupted"]), (&clean.into(), &corrupted.into()));
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        assert_eq!(decoded.floats(&found["indirect_effect"], n), single(&grid.indirect_effect));
        assert_eq!(decoded.floats(&found["percent_improvement"], n), single(&grid.percent_improvement));
        assert_patched(decoded, &found["patched"], grid);
        assert_errors(
            decoded,
            &found["noise_error"],
            traced.corrupted_samples_in(grid.metric).unwrap(),
            grid,
            direction,
        );
    }
}

fn assert_patched(decoded: &Decoded, patched: &Value, grid: &EffectGrid) {
    let n = grid.patched.len();
    if let Some(base) = patched["base"].as_f64() {
        for (&patched, &effect) in grid.patched.iter().zip(&grid.indirect_effect) {
            let told = base + f64::from(effect as f32);
            let largest = base.abs().max(patched.abs());
            assert!((told - patched).abs() <= f64::from(f32::EPSILON) * largest, "{told} for {patched}");
        }
    } else {
        let floats: Vec<f32> = grid.patched.iter().map(|&value| value as f32).collect();
        assert_eq!(decoded.floats(&patched["floats"], n), floats);
    }
}

fn assert_errors(
    decoded: &Decoded,
    errors: &Value,
    corrupted: &[f32],
    grid: &EffectGrid,
    direction: Direction,
) {
    let expected: Option<Vec<f32>> = (0..grid.patched.len())
        .map(|site| {
            let (token, layer) = (site / grid.n_layers, site % grid.n_layers);
            let error = effect::indirect_effect_error(direction, corrupted, grid.samples_at(token, layer))?;
            Some(error as f32)
        })
        .collect();
    match expected {
        Some(expected) => assert_eq!(decoded.floats(errors, grid.patched.len()), expected),
        None => assert!(errors.is_null()),
    }
}

#[test]
fn every_number_comes_back() {
    let manifest =
        manifest(&[Component::Residual, Component::Attention], &[Metric::LogProbability, Metric::Logit]);
    let records: Vec<_> = (0..5).map(|id| noisy(&manifest, id)).collect();
    for encoding in [SampleEncoding::Float, SampleEncoding::Steps, SampleEncoding::Omitted] {
        let chunk = decoded(&encode_chunk(Direction::Denoise, &records, encoding));
        assert_eq!(chunk.prompts.len(), 5);
        for (prompt, record) in chunk.prompts.iter().zip(&records) {
            assert_same(&chunk, prompt, record, Direction::Denoise);
            for (found, grid) in
                prompt["grids"].as_array().unwrap().iter().zip(&record.traced().unwrap().grids)
            {
                let is_small = |&patched: &f64| (0.0..1e-3).contains(&patched);
                let is_told = found["patched"]["base"].is_number();
                assert!(is_told || grid.patched.iter().any(is_small), "IE tells it");
                if encoding == SampleEncoding::Omitted {
                    assert!(found["samples"].is_null());
                    continue;
                }
                let samples = chunk.samples(&found["samples"], grid.samples.len());
                for (&(sample, error), &was) in samples.iter().zip(&grid.samples) {
                    assert_eq!(error == 0.0, encoding == SampleEncoding::Float);
                    assert!((sample - f64::from(was)).abs() <= error, "{sample} for {was}");
                }
            }
        }
    }
}

#[test]
fn effects_of_noising_are_counted_from_the_clean_run() {
    let mut manifest = manifest(&[Component::Mlp], &[]);
    manifest.settings.direction = Direction::Noise;
    let record = noisy(&manifest, 3);
    let chunk = decoded(&encode_chunk(Direction::Noise, [&record], SampleEncoding::Float));
    assert_same(&chunk, &chunk.prompts[0], &record, Direction::Noise);
    assert_eq!(chunk.prompts[0]["grids"][0]["patched"]["base"], record.traced().unwrap().clean);
}

#[test]
fn imported_numbers_are_kept_as_they_are() {
    let manifest = manifest(&[Component::Residual], &[]);
    let mut record = noisy(&manifest, 1);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.corrupted_samples.clear();
    traced.grids[0].samples.clear();
    traced.grids[0].patched[2 * LAYERS + 1] += 1e-6;
    let other = skipped(2, SkipReason::TooLong);
    let chunk = decoded(&encode_chunk(Direction::Denoise, [&other, &record], SampleEncoding::Steps));
    assert_eq!(chunk.prompts.len(), 1, "a skipped fact has no numbers");
    assert_same(&chunk, &chunk.prompts[0], &record, Direction::Denoise);
    let grid = &chunk.prompts[0]["grids"][0];
    assert!(
        grid["patched"]["floats"].is_number() && grid["samples"].is_null() && grid["noise_error"].is_null()
    );
    assert_eq!(grid["n_samples"], 0);
}

#[test]
fn equal_samples_have_one_step() {
    let manifest = manifest(&[Component::Residual], &[]);
    let mut record = noisy(&manifest, 1);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.grids[0].samples.fill(0.3);
    let chunk = decoded(&encode_chunk(Direction::Denoise, [&record], SampleEncoding::Steps));
    let n = SAMPLES * LAYERS * record.tokens.len();
    let samples = chunk.samples(&chunk.prompts[0]["grids"][0]["samples"], n);
    assert!(samples.iter().all(|&(sample, _)| sample == f64::from(0.3f32)));
}

/// A chunk's own numbers of the only grid of a record with these samples in turn.
fn samples_as_steps(given: &[f32]) -> (Vec<f32>, Vec<f64>, Value) {
    let manifest = manifest(&[Component::Residual], &[]);
    let mut record = noisy(&manifest, 1);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    let samples = &mut traced.grids[0].samples;
    samples.iter_mut().zip(given.iter().cycle()).for_each(|(sample, &given)| *sample = given);
    let was = samples.clone();
    let chunk = decoded(&encode_chunk(Direction::Denoise, [&record], SampleEncoding::Steps));
    let written = chunk.prompts[0]["grids"][0]["samples"].clone();
    let read = chunk.samples(&written, was.len()).iter().map(|&(sample, _)| sample).collect();
    (was, read, written)
}

#[test]
fn ranks_are_whole_and_small_probabilities_keep_their_size() {
    let (was, read, _) = samples_as_steps(&[1.0, 45.0, 50_257.0, 2.0]);
    assert!(was.iter().zip(&read).all(|(&was, &read)| f64::from(was) == read));
    let (was, read, written) = samples_as_steps(&[4.77e-6, 3.11e-5, 0.9, 0.02]);
    assert_eq!(written["spacing"], "ratio");
    let is_near = |(&was, &read): (&f32, &f64)| (read / f64::from(was) - 1.0).abs() < 0.0011;
    assert!(was.iter().zip(&read).all(is_near));
    let (_, _, written) = samples_as_steps(&[0.0, 1e-7, 12.5]);
    assert!(written["floats"].is_number(), "no steps would do");
}

#[test]
fn a_small_mean_keeps_its_digits() {
    let manifest = manifest(&[Component::Residual], &[]);
    let mut record = noisy(&manifest, 1);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.grids[0].patched[3] = 2.003e-6;
    traced.grids[0].indirect_effect[3] = 2.003e-6 - traced.corrupted;
    let chunk = decoded(&encode_chunk(Direction::Denoise, [&record], SampleEncoding::Float));
    let patched = &chunk.prompts[0]["grids"][0]["patched"]["floats"];
    assert_eq!(chunk.floats(patched, 4)[3], 2.003e-6);
}
