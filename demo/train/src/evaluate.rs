//! What a trained model knows, and how much of it is lost when the subject is obscured.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use candle_core::{Device, Tensor};
use tokenizers::Tokenizer;

use crate::corpus::Fact;
use crate::model::{Model, WIDTH};
use crate::random::{Dropout, Stream, Use};
use crate::tokenizer::{answer_token, encode, encode_with_subject};

/// Prompts per forward pass.
const BATCH: usize = 256;
/// Noise per standard deviation of the subjects' embeddings (ROME's `s3`).
const NOISE_FACTOR: f64 = 3.0;
/// Noise draws per prompt.
const SAMPLES: usize = 10;

/// The measured figures of a model. Shares are between 0 and 1.
pub struct Evaluation {
    /// Right answers over pairs of fact and phrasing that were trained.
    pub seen: Share,
    /// Right answers over pairs that were not.
    pub unseen: Share,
    /// Right answers to the prompts of `facts.json`.
    pub prompts: Share,
    /// Standard deviation of the noise.
    pub noise: f64,
    /// Mean of p − p* over the prompts of `facts.json`.
    pub total_effect: f64,
    /// Top token for each prompt of `facts.json`.
    pub predictions: Vec<u32>,
}

/// How many were right.
#[derive(Clone, Copy)]
pub struct Share {
    pub right: usize,
    pub of: usize,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} % ({} of {})", 100.0 * self.right as f64 / self.of as f64, self.right, self.of)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  right in seen phrasings    {}", self.seen)?;
        writeln!(f, "  right in unseen phrasings  {}", self.unseen)?;
        writeln!(f, "  right in facts.json        {}", self.prompts)?;
        write!(f, "  mean total effect          {:.3} (noise {:.4})", self.total_effect, self.noise)
    }
}

/// Measures a model on all facts.
pub fn evaluate(model: &dyn Model, facts: &[Fact], tokenizer: &Tokenizer, seed: u64) -> Result<Evaluation> {
    let noise = noise_deviation(model, facts, tokenizer)?;
    let prompts: Vec<String> = facts.iter().map(Fact::prompt).collect();
    let answers: Vec<u32> = facts.iter().map(|fact| answer_token(tokenizer, fact)).collect::<Result<_>>()?;
    let predictions = predict(model, &prompts, tokenizer)?;
    let mut effects = 0.0;
    for (fact, &answer) in facts.iter().zip(&answers) {
        effects += total_effect(model, fact, answer, tokenizer, noise, seed)?;
    }
    Ok(Evaluation {
        seen: share_of(model, facts, tokenizer, |fact| &fact.seen)?,
        unseen: share_of(model, facts, tokenizer, |fact| &fact.unseen)?,
        prompts: share(&predictions, &answers),
        noise,
        total_effect: effects / facts.len() as f64,
        predictions,
    })
}

fn share(predictions: &[u32], answers: &[u32]) -> Share {
    Share { right: predictions.iter().zip(answers).filter(|(p, a)| p == a).count(), of: answers.len() }
}

/// The share of right answers over all pairs of a fact and one of the chosen phrasings.
fn share_of(
    model: &dyn Model,
    facts: &[Fact],
    tokenizer: &Tokenizer,
    phrasings: impl Fn(&Fact) -> &Vec<String>,
) -> Result<Share> {
    let (mut prompts, mut answers) = (Vec::new(), Vec::new());
    for fact in facts {
        let answer = answer_token(tokenizer, fact)?;
        for phrasing in phrasings(fact) {
            prompts.push(fact.fill(phrasing));
            answers.push(answer);
        }
    }
    Ok(share(&predict(model, &prompts, tokenizer)?, &answers))
}

/// The most probable next token of each prompt.
fn predict(model: &dyn Model, prompts: &[String], tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    let mut predictions = Vec::with_capacity(prompts.len());
    for batch in prompts.chunks(BATCH) {
        let tokens: Vec<Vec<u32>> =
            batch.iter().map(|prompt| encode(tokenizer, prompt)).collect::<Result<_>>()?;
        let lengths = tokens.iter().map(Vec::len).collect();
        let logits = last_logits(model, &model.embed(&tokens.concat())?, lengths)?;
        predictions.extend(logits.argmax(1)?.to_vec1::<u32>()?);
    }
    Ok(predictions)
}

/// Logits after the last token of each packed sentence.
fn last_logits(model: &dyn Model, embeddings: &Tensor, lengths: Vec<usize>) -> Result<Tensor> {
    let mut end = 0;
    let ends = lengths.iter().map(|&length| {
        end += length;
        end as u32 - 1
    });
    let last = Tensor::from_vec(ends.collect::<Vec<u32>>(), lengths.len(), &Device::Cpu)?;
    let states = model.states(embeddings, &Arc::new(lengths), &mut Dropout::off())?;
    Ok(model.logits(&states.index_select(&last, 0)?)?)
}

/// Three standard deviations (n − 1) over all elements of the token embeddings of all subjects.
fn noise_deviation(model: &dyn Model, facts: &[Fact], tokenizer: &Tokenizer) -> Result<f64> {
    let mut tokens = Vec::new();
    for fact in facts {
        tokens.extend(encode(tokenizer, &fact.subject)?);
    }
    let values: Vec<f32> = model.embed(&tokens)?.flatten_all()?.to_vec1()?;
    let count = values.len() as f64;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
    let squares: f64 = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    Ok(NOISE_FACTOR * (squares / (count - 1.0)).sqrt())
}

/// p − p* for a fact's prompt in `facts.json`, p* being the mean over the noise draws.
fn total_effect(
    model: &dyn Model,
    fact: &Fact,
    answer: u32,
    tokenizer: &Tokenizer,
    noise: f64,
    seed: u64,
) -> Result<f64> {
    let (tokens, subject) = encode_with_subject(tokenizer, &fact.prompt(), &fact.subject)?;
    let clean: Vec<f32> = model.embed(&tokens)?.flatten_all()?.to_vec1()?;
    let mut stream = Stream::new(seed, Use::Noise, fact.known_id as u64);
    let mut runs = clean.clone();
    for _ in 0..SAMPLES {
        let mut run = clean.clone();
        for &token in &subject {
            let row = &mut run[token * WIDTH..(token + 1) * WIDTH];
            row.iter_mut().zip(stream.normal(WIDTH, noise as f32)).for_each(|(x, noise)| *x += noise);
        }
        runs.extend(run);
    }
    let embeddings = Tensor::from_vec(runs, ((SAMPLES + 1) * tokens.len(), WIDTH), &Device::Cpu)?;
    let logits = last_logits(model, &embeddings, vec![tokens.len(); SAMPLES + 1])?.to_vec2::<f32>()?;
    let p: Vec<f64> = logits.iter().map(|row| probability(row, answer)).collect();
    let Some((clean, corrupted)) = p.split_first() else { bail!("no runs") };
    Ok(clean - corrupted.iter().sum::<f64>() / corrupted.len() as f64)
}

fn probability(logits: &[f32], token: u32) -> f64 {
    let chosen = f64::from(logits[token as usize]);
    1.0 / logits.iter().map(|&x| (f64::from(x) - chosen).exp()).sum::<f64>()
}

/// A token as text, with its leading space.
pub fn text(tokenizer: &Tokenizer, token: u32) -> Result<String> {
    tokenizer.decode(&[token], false).map_err(|error| anyhow!(error))
}
