//! The operations between the matrix products, on one thread, at the sizes of GPT-2 small and XL.
//!
//! `cargo bench -p causal-trace-lm --bench between`; criterion's `Kelem/s` are thousands of rows a second.

use std::hint::black_box;
use std::time::Duration;

use causal_trace_core::Precision;
use causal_trace_lm::kernels::{
    AttentionShape, KeyValues, Linear, Norm, Queries, Run, activate, add_rows, attention, log_probability,
    norm, rotate,
};
use causal_trace_lm::{Activation, NormKind, Rope, RopePairs, RopeScaling, RopeTable};
use criterion::{Criterion, Throughput};

/// Tokens of the prompt that the runs belong to.
const TOKENS: usize = 9;
/// Samples whose runs are in one call.
const SAMPLES: usize = 2;

struct Shape {
    name: &'static str,
    d_model: usize,
    n_heads: usize,
    d_mlp: usize,
}

const SHAPES: [Shape; 2] = [
    Shape { name: "small", d_model: 768, n_heads: 12, d_mlp: 3072 },
    Shape { name: "xl", d_model: 1600, n_heads: 25, d_mlp: 6400 },
];

/// Numbers without structure, about −2 to 2, the same in every run.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 4_194_304.0 - 2.0
    };
    (0..count).map(|_| next()).collect()
}

/// One run for each sample and patched token, as a sweep opens them at every layer.
fn runs() -> Vec<Run> {
    let run = |sample: usize, token: usize| {
        let trunk = sample * TOKENS;
        let prefix = std::iter::once(trunk..trunk + token).collect();
        Run { start: token, len: TOKENS - token, prefix }
    };
    (0..SAMPLES).flat_map(|sample| (0..TOKENS).map(move |token| run(sample, token))).collect()
}

fn rows(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.len).sum()
}

fn measure(criterion: &mut Criterion, name: &str, shape: &str, rows: usize, mut work: impl FnMut()) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function(shape, |bencher| bencher.iter(&mut work));
    group.finish();
}

fn attentions(criterion: &mut Criterion, shape: &Shape) {
    let d_head = shape.d_model / shape.n_heads;
    let layer = AttentionShape {
        n_heads: shape.n_heads,
        n_kv_heads: shape.n_heads,
        d_head,
        scale: 1.0 / (d_head as f32).sqrt(),
        soft_cap: None,
    };
    let stride = 3 * shape.d_model;
    let key_values = |data| KeyValues { data, stride, keys: shape.d_model, values: 2 * shape.d_model };
    let runs = runs();
    let rows = rows(&runs);
    let (own, shared) = (numbers(rows * stride), numbers(SAMPLES * TOKENS * stride));
    let mut out = vec![0.0; rows * shape.d_model];
    measure(criterion, "attention", shape.name, rows, || {
        let queries = Queries { data: &own, stride, last_only: false };
        attention(layer, queries, key_values(&own), key_values(&shared), black_box(&runs), &mut out);
    });
    let last: Vec<f32> = numbers(runs.len() * shape.d_model);
    measure(criterion, "attention of last tokens", shape.name, runs.len(), || {
        let queries = Queries { data: &last, stride: shape.d_model, last_only: true };
        let out = &mut out[..runs.len() * shape.d_model];
        attention(layer, queries, key_values(&own), key_values(&shared), black_box(&runs), out);
    });
    let table = RopeTable::new(&Rope::new(d_head, 10_000.0, RopePairs::Halves, RopeScaling::None), TOKENS);
    let neighbours =
        RopeTable::new(&Rope::new(d_head, 10_000.0, RopePairs::Neighbours, RopeScaling::None), TOKENS);
    let mut x = numbers(rows * stride);
    for (name, table) in [("rotation of halves", table), ("rotation of neighbours", neighbours)] {
        measure(criterion, name, shape.name, rows, || {
            let positions = runs.iter().flat_map(Run::positions);
            rotate(&table, positions, black_box(&mut x), stride, 0..2 * shape.d_model, d_head);
        });
    }
}

fn elementwise(criterion: &mut Criterion, shape: &Shape) {
    let rows = rows(&runs());
    let x = numbers(rows * shape.d_model);
    let mut out = vec![0.0; x.len()];
    let (weight, bias) = (numbers(shape.d_model), numbers(shape.d_model));
    let layer_norm = Norm::new(NormKind::LayerNorm, 1e-5, weight.clone(), Some(bias));
    measure(criterion, "layer norm", shape.name, rows, || norm(&layer_norm, black_box(&x), &mut out));
    let rms_norm = Norm::new(NormKind::Rms, 1e-5, weight, None);
    measure(criterion, "rms norm", shape.name, rows, || norm(&rms_norm, black_box(&x), &mut out));
    measure(criterion, "add", shape.name, rows, || add_rows(&mut out, black_box(&x)));
    let middle = numbers(rows * shape.d_mlp);
    let mut activated = middle.clone();
    for (name, activation) in
        [("gelu", Activation::Gelu), ("gelu tanh", Activation::GeluTanh), ("silu", Activation::Silu)]
    {
        measure(criterion, name, shape.name, rows, || {
            // Fresh values: activated again and again they would become zeros, as fast as any but not as usual.
            activated.copy_from_slice(black_box(&middle));
            activate(activation, &mut activated);
        });
    }
    measure(criterion, "copy", shape.name, rows, || activated.copy_from_slice(black_box(&middle)));
}

/// With the product of the head, which is most of it.
fn log_probabilities(criterion: &mut Criterion) {
    let (rows, d_model, vocabulary) = (500, 768, 50_257);
    let head = Linear::from_in_out(Precision::F32, &numbers(d_model * vocabulary), None, d_model, vocabulary);
    let x: Vec<f32> = numbers(rows * d_model).iter().map(|x| 0.05 * x).collect();
    let answers: Vec<u32> = (0..rows as u32).map(|row| row * 100).collect();
    let Ok(one_thread) = rayon::ThreadPoolBuilder::new().num_threads(1).build() else { return };
    measure(criterion, "log-probability", "small", rows, || {
        one_thread.install(|| black_box(log_probability(black_box(&x), &head, None, &answers)));
    });
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .configure_from_args();
    for shape in &SHAPES {
        attentions(&mut criterion, shape);
        elementwise(&mut criterion, shape);
    }
    log_probabilities(&mut criterion);
    criterion.final_summary();
}
