//! How a prompt is traced: the options that `trace`, `sweep` and the runs of an experiment share.

use std::path::PathBuf;
use std::str::FromStr;

use causal_trace_core::{Component, Direction, Engine, Metric, NoiseRule, NoiseStream, Spread};
use clap::ValueEnum;

use super::{MOST_LAYERS, MOST_SAMPLES, MOST_THREADS, PrecisionChoice, up_to};
use crate::memory::parse_bytes;

const MOST_EXTRA_TOKENS: usize = 1_024;

/// How a prompt is traced.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct MethodArgs {
    /// What is restored, a list: residual, mlp, attn, resid_pre, resid_mid, mlp_severed, attn_severed (the residual
    /// stream while the token's mlp or attention is held), or all for the first three [default: residual]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) component: Option<Vec<ComponentChoice>>,
    /// Layers restored at once, for mlp and attn [default: 10]
    #[arg(long, value_name = "LAYERS", value_parser = up_to(MOST_LAYERS))]
    pub(crate) window: Option<usize>,
    /// Layers restored at once, for residual, resid_pre and resid_mid [default: 1]
    #[arg(long, value_name = "LAYERS", value_parser = up_to(MOST_LAYERS))]
    pub(crate) residual_window: Option<usize>,
    /// denoise (clean states into the corrupted run) or noise (the reverse) [default: denoise]
    #[arg(long)]
    pub(crate) direction: Option<Direction>,
    /// How the subject is obscured: noise (see --noise), random-embedding, shuffle (the subject's embeddings among
    /// themselves), swap (the subject of another fact of the relation), pair (the fact's counterpart prompt)
    /// [default: noise]
    #[arg(long, value_name = "KIND")]
    pub(crate) corruption: Option<CorruptionChoice>,
    /// s3 (3 standard deviations of the subjects' embeddings; any factor), a number (Gaussian; 0 is none), u1.5
    /// (uniform), t3 (Student's t), m (multivariate Gaussian); t and m have the covariance of token embeddings
    /// [default: s3]
    #[arg(long, value_name = "RULE", allow_hyphen_values = true)]
    pub(crate) noise: Option<NoiseRule>,
    /// The noise takes the place of the embeddings instead of being added
    #[arg(long)]
    pub(crate) replace: bool,
    /// How random embeddings spread: covariance, or deviation (every element by itself) [default: covariance]
    #[arg(long, value_name = "SPREAD")]
    pub(crate) spread: Option<Spread>,
    /// Text whose tokens' embeddings t3, m and random-embedding follow [default: the whole embedding matrix, every
    /// token once]
    #[arg(long, value_name = "FILE")]
    pub(crate) corpus: Option<PathBuf>,
    /// Other draws for every site, as in the GPT-2 Large runs of dannyallover/causal-tracing; very slow, since it
    /// takes the naive engine
    #[arg(long)]
    pub(crate) fresh_noise: bool,
    /// Tokens after the subject that are corrupted too [default: 0]
    #[arg(long, value_name = "N", value_parser = from_zero)]
    pub(crate) extra_tokens: Option<usize>,
    /// What is measured beside the probability, a list: log_probability, logit, logit_difference (to the corrupted
    /// run's top answer, or a given foil), kl_divergence (from the clean run), rank
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) metric: Option<Vec<Metric>>,
    /// How many times the corruption is drawn [default: 10; 1 for swap and pair]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_SAMPLES))]
    pub(crate) samples: Option<usize>,
    /// Seed of what is random [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// independent, or rome (NumPy's RandomState(seed), afresh for every prompt) [default: independent]
    #[arg(long, value_name = "STREAM")]
    pub(crate) noise_stream: Option<NoiseStream>,
    /// Defaults of a published system: rome (its noise stream, its baseline with --replace; give its facts with
    /// --facts), dannyallover (noise 0.1, one token more; in a sweep also its target and roles)
    #[arg(long)]
    pub(crate) preset: Option<Preset>,
    /// wavefront (fast), or naive (the whole model once per site) [default: wavefront]
    #[arg(long)]
    pub(crate) engine: Option<Engine>,
    /// Accuracy of matrix products: f32, bf16x6 (about as accurate), bf16x3, bf16, or auto (the fastest that changes no
    /// probability of the first prompt by 1e-4) [default: f32]
    #[arg(long)]
    pub(crate) precision: Option<PrecisionChoice>,
    /// Upper bound for the program's memory, as in 500M or 4G. Weights that do not fit are read from their files, layer
    /// by layer, for every batch of prompts [default: three quarters of the free memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
}

/// One component, or ROME's three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComponentChoice {
    All,
    One(Component),
}

impl FromStr for ComponentChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(ComponentChoice::All);
        }
        text.parse().map(ComponentChoice::One).map_err(|error| format!("{error}, all"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CorruptionChoice {
    /// Noise on the embeddings
    Noise,
    /// Random embeddings with the mean of token embeddings
    RandomEmbedding,
    /// The subject's embeddings in another order
    Shuffle,
    /// Another fact's subject of as many tokens, of the same relation
    Swap,
    /// The fact's counterpart prompt
    Pair,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    Rome,
    Dannyallover,
}

fn from_zero(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number <= MOST_EXTRA_TOKENS => Ok(number),
        _ => Err(format!("expected a whole number of at most {MOST_EXTRA_TOKENS}")),
    }
}
