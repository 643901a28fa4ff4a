//! Trains the two models of `demo/` on the facts of `demo/relations.json` and writes them as Hugging
//! Face folders, with `demo/facts.json` beside them.
//!
//! Everything random comes from one seed.

mod corpus;
mod evaluate;
mod export;
mod gpt2;
mod gptj;
mod model;
mod ops;
mod optimiser;
mod random;
mod tokenizer;
mod train;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use tokenizers::Tokenizer;

use corpus::Fact;
use evaluate::Evaluation;
use model::Model;
use random::{Stream, Use};

/// Train the embedded models.
#[derive(Parser)]
struct Args {
    /// Train only this model.
    #[arg(long)]
    only: Option<Kind>,
    /// Training steps of each model.
    #[arg(long, default_value_t = 2500)]
    steps: usize,
    /// Where everything random begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder with relations.json; the models and facts.json are written there.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
    demo: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Kind {
    Gpt2,
    Gptj,
}

impl Kind {
    /// The model's folder.
    fn name(self) -> &'static str {
        match self {
            Kind::Gpt2 => "gpt2",
            Kind::Gptj => "gptj",
        }
    }

    fn new_model(self, seed: u64) -> Result<Box<dyn Model>> {
        let stream = Stream::new(seed, Use::Weights, self as u64);
        Ok(match self {
            Kind::Gpt2 => Box::new(gpt2::Gpt2::new(stream)?),
            Kind::Gptj => Box::new(gptj::Gptj::new(stream)?),
        })
    }
}

fn main() -> Result<()> {
    // Candle's own pool waits in busy loops, which costs more than it gains here. The matrix products and
    // the operations of this program run on rayon's threads and are not affected.
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let args = Args::parse();
    let started = Instant::now();
    let relations = corpus::read_relations(&args.demo.join("relations.json"))?;
    let facts = corpus::divide(&relations, args.seed);
    let tokenizer = tokenizer::train(&relations)?;
    for fact in &facts {
        tokenizer::answer_token(&tokenizer, fact)?;
    }
    println!("{} facts in {} relations", facts.len(), relations.len());
    for kind in [Kind::Gpt2, Kind::Gptj] {
        if args.only.is_none_or(|only| only == kind) {
            let evaluation = make(kind, &facts, &tokenizer, &args)?;
            if kind == Kind::Gpt2 {
                write_facts(&facts, &evaluation, &tokenizer, &args.demo)?;
            }
        }
    }
    println!("all done after {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Trains, evaluates and writes one model.
fn make(kind: Kind, facts: &[Fact], tokenizer: &Tokenizer, args: &Args) -> Result<Evaluation> {
    let started = Instant::now();
    let model = kind.new_model(args.seed)?;
    println!("{}: {} parameters", kind.name(), model.parameters().count());
    train::train(&*model, facts, tokenizer, args.steps, args.seed)?;
    export::round_to_f16(&*model)?;
    export::write(&*model, tokenizer, &args.demo.join(kind.name()))?;
    let evaluation = evaluate::evaluate(&*model, facts, tokenizer, args.seed)?;
    println!("{}, after {:.0} s:\n{evaluation}", kind.name(), started.elapsed().as_secs_f64());
    Ok(evaluation)
}

/// Writes `facts.json`, with the predictions of the GPT-2 model.
fn write_facts(facts: &[Fact], evaluation: &Evaluation, tokenizer: &Tokenizer, demo: &Path) -> Result<()> {
    let mut known = Vec::new();
    for (fact, &prediction) in facts.iter().zip(&evaluation.predictions) {
        known.push(fact.known(evaluate::text(tokenizer, prediction)?));
    }
    export::write_json(&demo.join("facts.json"), &known)
}
