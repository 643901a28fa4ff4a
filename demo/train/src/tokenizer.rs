//! The tokenizer of both models: byte-level BPE in GPT-2's style, trained on the corpus.

use anyhow::{Result, anyhow, ensure};
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer,
    TokenizerBuilder,
};

use crate::corpus::{Fact, Relation};

/// Number of tokens.
pub const VOCABULARY: usize = 3072;
/// The only special token; it ends every sentence.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// How often an answer, a phrasing and a subject count when merges are chosen. Answers must become
/// single tokens, words of phrasings should, and subjects should stay several tokens, as in large models.
const ANSWER_WEIGHT: usize = 50;
const PHRASING_WEIGHT: usize = 20;
const SUBJECT_WEIGHT: usize = 1;

/// Trains the tokenizer.
pub fn train(relations: &[Relation]) -> Result<Tokenizer> {
    let byte_level = ByteLevel::new(false, true, true);
    let mut trainer = BpeTrainerBuilder::new()
        .vocab_size(VOCABULARY)
        .show_progress(false)
        .special_tokens(vec![AddedToken::from(END_OF_TEXT, true)])
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let mut tokenizer = TokenizerBuilder::<
        BPE,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    >::new()
    .with_model(BPE::default())
    .with_normalizer(None)
    .with_pre_tokenizer(Some(byte_level.into()))
    .with_post_processor(None)
    .with_decoder(Some(byte_level.into()))
    .build()
    .map_err(|error| anyhow!(error))?;
    tokenizer.train(&mut trainer, corpus(relations).into_iter()).map_err(|error| anyhow!(error))?;
    let text = tokenizer.to_string(false).map_err(|error| anyhow!(error))?;
    text.parse().map_err(|error: tokenizers::Error| anyhow!(error))
}

fn corpus(relations: &[Relation]) -> Vec<String> {
    let mut lines = Vec::new();
    for relation in relations {
        for phrasing in &relation.phrasings {
            lines.extend(std::iter::repeat_n(phrasing.replace("{}", " "), PHRASING_WEIGHT));
        }
        for (subject, answer) in &relation.facts {
            lines.extend(std::iter::repeat_n(format!(" {answer}"), ANSWER_WEIGHT));
            lines.extend(std::iter::repeat_n(format!("{subject}\n {subject}"), SUBJECT_WEIGHT));
        }
    }
    lines
}

/// The tokens of a text.
pub fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>> {
    let encoding = tokenizer.encode_fast(text, true).map_err(|error| anyhow!(error))?;
    Ok(encoding.get_ids().to_vec())
}

/// The one token of a fact's answer as it follows a prompt.
pub fn answer_token(tokenizer: &Tokenizer, fact: &Fact) -> Result<u32> {
    let tokens = encode(tokenizer, &format!(" {}", fact.answer))?;
    ensure!(tokens.len() == 1, "the answer `{}` is {} tokens, not one", fact.answer, tokens.len());
    Ok(tokens[0])
}

/// A prompt's tokens and the positions of those that overlap the subject.
pub fn encode_with_subject(
    tokenizer: &Tokenizer,
    prompt: &str,
    subject: &str,
) -> Result<(Vec<u32>, Vec<usize>)> {
    let start = prompt.find(subject).ok_or_else(|| anyhow!("`{subject}` is not in `{prompt}`"))?;
    let end = start + subject.len();
    let encoding = tokenizer.encode(prompt, true).map_err(|error| anyhow!(error))?;
    let overlaps = |&(_, &(from, to)): &(usize, &(usize, usize))| from < end && to > start;
    let positions = encoding.get_offsets().iter().enumerate().filter(overlaps).map(|(i, _)| i).collect();
    Ok((encoding.get_ids().to_vec(), positions))
}
