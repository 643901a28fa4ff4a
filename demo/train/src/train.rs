//! The training loop.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use tokenizers::Tokenizer;

use crate::corpus::Fact;
use crate::model::Model;
use crate::ops::CrossEntropy;
use crate::optimiser::AdamW;
use crate::random::{Dropout, Stream, Use};
use crate::tokenizer::{END_OF_TEXT, encode};

const BATCH: usize = 96;
const LEARNING_RATE: f32 = 2e-3;
const WARM_UP: usize = 100;
/// Share of the learning rate left at the last step.
const FINAL_SHARE: f32 = 0.02;
const DROPOUT: f32 = 0.1;
const REPORT_EVERY: usize = 100;

/// Trains a model on the seen phrasings of all facts.
pub fn train(
    model: &dyn Model,
    facts: &[Fact],
    tokenizer: &Tokenizer,
    steps: usize,
    seed: u64,
) -> Result<()> {
    let mut batches = Batches::new(sentences(facts, tokenizer)?, Stream::new(seed, Use::Batches, 0));
    let mut dropout = Dropout::new(Stream::new(seed, Use::Dropout, 0), DROPOUT);
    let mut optimiser = AdamW::new(model.parameters())?;
    let (started, mut loss_sum) = (Instant::now(), 0.0);
    for step in 0..steps {
        let batch = batches.next();
        let states = model.states(&model.embed(&batch.tokens)?, &batch.lengths, &mut dropout)?;
        let loss = model.logits(&states)?.apply_op1(CrossEntropy { targets: batch.targets })?;
        optimiser.step(&loss.backward()?, learning_rate(step, steps))?;
        loss_sum += loss.to_scalar::<f32>()?;
        if (step + 1) % REPORT_EVERY == 0 {
            let (mean, seconds) = (loss_sum / REPORT_EVERY as f32, started.elapsed().as_secs_f64());
            println!("  step {:5} of {steps}  loss {mean:.3}  {seconds:.0} s", step + 1);
            loss_sum = 0.0;
        }
    }
    Ok(())
}

/// Rises over the first steps, then falls along a cosine.
fn learning_rate(step: usize, steps: usize) -> f32 {
    let rise = ((step + 1) as f32 / WARM_UP as f32).min(1.0);
    let fall = 0.5 * (1.0 + (std::f32::consts::PI * step as f32 / steps as f32).cos());
    LEARNING_RATE * rise * (FINAL_SHARE + (1.0 - FINAL_SHARE) * fall)
}

/// Every fact in each of its seen phrasings: prompt, answer, full stop, end of text.
fn sentences(facts: &[Fact], tokenizer: &Tokenizer) -> Result<Vec<Vec<u32>>> {
    let texts = facts.iter().flat_map(|fact| {
        fact.seen.iter().map(|phrasing| format!("{} {}.{END_OF_TEXT}", fact.fill(phrasing), fact.answer))
    });
    texts.map(|text| encode(tokenizer, &text)).collect()
}

/// Packed sentences without their last tokens, and for each token the one that follows.
struct Batch {
    tokens: Vec<u32>,
    targets: Arc<Vec<u32>>,
    lengths: Arc<Vec<usize>>,
}

/// All sentences over and over, each time in a new order.
struct Batches {
    sentences: Vec<Vec<u32>>,
    stream: Stream,
    order: Vec<usize>,
}

impl Batches {
    fn new(sentences: Vec<Vec<u32>>, stream: Stream) -> Self {
        Self { sentences, stream, order: Vec::new() }
    }

    fn next(&mut self) -> Batch {
        let (mut tokens, mut targets, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..BATCH {
            let index = self.draw();
            let sentence = &self.sentences[index];
            tokens.extend(&sentence[..sentence.len() - 1]);
            targets.extend(&sentence[1..]);
            lengths.push(sentence.len() - 1);
        }
        Batch { tokens, targets: Arc::new(targets), lengths: Arc::new(lengths) }
    }

    fn draw(&mut self) -> usize {
        if self.order.is_empty() {
            self.order = (0..self.sentences.len()).collect();
            self.stream.shuffle(&mut self.order);
        }
        self.order.pop().unwrap_or(0)
    }
}
