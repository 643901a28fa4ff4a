//! `causal-trace bench`: how fast the engine is on a made-up model.

mod machine;
mod measurement;
mod shape;

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Context, Result};
use causal_trace_core::{
    Corruption, CorruptionMode, Direction, Distribution, Engine, Method, NoiseStream, Precision, Prompt,
    TokenSpan, TraceConfig, TraceRecord, Window,
};
use causal_trace_engine::{Answer, Case, TraceError, minimal_operations, trace_batch};
use causal_trace_lm::Model;
use causal_trace_lm::kernels::faster_than_f32;

use super::with_threads;
use crate::args::{BenchArgs, PrecisionChoice};
use crate::auto_precision::{Trial, fastest, largest_difference, probabilities};
use crate::memory::{self, Budget};
use crate::printer::Printer;
use crate::settings;
use crate::usage::Usage;
use machine::{memory_bandwidth, product_rate};
use measurement::{Limits, Measurement};
use shape::Shape;

pub(crate) fn run(args: &BenchArgs, printer: &Printer) -> Result<()> {
    let shape = Shape::parse(&args.shape)?;
    if args.subject > args.tokens {
        let problem = format!("--subject {} is more than --tokens {}", args.subject, args.tokens);
        return Err(Usage(problem).into());
    }
    let measurement = with_threads(args.threads, || measure(args, shape, printer))??;
    if args.json {
        printer.result(&serde_json::to_string_pretty(&measurement)?);
    } else {
        printer.result(&measurement.table());
    }
    Ok(())
}

fn measure(args: &BenchArgs, shape: Shape, printer: &Printer) -> Result<Measurement> {
    printer.note(&format!("making a model of shape {}", args.shape));
    let budget = Budget::new(args.memory, 1);
    let prompts = prompts(args);
    let cases: Vec<Case<'_>> = prompts.iter().map(|prompt| Case::new(prompt, Answer::Predicted)).collect();
    let states = |model: &Model| -> Result<usize> {
        Ok(budget.shares(model.architecture(), model.precision(), false)?.states)
    };
    let model = match args.precision {
        PrecisionChoice::Named(precision) => shape.model(precision)?,
        PrecisionChoice::Auto => {
            let exact = shape.model(Precision::F32)?;
            let config = config(args, states(&exact)?);
            fastest_on(cases[0], &config, exact, shape, printer)?
        }
    };
    let config = config(args, states(&model)?);
    let precision = model.precision();
    let time = |engine: Engine| -> Result<f64> {
        let config = TraceConfig { engine, ..config.clone() };
        let start = Instant::now();
        traced(&model, &cases, &config)?;
        Ok(start.elapsed().as_secs_f64())
    };
    let records = traced(&model, &cases, &config).context("the warm-up run failed")?;
    let peak_memory_bytes = memory::peak_bytes();
    let (mut wavefront, mut naive, mut products, mut bandwidths) = (vec![], vec![], vec![], vec![]);
    for run in 0..args.runs {
        printer.note(&format!("run {} of {}", run + 1, args.runs));
        products.push(product_rate(shape.d_model, model.precision()));
        bandwidths.push(memory_bandwidth());
        wavefront.push(time(Engine::Wavefront)?);
        if args.naive {
            naive.push(time(Engine::Naive)?);
        }
    }
    let seconds = median(&wavefront).context("no run was timed")?;
    let naive_seconds = median(&naive);
    let product_rate = median(&products).context("no product was timed")?;
    let memory_bytes_per_second = median(&bandwidths).context("no stream was timed")?;
    let flops = cases.iter().map(|case| minimal_operations(&model, case, &config)).sum::<f64>();
    let weight_bytes = shape.weight_bytes(precision);
    let limits = Limits { products: flops / product_rate, memory: weight_bytes / memory_bytes_per_second };
    // Two models would be too much for some machines.
    drop(model);
    let largest_difference_from_f32 = if args.check && precision != Precision::F32 {
        printer.note("making the same model at f32");
        Some(difference_from_f32(shape, &records, &config)?)
    } else {
        None
    };
    Ok(Measurement {
        shape: args.shape.clone(),
        tokens: args.tokens,
        subject: args.subject,
        prompts: args.prompts,
        samples: args.samples,
        components: config.components.clone(),
        window: args.window,
        precision,
        threads: rayon::current_num_threads(),
        runs: args.runs,
        seconds,
        seconds_of_runs: wavefront,
        naive_seconds,
        naive_over_wavefront: naive_seconds.map(|naive| naive / seconds),
        flops,
        gflops_per_second: flops / seconds / 1e9,
        matmul_gflops_per_second: product_rate / 1e9,
        efficiency: flops / seconds / product_rate,
        weight_bytes,
        memory_bytes_per_second,
        limit_seconds: limits.largest(),
        peak_memory_bytes,
        largest_difference_from_f32,
    })
}

fn prompts(args: &BenchArgs) -> Vec<Prompt> {
    let prompt = |prompt: u32| Prompt {
        text: String::new(),
        subject: String::new(),
        ids: (0..args.tokens as u32).map(|token| 1000 + 37 * token + 1009 * (prompt % 32)).collect(),
        tokens: vec![String::new(); args.tokens],
        subject_span: TokenSpan { start: 0, end: args.subject },
    };
    (0..args.prompts as u32).map(prompt).collect()
}

fn config(args: &BenchArgs, states: usize) -> TraceConfig {
    TraceConfig {
        components: settings::components(&args.component),
        window: Window { width: args.window },
        residual_window: Window::SINGLE,
        metrics: Vec::new(),
        direction: Direction::Denoise,
        corruption: Corruption {
            method: Method::Noise {
                distribution: Distribution::Gaussian,
                level: 0.1,
                mode: CorruptionMode::Add,
                baseline_mode: CorruptionMode::Add,
            },
            extra_tokens: 0,
            stream: NoiseStream::Independent,
            seed: 1,
            samples: args.samples,
            fresh_for_each_site: false,
        },
        engine: Engine::Wavefront,
        memory: states,
        steps: 1,
    }
}

/// Traces the cases together.
fn traced(model: &Model, cases: &[Case<'_>], config: &TraceConfig) -> Result<Vec<TraceRecord>, TraceError> {
    let n_layers = model.architecture().n_layers;
    let record = |case: &Case<'_>| TraceRecord::unmeasured(case.prompt.clone(), config.clone(), n_layers);
    let mut records: Vec<TraceRecord> = cases.iter().map(record).collect();
    let done = trace_batch(model, cases, config, &mut records, &mut |_, _| ControlFlow::Continue(()))?;
    done.into_iter().collect::<Result<(), _>>()?;
    Ok(records)
}

/// The model at the fastest precision that is accurate enough on a prompt.
fn fastest_on(
    case: Case<'_>,
    config: &TraceConfig,
    exact: Model,
    shape: Shape,
    printer: &Printer,
) -> Result<Model> {
    let trial = Trial {
        reference: |exact: &Model| {
            let records = traced(exact, &[case], config)?;
            Ok(records.first().map(|record| (record.baseline.answer_id, probabilities(record))))
        },
        open: |precision| shape.model(precision),
        measure: |model: &Model, &answer: &u32| {
            let records = traced(model, &[Case { answer: Answer::Token(answer), ..case }], config)?;
            Ok(records.first().map(probabilities))
        },
    };
    fastest(faster_than_f32(), exact, trial, printer)
}

/// The largest difference of any probability of the records from those of the same model at float32.
fn difference_from_f32(shape: Shape, records: &[TraceRecord], config: &TraceConfig) -> Result<f64> {
    // The same answers: of random weights another precision may well predict another token.
    let answer = |record: &TraceRecord| Answer::Token(record.baseline.answer_id);
    let cases: Vec<Case<'_>> =
        records.iter().map(|record| Case::new(&record.prompt, answer(record))).collect();
    let exact = traced(&shape.model(Precision::F32)?, &cases, config)?;
    let differences = records
        .iter()
        .zip(&exact)
        .map(|(record, exact)| largest_difference(&probabilities(record), &probabilities(exact)));
    Ok(differences.fold(0.0, f64::max))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
