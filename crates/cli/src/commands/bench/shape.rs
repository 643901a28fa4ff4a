//! Made-up models: shapes and random weights.

use anyhow::Result;
use causal_trace_core::Precision;
use causal_trace_lm::Model;
use rayon::prelude::*;

use crate::usage::Usage;

const MOST_LAYERS: usize = 1_000;
const MOST_WIDTH: usize = 65_536;

/// Weights lie between minus and plus this.
const LARGEST_WEIGHT: f32 = 0.035;
/// Standard deviation of the logits: the most probable tokens have probabilities as a trained model's, so that errors of
/// the computation show in them.
const LOGIT_DEVIATION: f32 = 8.0;
/// Weights that are made by one thread at a time.
const PIECE: usize = 1 << 16;

/// The layout of a made-up model; it decides the head's share of the work, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Gpt2,
    GptJ,
}

/// The size of a made-up model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    family: Family,
    pub(super) n_layers: usize,
    pub(super) d_model: usize,
    n_heads: usize,
}

impl Shape {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (family, numbers) = match text {
            "gpt2" => (Family::Gpt2, "12x768x12"),
            "gpt2-medium" => (Family::Gpt2, "24x1024x16"),
            "gpt2-large" => (Family::Gpt2, "36x1280x20"),
            "gpt2-xl" => (Family::Gpt2, "48x1600x25"),
            "gpt-j" => (Family::GptJ, "28x4096x16"),
            other => (Family::Gpt2, other),
        };
        let numbers: Option<Vec<usize>> =
            numbers.split('x').map(|number| number.parse().ok().filter(|&number| number > 0)).collect();
        match numbers.as_deref() {
            Some(&[n_layers, d_model, n_heads])
                if d_model % n_heads == 0 && n_layers <= MOST_LAYERS && d_model <= MOST_WIDTH =>
            {
                Ok(Shape { family, n_layers, d_model, n_heads })
            }
            _ => Err(Usage(format!(
                "--shape {text}: expected gpt2, gpt2-medium, gpt2-large, gpt2-xl, gpt-j or LAYERSxWIDTHxHEADS (of \
                 GPT-2's layout), at most {MOST_LAYERS} layers, a width of at most {MOST_WIDTH} and a multiple of \
                 the heads"
            ))
            .into()),
        }
    }

    fn d_vocab(self) -> usize {
        match self.family {
            Family::Gpt2 => 50_257,
            Family::GptJ => 50_400,
        }
    }

    fn config(self) -> String {
        let Shape { family, n_layers, d_model, n_heads } = self;
        let (own, n_positions) = match family {
            Family::Gpt2 => (r#""model_type": "gpt2""#, 1024),
            Family::GptJ => (r#""model_type": "gptj", "rotary_dim": 64"#, 2048),
        };
        format!(
            r#"{{{own}, "n_layer": {n_layers}, "n_embd": {d_model}, "n_head": {n_heads},
                "vocab_size": {}, "n_positions": {n_positions}, "activation_function": "gelu_new"}}"#,
            self.d_vocab()
        )
    }

    /// A model with small random weights, the same in every run.
    pub(super) fn model(self, precision: Precision) -> Result<Model> {
        let mut tensors = 0;
        let mut tensor = |name: &str, shape: &[usize]| {
            let size = shape.iter().product();
            tensors += 1;
            if name.ends_with("ln_f.weight") {
                vec![self.final_norm_weight(); size]
            } else if name.contains("ln_") && name.ends_with("weight") {
                vec![1.0; size]
            } else {
                random_weights(size, tensors)
            }
        };
        Ok(Model::from_source(&self.config(), precision, &mut tensor)?)
    }

    /// What makes the logits' deviation that of [`LOGIT_DEVIATION`]: what is normalised has deviation 1.
    fn final_norm_weight(self) -> f32 {
        let head_deviation = LARGEST_WEIGHT / 3f32.sqrt();
        LOGIT_DEVIATION / (head_deviation * (self.d_model as f32).sqrt())
    }

    /// Bytes of the blocks' and the head's weights as they lie in memory at a precision: what one sweep reads.
    pub(super) fn weight_bytes(self, precision: Precision) -> f64 {
        let bytes = match precision {
            Precision::Bf16 => 2,
            Precision::F32 | Precision::Bf16x3 => 4,
            Precision::Bf16x6 => 6,
        };
        let d_model = self.d_model;
        ((12 * d_model * self.n_layers + self.d_vocab()) * d_model * bytes) as f64
    }
}

/// Numbers without structure. Each is made of its place alone, so that all threads make them at once.
fn random_weights(size: usize, seed: u32) -> Vec<f32> {
    let mut weights = vec![0.0; size];
    weights.par_chunks_mut(PIECE).enumerate().for_each(|(piece, weights)| {
        let first = mixed(mixed(seed).wrapping_add(piece as u32));
        for (place, weight) in weights.iter_mut().enumerate() {
            let random = mixed(first.wrapping_add(place as u32));
            *weight = ((random >> 8) as f32 * (2.0 / (1 << 24) as f32) - 1.0) * LARGEST_WEIGHT;
        }
    });
    weights
}

/// The last step of MurmurHash3 (32 bits): neighbours become unlike each other.
fn mixed(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x85eb_ca6b);
    x ^= x >> 13;
    x = x.wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use causal_trace_core::Precision;

    use super::*;

    #[test]
    fn shapes_are_read() {
        let xl = Shape::parse("gpt2-xl").unwrap();
        assert_eq!((xl.family, xl.n_layers, xl.d_model, xl.n_heads), (Family::Gpt2, 48, 1600, 25));
        assert_eq!(Shape::parse("3x16x2").unwrap().n_heads, 2);
        for wrong in ["", "gpt", "3x16", "3x16x3", "0x16x2", "3x16x2x1", "1001x16x2"] {
            assert!(Shape::parse(wrong).is_err(), "{wrong} was accepted");
        }
    }

    #[test]
    fn a_gpt_j_is_one() {
        let shape = Shape { n_layers: 1, d_model: 128, n_heads: 2, ..Shape::parse("gpt-j").unwrap() };
        let model = shape.model(Precision::F32).unwrap();
        assert_eq!(model.architecture().model_type, "gptj");
        assert_eq!(model.architecture().d_vocab, 50_400);
        let logits = model.last_logits(&[1, 2, 3]).unwrap();
        assert!(logits.iter().all(|logit| logit.is_finite()));
    }

    #[test]
    fn logits_are_spread_as_those_of_a_trained_model() {
        let model = Shape::parse("2x64x2").unwrap().model(Precision::F32).unwrap();
        let logits = model.last_logits(&[1000, 1037, 1074]).unwrap();
        let n = logits.len() as f64;
        let mean = logits.iter().map(|&logit| f64::from(logit)).sum::<f64>() / n;
        let square = logits.iter().map(|&logit| (f64::from(logit) - mean).powi(2)).sum::<f64>() / n;
        assert!((square.sqrt() - 8.0).abs() < 0.5, "deviation {}", square.sqrt());
    }

    #[test]
    fn a_sweep_reads_all_but_embeddings_and_small_vectors() {
        let shape = Shape::parse("2x64x2").unwrap();
        let parameters = shape.model(Precision::F32).unwrap().architecture().n_parameters();
        let small = 1024 * 64 + 2 * (13 * 64) + 2 * 64;
        assert_eq!(shape.weight_bytes(Precision::F32), (4 * (parameters - small)) as f64);
    }

    #[test]
    fn weights_are_random() {
        let weights = random_weights(3 * PIECE + 7, 5);
        let n = weights.len() as f64;
        let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
        let square = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / n;
        let uniform = f64::from(LARGEST_WEIGHT) / 3f64.sqrt();
        // Four standard errors.
        assert!(mean.abs() < 4.0 * uniform / n.sqrt(), "mean {mean}");
        assert!((square.sqrt() / uniform - 1.0).abs() < 0.01, "deviation {}", square.sqrt());
        let products: f64 = weights.windows(2).map(|pair| f64::from(pair[0] * pair[1])).sum();
        assert!((products / n / square).abs() < 4.0 / n.sqrt(), "neighbours are alike");
        let mut sorted = weights.clone();
        sorted.sort_by(f32::total_cmp);
        sorted.dedup();
        assert!(sorted.len() as f64 > 0.98 * n, "{} of {n} are different", sorted.len());
        assert_ne!(random_weights(8, 6), weights[..8]);
        assert_eq!(random_weights(PIECE + 1, 5), weights[..PIECE + 1], "they do not depend on the size");
    }
}
