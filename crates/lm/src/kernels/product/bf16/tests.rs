//! The packed formats, and every kernel against float64 and against itself.

#![expect(unsafe_code, reason = "kernels take raw pointers")]

use super::left::Left;
use super::parts::widened;
use super::weight::Weight;
use super::*;
use crate::kernels::product::Order;
use crate::kernels::product::weight::Stored;

/// Numbers of several sizes without structure, the same in every run.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(|_| next() * 4.0 * next()).collect()
}

/// Sets of instructions whose kernels can run here. AMX can on any Linux, in software if need be.
fn kernels() -> Vec<Isa> {
    let mut kernels = vec![Isa::Portable];
    kernels.extend([Isa::Avx512Bf16, Isa::Amx].into_iter().filter(|&isa| isa <= Isa::best()));
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if Isa::best() < Isa::Amx {
        emulated_amx::install();
        kernels.push(Isa::Amx);
    }
    kernels
}

fn packed_left(x: &[f32], rows: usize, n_in: usize, parts: usize) -> Left {
    let mut left = Left::default();
    // What an earlier product left behind must not matter.
    left.reshape(rows + 20, n_in + 40, 3);
    (0..rows + 20).for_each(|row| left.write_row(row, 0, &vec![f32::NAN; n_in + 40]));
    left.reshape(rows, n_in, parts);
    // In two pieces, the second after the first half of the blocks.
    let middle = n_in / 2 / BLOCK * BLOCK;
    for (row, x) in x.chunks_exact(n_in).enumerate() {
        left.write_row(row, middle, &x[middle..]);
        left.write_row(row, 0, &x[..middle]);
    }
    left
}

/// The whole product, with k in ranges of three blocks whose sums are added up.
fn product(isa: Isa, left: &Left, weight: &Weight) -> Vec<f32> {
    let kernel = kernel(isa, weight.parts());
    let (rows, n_in, n_out) = (left.rows(), weight.n_in(), weight.n_out);
    let n_blocks = n_in.div_ceil(BLOCK);
    let mut y = vec![0.0; rows * n_out];
    let mut run = || {
        for (row, panel, block) in (0..rows)
            .step_by(ROWS)
            .flat_map(|row| (0..n_out.div_ceil(PANEL)).map(move |panel| (row, panel)))
            .flat_map(|(row, panel)| (0..n_blocks).step_by(3).map(move |block| (row, panel, block)))
        {
            let tile_rows = ROWS.min(rows - row);
            let mut out = [f32::NAN; (ROWS + 1) * PANEL];
            let (a, b) = (left.block(row / ROW_BLOCK, block), weight.block(panel, block));
            // SAFETY: blocks of both sides, and an output of two row blocks.
            unsafe { kernel(a, left.stride(), tile_rows, b, 3.min(n_blocks - block), out.as_mut_ptr()) };
            let written = tile_rows.next_multiple_of(ROW_BLOCK) * PANEL;
            assert!(out[written..].iter().all(|x| x.is_nan()), "only whole row blocks are written");
            for (y, out) in y[row * n_out..].chunks_mut(n_out).zip(out.chunks(PANEL).take(tile_rows)) {
                y[panel * PANEL..].iter_mut().zip(out).for_each(|(y, out)| *y += out);
            }
        }
    };
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Amx {
        // SAFETY: `kernels` gives AMX only where it can run.
        unsafe { amx::with_tiles(|| amx::with_tiles(&mut run)) };
        return y;
    }
    run();
    y
}

const SHAPES: [(usize, usize, usize); 8] = [
    (1, 1, 1),
    (17, 1, 33),
    (3, 33, 31),
    (16, 32, 32),
    (32, 96, 64),
    (17, 70, 33),
    (35, 257, 65),
    (7, 130, 5),
];

#[test]
fn every_kernel_equals_float64_within_its_precision() {
    for parts in 1..=3 {
        for (rows, n_in, n_out) in SHAPES {
            let tolerance = match (parts, n_in) {
                // Two parts leave out the product of the second parts, up to 2⁻¹⁶, and two rests of up to 2⁻¹⁷;
                // in a sum of many products they partly cancel.
                (2, ..BLOCK) => 2_f64.powi(-15),
                (2, _) => 1e-5,
                _ => 4e-7,
            };
            let mut x = numbers(rows * n_in, 1);
            let mut w = numbers(n_in * n_out, 2);
            if parts == 1 {
                // Of numbers that are bfloat16 already, one part leaves nothing out.
                for value in x.iter_mut().chain(&mut w) {
                    *value = half::bf16::from_f32(*value).to_f32();
                }
            }
            let left = packed_left(&x, rows, n_in, parts);
            let weight = pack(Order::InOut, &w, n_in, n_out, parts);
            for isa in kernels() {
                let mut worst = 0.0_f64;
                for (index, y) in product(isa, &left, &weight).into_iter().enumerate() {
                    let (row, column) = (index / n_out, index % n_out);
                    let terms =
                        (0..n_in).map(|k| f64::from(x[row * n_in + k]) * f64::from(w[k * n_out + column]));
                    let (exact, scale) = terms
                        .fold((0.0, 0.0), |(sum, size): (f64, f64), term| (sum + term, size + term.abs()));
                    let error = (f64::from(y) - exact).abs() / scale;
                    assert!(error <= tolerance, "{isa}, {parts} parts, {rows} × {n_in} × {n_out}: {error:e}");
                    worst = worst.max(error);
                }
                println!("{isa}, {parts} parts, {rows} × {n_in} × {n_out}: at most {worst:e}");
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    let (rows, n_in, n_out) = (35, 130, 37);
    let x = numbers(rows * n_in, 3);
    for parts in 1..=3 {
        let weight = pack(Order::InOut, &numbers(n_in * n_out, 4), n_in, n_out, parts);
        for isa in kernels() {
            let all = product(isa, &packed_left(&x, rows, n_in, parts), &weight);
            for (first, count) in [(0, 1), (34, 1), (5, 7), (3, 16), (2, 29)] {
                let some = &x[first * n_in..(first + count) * n_in];
                let some = product(isa, &packed_left(some, count, n_in, parts), &weight);
                let same = some.iter().zip(&all[first * n_out..]).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{isa}, {parts} parts, {count} rows from {first}");
            }
        }
    }
}

#[test]
fn what_is_not_finite_reaches_its_row_or_column_only() {
    let (rows, n_in, n_out) = (18, 40, 34);
    for (parts, bad) in
        (1..=3).flat_map(|parts| [f32::NAN, f32::INFINITY, -f32::INFINITY].map(|bad| (parts, bad)))
    {
        let (x, w) = (numbers(rows * n_in, 5), numbers(n_in * n_out, 6));
        let (mut bad_x, mut bad_w) = (x.clone(), w.clone());
        bad_x[17 * n_in + 39] = bad;
        bad_w[35 * n_out + 33] = bad;
        let packed = |w: &[f32]| pack(Order::InOut, w, n_in, n_out, parts);
        for isa in kernels() {
            let y = product(isa, &packed_left(&bad_x, rows, n_in, parts), &packed(&w));
            assert!(y.iter().enumerate().all(|(index, y)| y.is_finite() == (index / n_out != 17)), "{isa}");
            let y = product(isa, &packed_left(&x, rows, n_in, parts), &packed(&bad_w));
            assert!(y.iter().enumerate().all(|(index, y)| y.is_finite() == (index % n_out != 33)), "{isa}");
        }
    }
}

/// Packs a matrix.
fn pack(order: Order, values: &[f32], n_in: usize, n_out: usize, parts: usize) -> Weight {
    let width = values.len() / if order == Order::InOut { n_in } else { n_out };
    let read = |rows: Range<usize>, out: &mut [f32]| -> Result<(), std::convert::Infallible> {
        out.copy_from_slice(&values[rows.start * width..rows.end * width]);
        Ok(())
    };
    let Ok(weight) = Weight::pack(Stored { order, n_in, n_out, read: &read }, parts);
    weight
}

#[test]
fn packed_sides_hold_each_part_in_its_place_and_zeros_beyond() {
    for ((rows, n_in, n_out), parts) in
        SHAPES.into_iter().flat_map(|shape| [1, 2, 3].map(|parts| (shape, parts)))
    {
        let (x, w) = (numbers(rows * n_in, 7), numbers(n_in * n_out, 8));
        let left = packed_left(&x, rows, n_in, parts);
        let transposed: Vec<f32> = (0..w.len()).map(|index| w[index % n_in * n_out + index / n_in]).collect();
        let weights =
            [pack(Order::InOut, &w, n_in, n_out, parts), pack(Order::OutIn, &transposed, n_in, n_out, parts)];
        let sum = |bits: &dyn Fn(usize) -> u16| (0..parts).map(|part| widened(bits(part))).sum::<f32>();
        let close = |sum: f32, value: f32| (sum - value).abs() <= value.abs() * [4e-3, 8e-6, 0.0][parts - 1];
        for k in 0..n_in.next_multiple_of(BLOCK) {
            for row in 0..rows.next_multiple_of(ROW_BLOCK) {
                let block = left.block(row / ROW_BLOCK, k / BLOCK);
                let place = |part| (part * ROW_BLOCK + row % ROW_BLOCK) * BLOCK + k % BLOCK;
                // SAFETY: within the block.
                let sum = sum(&|part| unsafe { block.add(place(part)).read() });
                let value = if row < rows && k < n_in { x[row * n_in + k] } else { 0.0 };
                assert!(close(sum, value), "row {row}, k {k}: {sum} instead of {value}");
            }
            for (weight, n) in
                weights.iter().flat_map(|weight| (0..n_out.next_multiple_of(PANEL)).map(move |n| (weight, n)))
            {
                let block = weight.block(n / PANEL, k / BLOCK);
                let place = |part| ((part * 16 + k % BLOCK / 2) * PANEL + n % PANEL) * 2 + k % 2;
                // SAFETY: within the block.
                let sum = sum(&|part| unsafe { block.add(place(part)).read() });
                let value = if n < n_out && k < n_in { w[k * n_out + n] } else { 0.0 };
                assert!(close(sum, value), "k {k}, column {n}: {sum} instead of {value}");
            }
        }
    }
}

/// The AMX kernel's bits are those of the manual's instructions in the order of [`products`], whether the processor
/// or the emulator executes them.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn the_amx_kernel_does_what_the_manual_says() {
    use emulated_amx::{Bits, add_products};

    fn sums<const PARTS: usize>(a: *const u16, b: *const u16, n_blocks: usize) -> [Bits; 2] {
        let mut sums = [[[0; 16]; 16]; 2];
        for block in 0..n_blocks {
            for &(a_part, b_part) in products::<PARTS>() {
                // SAFETY: the parts of the block, as the formats have them.
                let (a, b) = unsafe {
                    let a = a.add((block * PARTS + a_part) * ROW_BLOCK * BLOCK).cast::<Bits>().read();
                    (a, b.add((block * PARTS + b_part) * BLOCK * PANEL).cast::<[[u32; PANEL]; 16]>().read())
                };
                for (half, sums) in sums.iter_mut().enumerate() {
                    add_products(sums, &a, &b.map(|row| std::array::from_fn(|n| row[half * 16 + n])));
                }
            }
        }
        sums
    }

    kernels();
    let (rows, n_in, n_out) = (32, 75, 32);
    // Some numbers are so small that their parts and products are denormal.
    let mut x = numbers(rows * n_in, 9);
    x.iter_mut().step_by(5).for_each(|x| *x *= 1e-38);
    let w = numbers(n_in * n_out, 10);
    for (parts, tile_rows) in (1..=3).flat_map(|parts| [16, 32].map(|tile_rows| (parts, tile_rows))) {
        let (left, weight) = (packed_left(&x, rows, n_in, parts), pack(Order::InOut, &w, n_in, n_out, parts));
        let mut out = [f32::NAN; ROWS * PANEL];
        // SAFETY: three blocks of both sides and an output of two row blocks; AMX runs here, as `kernels` says.
        unsafe {
            amx::with_tiles(|| {
                let kernel = kernel(Isa::Amx, parts);
                kernel(left.block(0, 0), left.stride(), tile_rows, weight.block(0, 0), 3, out.as_mut_ptr());
            });
        }
        for row_block in 0..tile_rows / ROW_BLOCK {
            let expected = match parts {
                1 => sums::<1>,
                2 => sums::<2>,
                _ => sums::<3>,
            }(left.block(row_block, 0), weight.block(0, 0), 3);
            for (row, column) in (0..ROW_BLOCK).flat_map(|row| (0..PANEL).map(move |column| (row, column))) {
                let y = out[(row_block * ROW_BLOCK + row) * PANEL + column];
                let expected = f32::from_bits(expected[column / 16][row][column % 16]);
                assert_eq!(y.to_bits(), expected.to_bits(), "{y} instead of {expected}, {parts} parts");
            }
        }
    }
}
