//! What the machine can do: one large product, and reading and writing memory.

use std::time::Instant;

use causal_trace_core::Precision;
use causal_trace_lm::kernels::{Linear, Packed, Threads, linear_packed};
use rayon::prelude::*;

use super::median;

/// Rows of the product.
const ROWS: usize = 2048;
/// Elements of each stream: together well above what caches hold.
const STREAM: usize = 1 << 24;
/// Times that each is measured, of which the median counts.
const TIMES: usize = 5;

/// The rate of one large product `[ROWS, d_model] · [d_model, 4 · d_model]`, in operations a second: its rows shared
/// out over the threads, its left side packed beforehand.
pub(super) fn product_rate(d_model: usize, precision: Precision) -> f64 {
    let (n_in, n_out) = (d_model, 4 * d_model);
    let numbers = |count: usize| -> Vec<f32> { (0..count).map(|i| (i % 17) as f32 / 17.0 - 0.5).collect() };
    let map = Linear::from_in_out(precision, &numbers(n_in * n_out), None, n_in, n_out);
    let rows = ROWS.div_ceil(rayon::current_num_threads());
    let (x, mut y) = (numbers(ROWS * n_in), vec![0.0; ROWS * n_out]);
    let shares: Vec<Packed> = x.chunks(rows * n_in).map(|x| Packed::of(&map, x)).collect();
    let seconds = timed(|| {
        let shares = shares.par_iter().zip(y.par_chunks_mut(rows * n_out));
        shares.for_each(|(x, y)| linear_packed(x, &map, 0..n_out, y, Threads::One));
    });
    2.0 * (ROWS * n_in * n_out) as f64 / seconds
}

/// Memory bandwidth of all threads in bytes a second: `a = b + 3 · c` over streams that no cache holds, as the
/// benchmark STREAM's triad, which counts two streams read and one written.
pub(super) fn memory_bandwidth() -> f64 {
    let (mut a, b, c) = (vec![0.0f32; STREAM], vec![1.0f32; STREAM], vec![2.0f32; STREAM]);
    let share = STREAM.div_ceil(rayon::current_num_threads());
    let seconds = timed(|| {
        let shares = a.par_chunks_mut(share).zip(b.par_chunks(share)).zip(c.par_chunks(share));
        shares.for_each(|((a, b), c)| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = b + 3.0 * c;
            }
        });
        std::hint::black_box(&a);
    });
    3.0 * (STREAM * size_of::<f32>()) as f64 / seconds
}

/// The median of some runs after one that is not counted.
fn timed(mut work: impl FnMut()) -> f64 {
    work();
    let seconds: Vec<f64> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    median(&seconds).unwrap_or(f64::NAN)
}
