//! Ragged causal attention with shared prefix keys.
//!
//! A run is some consecutive tokens of a text. The keys and values of the tokens before them were computed
//! already, for a run that has the same beginning, and are read from there.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::math::{exp, larger, tanh};

/// Consecutive tokens of one text, from position `start` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Position in the text of the first token; equals the total length of `prefix`.
    pub start: usize,
    /// Number of tokens.
    pub len: usize,
    /// Where the keys and values of the tokens before `start` lie: rows of the shared buffer, in order.
    pub prefix: Vec<Range<usize>>,
}

impl Run {
    /// Positions of the run's tokens.
    #[must_use]
    pub fn positions(&self) -> Range<usize> {
        self.start..self.start + self.len
    }
}

/// Rows of keys and values inside a wider buffer.
#[derive(Debug, Clone, Copy)]
pub struct KeyValues<'a> {
    /// `[rows, stride]`.
    pub data: &'a [f32],
    /// Width of a row.
    pub stride: usize,
    /// First feature of the keys.
    pub keys: usize,
    /// First feature of the values.
    pub values: usize,
}

/// Rows of queries inside a wider buffer.
#[derive(Debug, Clone, Copy)]
pub struct Queries<'a> {
    /// `[rows, stride]`; the queries are the first features of a row.
    pub data: &'a [f32],
    /// Width of a row.
    pub stride: usize,
    /// There is one row for each run, its last token, instead of one for each token.
    pub last_only: bool,
}

/// Sizes and constants of an attention layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key and value heads; each serves `n_heads / n_kv_heads` neighbouring query heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Factor of the scores.
    pub scale: f32,
    /// Scores `s` become `cap · tanh(s / cap)`.
    pub soft_cap: Option<f32>,
}

/// Attention of every run over its own tokens and its prefix.
///
/// # Shapes
/// The runs' rows follow each other in `own` (one for each token) and in `queries`; `out`
/// `[query rows, n_heads · d_head]`.
///
/// # Panics
/// When a buffer is too short.
pub fn attention(
    shape: AttentionShape,
    queries: Queries<'_>,
    own: KeyValues<'_>,
    shared: KeyValues<'_>,
    runs: &[Run],
    out: &mut [f32],
) {
    Arch::new().dispatch(Attention { shape, queries, own, shared, runs, out });
}

/// Queries whose scores are kept at once: all of an ordinary run's.
const QUERIES: usize = 16;

/// A row of scores takes a multiple of so many, so that loops over scores have no remainder.
const PADDING: usize = 16;

/// A row's keys and values, each from its first feature on.
type Row<'a> = (&'a [f32], &'a [f32]);

struct Attention<'a> {
    shape: AttentionShape,
    queries: Queries<'a>,
    own: KeyValues<'a>,
    shared: KeyValues<'a>,
    runs: &'a [Run],
    out: &'a mut [f32],
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Attention { shape, queries, own, shared, runs, out } = self;
        let (stride, width) = (queries.stride, shape.n_heads * shape.d_head);
        let (mut first_row, mut first_query) = (0, 0);
        let (mut rows, mut scores): (Vec<Row<'_>>, _) = (Vec::new(), Vec::new());
        for run in runs {
            rows.clear();
            rows.extend(run.prefix.iter().cloned().flatten().map(|row| key_value(shared, row)));
            assert_eq!(rows.len(), run.start, "the prefix of a run covers the tokens before it");
            rows.extend((first_row..first_row + run.len).map(|row| key_value(own, row)));
            first_row += run.len;
            let first_position = if queries.last_only { rows.len() - 1 } else { run.start };
            for start in (first_position..rows.len()).step_by(QUERIES) {
                let positions = start..rows.len().min(start + QUERIES);
                let end = first_query + positions.len();
                let data = &queries.data[first_query * stride..end * stride];
                let out = &mut out[first_query * width..end * width];
                attend(simd, shape, Queries { data, ..queries }, &rows, positions, &mut scores, out);
                first_query = end;
            }
        }
    }
}

fn key_value(source: KeyValues<'_>, row: usize) -> Row<'_> {
    let row = &source.data[row * source.stride..(row + 1) * source.stride];
    (&row[source.keys..], &row[source.values..])
}

/// Queries at some positions of a run, each against the keys before and at it. First all scores, then all weights,
/// then all sums of values: so one head and position need not wait for the other.
#[inline(always)]
fn attend<S: Simd>(
    simd: S,
    shape: AttentionShape,
    queries: Queries<'_>,
    rows: &[Row<'_>],
    positions: Range<usize>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let AttentionShape { n_heads, d_head, .. } = shape;
    let first_feature = |head: usize| head / (n_heads / shape.n_kv_heads) * d_head;
    let n_keys = || positions.clone().map(|position| position + 1);
    let padded = positions.end.next_multiple_of(PADDING);
    scores.resize(n_heads * positions.len() * padded, 0.0);

    let mut of_scores = scores.chunks_exact_mut(padded);
    for head in 0..n_heads {
        for ((query, n_keys), scores) in
            queries.data.chunks_exact(queries.stride).zip(n_keys()).zip(&mut of_scores)
        {
            let query = &query[head * d_head..(head + 1) * d_head];
            score(simd, query, &rows[..n_keys], first_feature(head), shape.scale, &mut scores[..n_keys]);
        }
    }
    if let Some(cap) = shape.soft_cap {
        scores.iter_mut().for_each(|score| *score = cap * tanh(*score / cap));
    }
    for (scores, n_keys) in scores.chunks_exact_mut(padded).zip(n_keys().cycle()) {
        scores[n_keys..].fill(f32::NEG_INFINITY);
        let largest = largest(simd, scores);
        scores.iter_mut().for_each(|score| *score -= largest);
    }
    scores.iter_mut().for_each(|score| *score = exp(*score));
    let mut of_weights = scores.chunks_exact(padded);
    for head in 0..n_heads {
        for ((out, n_keys), weights) in
            out.chunks_exact_mut(n_heads * d_head).zip(n_keys()).zip(&mut of_weights)
        {
            let out = &mut out[head * d_head..(head + 1) * d_head];
            let inverse = 1.0 / sum(simd, weights);
            mix(simd, &weights[..n_keys], inverse, &rows[..n_keys], first_feature(head), out);
        }
    }
}

/// Scaled products of a head's query with its keys.
#[inline(always)]
fn score<S: Simd>(simd: S, query: &[f32], rows: &[Row<'_>], feature: usize, scale: f32, scores: &mut [f32]) {
    let (vectors, rest) = S::as_simd_f32s(query);
    for (score, (key, _)) in scores.iter_mut().zip(rows) {
        let (keys, rest_of_keys) = S::as_simd_f32s(&key[feature..feature + query.len()]);
        // The usual width of 64 is four vectors: a loop of fixed length keeps the query in registers.
        let sums = match (vectors, keys) {
            ([a, b, c, d], [e, f, g, h]) => {
                let sums = simd.mul_add_e_f32s(*b, *f, simd.mul_f32s(*a, *e));
                simd.mul_add_e_f32s(*d, *h, simd.mul_add_e_f32s(*c, *g, sums))
            }
            _ => vectors
                .iter()
                .zip(keys)
                .fold(simd.splat_f32s(0.0), |sums, (a, b)| simd.mul_add_e_f32s(*a, *b, sums)),
        };
        let rest: f32 = rest.iter().zip(rest_of_keys).map(|(query, key)| query * key).sum();
        *score = scale * (simd.reduce_sum_f32s(sums) + rest);
    }
}

/// What is not a number may be passed over: it stays in the scores.
#[inline(always)]
fn largest<S: Simd>(simd: S, scores: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(scores);
    let least = simd.splat_f32s(f32::NEG_INFINITY);
    let largest = vectors.iter().fold(least, |largest, vector| simd.max_f32s(*vector, largest));
    rest.iter().fold(simd.reduce_max_f32s(largest), |largest, score| larger(*score, largest))
}

#[inline(always)]
fn sum<S: Simd>(simd: S, weights: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(weights);
    let sums = vectors.iter().fold(simd.splat_f32s(0.0), |sums, vector| simd.add_f32s(sums, *vector));
    simd.reduce_sum_f32s(sums) + rest.iter().sum::<f32>()
}

/// The weighted sum of a head's values, times `factor`.
#[inline(always)]
fn mix<S: Simd>(
    simd: S,
    weights: &[f32],
    factor: f32,
    rows: &[Row<'_>],
    mut feature: usize,
    out: &mut [f32],
) {
    let (out, rest) = S::as_mut_simd_f32s(out);
    // Four sums at once stay in registers, and each waits for its own only.
    let (blocks, out) = out.as_chunks_mut::<4>();
    for block in blocks {
        mix_vectors(simd, weights, factor, rows, feature, block);
        feature += 4 * S::F32_LANES;
    }
    for vector in out {
        mix_vectors(simd, weights, factor, rows, feature, std::array::from_mut(vector));
        feature += S::F32_LANES;
    }
    for (index, out) in rest.iter_mut().enumerate() {
        let values = rows.iter().map(|(_, value)| value[feature + index]);
        *out = factor * weights.iter().zip(values).map(|(weight, value)| weight * value).sum::<f32>();
    }
}

#[inline(always)]
fn mix_vectors<S: Simd, const N: usize>(
    simd: S,
    weights: &[f32],
    factor: f32,
    rows: &[Row<'_>],
    feature: usize,
    out: &mut [S::f32s; N],
) {
    let mut sums = [simd.splat_f32s(0.0); N];
    for (&weight, (_, value)) in weights.iter().zip(rows) {
        let (values, _) = S::as_simd_f32s(&value[feature..feature + N * S::F32_LANES]);
        let weight = simd.splat_f32s(weight);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = simd.mul_add_e_f32s(weight, *value, *sum);
        }
    }
    let factor = simd.splat_f32s(factor);
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = simd.mul_f32s(factor, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: AttentionShape =
        AttentionShape { n_heads: 2, n_kv_heads: 1, d_head: 3, scale: 0.7, soft_cap: Some(5.0) };

    fn key_values(data: &[f32]) -> KeyValues<'_> {
        KeyValues { data, stride: 6, keys: 0, values: 3 }
    }

    #[test]
    fn a_run_with_a_shared_prefix_equals_the_whole_text() {
        let keys: Vec<f32> = (0..30).map(|i| ((i * 7 % 11) as f32 - 5.0) / 4.0).collect();
        let queries: Vec<f32> = (0..30).map(|i| ((i * 5 % 13) as f32 - 6.0) / 3.0).collect();
        let mut whole = vec![f32::NAN; 30];
        let all = Queries { data: &queries, stride: 6, last_only: false };
        let run = Run { start: 0, len: 5, prefix: vec![] };
        attention(SHAPE, all, key_values(&keys), key_values(&[]), &[run], &mut whole);

        // The last three tokens, the first two read from two places of another buffer.
        let shared: Vec<f32> = [&keys[6..12], &[9.0; 6], &keys[..6]].concat();
        let run = Run { start: 2, len: 3, prefix: vec![2..3, 0..1] };
        let mut tail = vec![f32::NAN; 18];
        let some = Queries { data: &queries[12..], stride: 6, last_only: false };
        attention(
            SHAPE,
            some,
            key_values(&keys[12..]),
            key_values(&shared),
            std::slice::from_ref(&run),
            &mut tail,
        );
        assert_eq!(tail, whole[12..]);

        let mut last = vec![f32::NAN; 6];
        let one = Queries { data: &queries[24..], stride: 6, last_only: true };
        attention(SHAPE, one, key_values(&keys[12..]), key_values(&shared), &[run], &mut last);
        assert_eq!(last, whole[24..]);
    }

    #[test]
    fn a_single_key_gives_its_value() {
        let (data, queries, mut out) = ([9.0, 9.0, 9.0, 1.0, 2.0, 3.0], [1.0; 6], [0.0; 6]);
        let queries = Queries { data: &queries, stride: 6, last_only: false };
        let run = Run { start: 0, len: 1, prefix: vec![] };
        attention(SHAPE, queries, key_values(&data), key_values(&[]), &[run], &mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    }

    /// Numbers without structure, −2 to 2.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 4_194_304.0 - 2.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// One head of one row by the definition, in float64.
    fn exact(shape: AttentionShape, query: &[f32], rows: &[(&[f32], &[f32])], head: usize) -> Vec<f64> {
        let (d_head, kv_head) = (shape.d_head, head / (shape.n_heads / shape.n_kv_heads));
        let product = |key: &[f32]| -> f64 {
            let (query, key) = (&query[head * d_head..], &key[kv_head * d_head..]);
            query.iter().zip(key).take(d_head).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum()
        };
        let score = |key: &[f32]| {
            let score = f64::from(shape.scale) * product(key);
            shape.soft_cap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh())
        };
        let weights: Vec<f64> = rows.iter().map(|(key, _)| score(key).exp()).collect();
        let total: f64 = weights.iter().sum();
        let value = |index: usize| -> f64 {
            let values = rows.iter().map(|(_, value)| f64::from(value[kv_head * d_head + index]));
            weights.iter().zip(values).map(|(weight, value)| weight / total * value).sum()
        };
        (0..d_head).map(value).collect()
    }

    /// Widths of a head with and without remainders, more keys and queries than fit one row of scores, shared heads;
    /// on this machine's path and on the portable one.
    #[test]
    fn equals_the_definition_in_double_precision() {
        let shapes = [
            (4, 2, 64, None),
            (3, 3, 80, Some(3.0)),
            (2, 1, 8, None),
            (6, 2, 13, Some(20.0)),
            (1, 1, 256, None),
        ];
        for (n_heads, n_kv_heads, d_head, soft_cap) in shapes {
            let shape =
                AttentionShape { n_heads, n_kv_heads, d_head, scale: 0.3 / (d_head as f32).sqrt(), soft_cap };
            let (queries_width, keys_width) = (n_heads * d_head, n_kv_heads * d_head);
            let stride = queries_width + 2 * keys_width;
            let key_values =
                |data| KeyValues { data, stride, keys: queries_width, values: queries_width + keys_width };
            let runs = [
                Run { start: 3, len: 2, prefix: vec![4..5, 0..2] },
                Run { start: 0, len: 37, prefix: vec![] },
                Run { start: 20, len: 1, prefix: vec![0..13, 13..20] },
            ];
            let (own, shared) = (numbers(40 * stride, 1), numbers(20 * stride, 2));
            let queries = Queries { data: &own, stride, last_only: false };
            let mut ours = vec![f32::NAN; 40 * queries_width];
            let mut portable = ours.clone();
            attention(shape, queries, key_values(&own), key_values(&shared), &runs, &mut ours);
            let (own_rows, shared_rows) = (key_values(&own), key_values(&shared));
            Attention { shape, queries, own: own_rows, shared: shared_rows, runs: &runs, out: &mut portable }
                .with_simd(pulp::Scalar::new());
            let mut first = 0;
            for run in &runs {
                for row in 0..run.len {
                    let mut rows: Vec<Row<'_>> =
                        run.prefix.iter().cloned().flatten().map(|row| key_value(shared_rows, row)).collect();
                    rows.extend((first..=first + row).map(|row| key_value(own_rows, row)));
                    let query = &own[(first + row) * stride..];
                    for head in 0..n_heads {
                        let start = (first + row) * queries_width + head * d_head;
                        for (index, exact) in exact(shape, query, &rows, head).into_iter().enumerate() {
                            for found in [ours[start + index], portable[start + index]] {
                                assert!(
                                    (f64::from(found) - exact).abs() < 2e-6,
                                    "{found} instead of {exact}"
                                );
                            }
                        }
                    }
                }
                first += run.len;
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_seen_where_it_is_read_and_only_there() {
        let mut own = numbers(3 * 6, 3);
        own[6] = f32::NAN;
        let queries = numbers(3 * 6, 4);
        let queries = Queries { data: &queries, stride: 6, last_only: false };
        let run = Run { start: 0, len: 3, prefix: vec![] };
        let mut out = [0.0; 18];
        attention(SHAPE, queries, key_values(&own), key_values(&[]), &[run], &mut out);
        assert!(out[..6].iter().all(|out| out.is_finite()) && out[6..].iter().all(|out| out.is_nan()));
    }
}
