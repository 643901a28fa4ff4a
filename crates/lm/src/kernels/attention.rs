//! Ragged causal attention with shared prefix keys.
//!
//! A run is some consecutive tokens of a text. The keys and values of the tokens before them were computed
//! already, for a run that has the same beginning, and are read from there.

use std::ops::Range;

use super::math::{exp, tanh, vectorised};

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
    let width = shape.n_heads * shape.d_head;
    let mut first_row = 0;
    let mut query_rows = queries.data.chunks_exact(queries.stride).zip(out.chunks_exact_mut(width));
    let mut scores = Vec::new();
    let mut rows = Vec::new();
    for run in runs {
        rows.clear();
        rows.extend(run.prefix.iter().cloned().flatten().map(|row| key_value(shared, row)));
        assert_eq!(rows.len(), run.start, "the prefix of a run covers the tokens before it");
        rows.extend((first_row..first_row + run.len).map(|row| key_value(own, row)));
        first_row += run.len;
        let first_query = if queries.last_only { rows.len() - 1 } else { run.start };
        for last_key in first_query..rows.len() {
            let Some((query, out)) = query_rows.next() else { return };
            scores.resize(last_key + 1, 0.0);
            vectorised(
                #[inline(always)]
                || attend_row(shape, &query[..width], &rows[..=last_key], &mut scores, out),
            );
        }
    }
}

fn key_value(source: KeyValues<'_>, row: usize) -> (&[f32], &[f32]) {
    let row = &source.data[row * source.stride..(row + 1) * source.stride];
    (&row[source.keys..], &row[source.values..])
}

/// One token's queries against the keys before and at it.
#[inline(always)]
fn attend_row(
    shape: AttentionShape,
    query: &[f32],
    rows: &[(&[f32], &[f32])],
    scores: &mut [f32],
    out: &mut [f32],
) {
    let heads_per_key = shape.n_heads / shape.n_kv_heads;
    let heads = query.chunks_exact(shape.d_head).zip(out.chunks_exact_mut(shape.d_head));
    for (head, (query, out)) in heads.enumerate() {
        let key_head = head / heads_per_key * shape.d_head;
        let features = key_head..key_head + shape.d_head;
        for (score, (key, _)) in scores.iter_mut().zip(rows) {
            *score = shape.scale * dot(query, &key[features.clone()]);
        }
        if let Some(cap) = shape.soft_cap {
            scores.iter_mut().for_each(|score| *score = cap * tanh(*score / cap));
        }
        soft_max(scores);
        out.fill(0.0);
        for (&weight, (_, value)) in scores.iter().zip(rows) {
            for (out, &value) in out.iter_mut().zip(&value[features.clone()]) {
                *out += weight * value;
            }
        }
    }
}

#[inline(always)]
fn soft_max(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Sum of products in 16 partial sums, which is what lets it use vector registers.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (chunks_a, chunks_b) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in chunks_a.zip(chunks_b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
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
