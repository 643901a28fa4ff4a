//! Matrix products at every precision, and float32's of the `gemm` crate, on one thread.
//!
//! `cargo bench -p causal-trace-lm --bench products`; criterion's `Gelem/s` are thousands of millions of floating-point
//! operations a second. The left side is packed beforehand, but for `with packing`.

#![expect(unsafe_code, reason = "gemm's interface is raw pointers")]

use std::hint::black_box;
use std::time::Duration;

use causal_trace_core::Precision;
use causal_trace_lm::kernels::{Linear, Packed, Threads, linear, linear_packed};
use criterion::{Criterion, Throughput};

/// Rows, inputs and outputs: few and many rows at the widths of GPT-2 small and XL.
const SHAPES: [[usize; 3]; 4] = [[96, 768, 3072], [384, 768, 3072], [384, 1600, 6400], [384, 6400, 1600]];

/// Numbers without structure, the same in every run.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn products(criterion: &mut Criterion) {
    for [rows, n_in, n_out] in SHAPES {
        let mut group = criterion.benchmark_group(format!("{rows}x{n_in}x{n_out}"));
        group.throughput(Throughput::Elements((2 * rows * n_in * n_out) as u64));
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(2))
            .warm_up_time(Duration::from_millis(300));
        let (x, weight) = (numbers(rows * n_in), numbers(n_in * n_out));
        let mut y = vec![0.0; rows * n_out];
        for precision in Precision::ALL {
            let map = Linear::from_in_out(precision, &weight, None, n_in, n_out);
            let packed = Packed::of(&map, &x);
            group.bench_function(precision.name(), |bencher| {
                bencher.iter(|| linear_packed(black_box(&packed), &map, 0..n_out, &mut y, Threads::One));
            });
            group.bench_function(format!("{precision} with packing"), |bencher| {
                bencher.iter(|| linear(black_box(&x), &map, 0..n_out, &mut y, Threads::One));
            });
        }
        group.bench_function("gemm", |bencher| {
            bencher.iter(|| gemm(black_box(&x), &weight, n_in, n_out, &mut y))
        });
    }
}

fn gemm(x: &[f32], weight: &[f32], n_in: usize, n_out: usize, y: &mut [f32]) {
    let (rows, in_stride, out_stride) = (x.len() / n_in, n_in as isize, n_out as isize);
    assert!(weight.len() == n_in * n_out && y.len() == rows * n_out && x.len() == rows * n_in);
    // SAFETY: the sizes were checked against the strides given here, and y overlaps neither of the others.
    unsafe {
        gemm::gemm(
            rows,
            n_out,
            n_in,
            y.as_mut_ptr(),
            1,
            out_stride,
            false,
            x.as_ptr(),
            1,
            in_stride,
            weight.as_ptr(),
            1,
            out_stride,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    products(&mut criterion);
    criterion.final_summary();
}
