//! Ragged causal attention with shared prefix keys.
//!
//! A run is some consecutive tokens of a text. The keys and values of the tokens before them were computed
//! already, for a run that has the same beginning, and are read from there.

use std::ops::Range;

use super::math::{LANES, exp, larger, largest_of_lanes, sum_of_lanes, tanh, vectorised};

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
    vectorised(
        #[inline(always)]
        || attend_runs(shape, queries, own, shared, runs, out),
    );
}

/// Queries whose scores are kept at once: all of an ordinary run's.
const QUERIES: usize = 16;

/// Features of a head that are in registers at once.
const BLOCK: usize = 4 * LANES;

/// A row's keys and values, each from its first feature on.
type Row<'a> = (&'a [f32], &'a [f32]);

#[inline(always)]
fn attend_runs(
    shape: AttentionShape,
    queries: Queries<'_>,
    own: KeyValues<'_>,
    shared: KeyValues<'_>,
    runs: &[Run],
    out: &mut [f32],
) {
    let width = shape.n_heads * shape.d_head;
    let (mut first_row, mut first_query) = (0, 0);
    let mut scores = Vec::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for run in runs {
        rows.clear();
        rows.extend(run.prefix.iter().cloned().flatten().map(|row| key_value(shared, row)));
        assert_eq!(rows.len(), run.start, "the prefix of a run covers the tokens before it");
        rows.extend((first_row..first_row + run.len).map(|row| key_value(own, row)));
        first_row += run.len;
        let first_position = if queries.last_only { rows.len() - 1 } else { run.start };
        for start in (first_position..rows.len()).step_by(QUERIES) {
            let positions = start..rows.len().min(start + QUERIES);
            let end_query = first_query + positions.len();
            let queries = &queries.data[first_query * queries.stride..end_query * queries.stride];
            let out = &mut out[first_query * width..end_query * width];
            attend_queries(shape, queries, positions, &rows, &mut scores, out);
            first_query = end_query;
        }
    }
}

fn key_value(source: KeyValues<'_>, row: usize) -> Row<'_> {
    let row = &source.data[row * source.stride..(row + 1) * source.stride];
    (&row[source.keys..], &row[source.values..])
}

/// The queries of some positions of a run, each against the keys before and at it. First all scores, then all
/// weights, then all values: so the steps of one head and position need not wait for each other.
#[inline(always)]
fn attend_queries(
    shape: AttentionShape,
    queries: &[f32],
    positions: Range<usize>,
    rows: &[Row<'_>],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (n_queries, d_head) = (positions.len(), shape.d_head);
    let (stride, width) = (queries.len() / n_queries, shape.n_heads * d_head);
    let padded = positions.end.next_multiple_of(LANES);
    let first_feature = |head: usize| head / (shape.n_heads / shape.n_kv_heads) * d_head;
    scores.resize(shape.n_heads * n_queries * padded, 0.0);
    let mut scores_of = scores.chunks_exact_mut(padded);
    for head in 0..shape.n_heads {
        for (position, query) in positions.clone().zip(queries.chunks_exact(stride)) {
            let Some(scores) = scores_of.next() else { return };
            let query = &query[head * d_head..(head + 1) * d_head];
            score(query, &rows[..=position], first_feature(head), &mut scores[..=position]);
        }
    }
    for (scores, n_keys) in scores.chunks_exact_mut(padded).zip(positions.clone().map(|p| p + 1).cycle()) {
        soft_max(shape, scores, n_keys);
    }
    let mut weights_of = scores.chunks_exact(padded);
    for head in 0..shape.n_heads {
        for (position, out) in positions.clone().zip(out.chunks_exact_mut(width)) {
            let Some(weights) = weights_of.next() else { return };
            let out = &mut out[head * d_head..(head + 1) * d_head];
            mix(&weights[..=position], &rows[..=position], first_feature(head), out);
        }
    }
}

/// Products of a head's query with its keys.
#[inline(always)]
fn score(query: &[f32], rows: &[Row<'_>], mut feature: usize, scores: &mut [f32]) {
    scores.fill(0.0);
    let (blocks, rest) = query.as_chunks::<BLOCK>();
    for block in blocks {
        score_block(block, rows, feature, scores);
        feature += BLOCK;
    }
    let (blocks, rest) = rest.as_chunks::<LANES>();
    for block in blocks {
        score_block(block, rows, feature, scores);
        feature += LANES;
    }
    if !rest.is_empty() {
        for (score, (key, _)) in scores.iter_mut().zip(rows) {
            for (query, key) in rest.iter().zip(&key[feature..feature + rest.len()]) {
                *score = query.mul_add(*key, *score);
            }
        }
    }
}

#[inline(always)]
fn score_block<const N: usize>(query: &[f32; N], rows: &[Row<'_>], feature: usize, scores: &mut [f32]) {
    for (score, (key, _)) in scores.iter_mut().zip(rows) {
        let mut lanes = [0.0; LANES];
        let (keys, _) = key[feature..feature + N].as_chunks::<LANES>();
        for (query, key) in query.as_chunks::<LANES>().0.iter().zip(keys) {
            for lane in 0..LANES {
                lanes[lane] = query[lane].mul_add(key[lane], lanes[lane]);
            }
        }
        *score += sum_of_lanes(lanes);
    }
}

/// The first `n_keys` scores become weights, which add up to 1.
#[inline(always)]
fn soft_max(shape: AttentionShape, scores: &mut [f32], n_keys: usize) {
    let (chunks, _) = scores.as_chunks_mut::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for (index, chunk) in chunks.iter_mut().enumerate() {
        for lane in 0..LANES {
            let score = shape.scale * chunk[lane];
            let score = shape.soft_cap.map_or(score, |cap| cap * tanh(score / cap));
            chunk[lane] = if index * LANES + lane < n_keys { score } else { f32::NEG_INFINITY };
            largest[lane] = larger(chunk[lane], largest[lane]);
        }
    }
    let largest = largest_of_lanes(largest);
    let mut sums = [0.0; LANES];
    for chunk in chunks.iter_mut() {
        for lane in 0..LANES {
            chunk[lane] = exp(chunk[lane] - largest);
            sums[lane] += chunk[lane];
        }
    }
    let inverse = 1.0 / sum_of_lanes(sums);
    scores.iter_mut().for_each(|score| *score *= inverse);
}

/// The weighted sum of a head's values.
#[inline(always)]
fn mix(weights: &[f32], rows: &[Row<'_>], mut feature: usize, out: &mut [f32]) {
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    for block in blocks {
        *block = mix_block(weights, rows, feature);
        feature += BLOCK;
    }
    let (blocks, rest) = rest.as_chunks_mut::<LANES>();
    for block in blocks {
        *block = mix_block(weights, rows, feature);
        feature += LANES;
    }
    for (index, out) in rest.iter_mut().enumerate() {
        let values = rows.iter().map(|(_, value)| value[feature + index]);
        *out = weights.iter().zip(values).fold(0.0, |sum, (weight, value)| weight.mul_add(value, sum));
    }
}

#[inline(always)]
fn mix_block<const N: usize>(weights: &[f32], rows: &[Row<'_>], feature: usize) -> [f32; N] {
    let mut sums = [0.0; N];
    for (&weight, (_, value)) in weights.iter().zip(rows) {
        for (sum, value) in sums.iter_mut().zip(&value[feature..feature + N]) {
            *sum = weight.mul_add(*value, *sum);
        }
    }
    sums
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
}
