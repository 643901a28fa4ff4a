//! The wavefront against the plain loop on random prompts and settings, for the golden models and for random
//! ones; and what results do not depend on.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

mod support;

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::OnceLock;

use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, Method, Metric, NoiseStream,
    Population, Precision, Spread, TraceConfig, TraceRecord, Window,
};
use causal_trace_engine::{Answer, Case};
use causal_trace_lm::{Model, Wiring};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;
use support::{families, largest_difference, prompt, traced, traced_case};

/// Between the two engines, in units of probability (or of the metric, relative above 1). On x86 they do not differ at all, since a row of a product
/// does not depend on the rows beside it; the product kernels of another processor may add up a row in an order
/// that depends on their number, and the engines' products differ in it.
const BETWEEN_ENGINES: f64 = 1e-5;

/// A random trace, of which only the model is missing.
#[derive(Debug, Clone)]
struct Question {
    ids: Vec<u32>,
    subject: std::ops::Range<usize>,
    /// Ids of the other prompt, for pairs.
    counterpart: Vec<u32>,
    foil: Option<u32>,
    config: TraceConfig,
    threads: usize,
}

fn spans(seq_len: usize) -> impl Strategy<Value = std::ops::Range<usize>> {
    let end = (0..seq_len).prop_map(move |start| start..seq_len);
    let start = (1..=seq_len).prop_map(|end| 0..end);
    let single = (0..seq_len).prop_map(|token| token..token + 1);
    let inner = (0..seq_len, 0..seq_len).prop_map(|(a, b)| a.min(b)..a.max(b) + 1);
    prop_oneof![4 => inner, 2 => single, 1 => start, 1 => end, 1 => Just(0..seq_len), 1 => Just(seq_len - 1..seq_len)]
}

fn populations(d_vocab: u32) -> impl Strategy<Value = Population> {
    let counts = vec((0..d_vocab, 1..5u32), 2..20);
    let text = counts.prop_map(|counts| Population::Text {
        name: "a text".to_owned(),
        sha256: String::new(),
        counts,
    });
    prop_oneof![Just(Population::Vocabulary), text]
}

fn methods(d_vocab: u32) -> impl Strategy<Value = Method> {
    let level = prop_oneof![1 => Just(0.0), 6 => 0.01..2.0, 1 => 2.0..100.0];
    let modes = vec(select(vec![CorruptionMode::Add, CorruptionMode::Replace]), 2);
    let distribution = prop_oneof![
        3 => Just(Distribution::Gaussian),
        3 => Just(Distribution::Uniform),
        1 => populations(d_vocab).prop_map(|population| Distribution::Multivariate { population }),
        1 => (2.1..9.0, populations(d_vocab))
            .prop_map(|(degrees, population)| Distribution::StudentT { degrees, population }),
    ];
    let noise = (level, modes, distribution).prop_map(|(level, modes, distribution)| Method::Noise {
        distribution,
        level,
        mode: modes[0],
        baseline_mode: modes[1],
    });
    let random = (populations(d_vocab), select(vec![Spread::Covariance, Spread::Deviation]))
        .prop_map(|(population, spread)| Method::RandomEmbedding { population, spread });
    prop_oneof![4 => noise, 1 => random, 1 => Just(Method::Shuffle), 2 => Just(Method::Counterpart)]
}

fn corruptions(d_vocab: u32) -> impl Strategy<Value = Corruption> {
    let stream = select(vec![NoiseStream::Rome, NoiseStream::Independent]);
    (methods(d_vocab), stream, 0..1u64 << 32, 0..=1usize, 1..=4usize).prop_map(
        |(method, stream, seed, extra_tokens, samples)| Corruption {
            samples: if method == Method::Counterpart { 1 } else { samples },
            method,
            extra_tokens,
            stream,
            seed,
            fresh_for_each_site: false,
        },
    )
}

fn settings(d_vocab: u32) -> impl Strategy<Value = TraceConfig> {
    let components = prop_oneof![
        1 => subsequence(Component::ALL.to_vec(), 0..=7).prop_shuffle(),
        4 => select(Component::ALL.to_vec()).prop_map(|component| vec![component]),
    ];
    let others = Metric::ALL[1..].to_vec();
    let metrics = prop_oneof![2 => Just(vec![]), 1 => subsequence(others, 0..=5).prop_shuffle()];
    let direction = select(vec![Direction::Denoise, Direction::Noise]);
    let memory = prop_oneof![1usize..4096, 4096usize..1 << 18, Just(1 << 30)];
    let steps = prop_oneof![3 => Just(1), 1 => 2..=12usize];
    let residual_width = prop_oneof![2 => Just(1), 1 => 2..=12usize];
    let windows = (1..=12usize, residual_width);
    (components, windows, metrics, direction, corruptions(d_vocab), (memory, steps)).prop_map(
        |(components, (width, residual_width), metrics, direction, corruption, (memory, steps))| {
            TraceConfig {
                components,
                window: Window { width },
                residual_window: Window { width: residual_width },
                metrics,
                direction,
                corruption,
                engine: Engine::Wavefront,
                memory,
                steps,
            }
        },
    )
}

fn questions(seq_len: impl Strategy<Value = usize>, d_vocab: u32) -> impl Strategy<Value = Question> {
    let tokens = move |seq_len| (vec(0..d_vocab, seq_len), vec(0..d_vocab, seq_len), spans(seq_len));
    let foil = prop_oneof![Just(None), (0..d_vocab).prop_map(Some)];
    let rest = move || (foil.clone(), settings(d_vocab), 1..=4usize);
    seq_len
        .prop_flat_map(move |seq_len| (tokens(seq_len), rest()))
        .prop_map(move |((mut ids, other, subject), (foil, config, threads))| {
            // The other prompt differs within the span only, as symmetric token replacement has it.
            let mut counterpart = ids.clone();
            counterpart[subject.clone()].copy_from_slice(&other[subject.clone()]);
            let first = subject.start;
            if counterpart == ids {
                counterpart[first] = (ids[first] + 1) % d_vocab;
            }
            if config.corruption.method == Method::Shuffle && subject.len() > 1 {
                ids[first] = (ids[first + 1] + 1) % d_vocab;
            }
            Question { ids, subject, counterpart, foil, config, threads }
        })
        // A token by itself has no other order.
        .prop_filter("nothing to shuffle", |question| {
            let Question { subject, config, .. } = question;
            config.corruption.method != Method::Shuffle || subject.len() > 1
        })
}

/// A pool of that many threads.
fn pool(threads: usize) -> &'static ThreadPool {
    static POOLS: OnceLock<Vec<ThreadPool>> = OnceLock::new();
    let new = |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    &POOLS.get_or_init(|| (1..=4).map(new).collect())[threads - 1]
}

/// The traces of both engines, the wavefront's by as many threads as asked for.
fn both(model: &Model, question: &Question) -> [TraceRecord; 2] {
    let prompt = prompt(&question.ids, question.subject.clone());
    let counterpart = support::prompt(&question.counterpart, question.subject.clone());
    let case = Case {
        foil: question.foil,
        counterpart: Some(&counterpart),
        ..Case::new(&prompt, Answer::Predicted)
    };
    let mut config = question.config.clone();
    if model.architecture().wiring != Wiring::Sequential {
        config.components.retain(|&component| component != Component::ResidMid);
    }
    let naive = TraceConfig { engine: Engine::Naive, ..config.clone() };
    let wavefront = pool(question.threads).install(|| traced_case(model, case, &config));
    [traced_case(model, case, &naive).unwrap(), wavefront.unwrap()]
}

/// The largest difference of any number in two traces of the same sites, relative to its size where it is above 1.
fn difference(a: &TraceRecord, b: &TraceRecord) -> f64 {
    assert_eq!((a.baseline.answer_id, a.baseline.foil_id), (b.baseline.answer_id, b.baseline.foil_id));
    assert_eq!(a.grids.len(), b.grids.len());
    let mut largest = 0.0f64;
    for metric in a.config.all_metrics() {
        let ((clean, corrupted), (other_clean, other_corrupted)) =
            (a.baseline.of(metric).unwrap(), b.baseline.of(metric).unwrap());
        largest = largest.max(relative(&[clean], &[other_clean])).max(relative(corrupted, other_corrupted));
        for grid in a.grids_of(metric) {
            let other = b.grids_of(metric).find(|other| other.component == grid.component).unwrap();
            largest = largest.max(relative(&grid.samples, &other.samples));
        }
    }
    largest
}

fn relative(a: &[f32], b: &[f32]) -> f64 {
    let size = a.iter().fold(1.0f32, |size, value| size.max(value.abs()));
    largest_difference(a, b) / f64::from(size)
}

/// The largest effect of any site: what a difference is to be compared with.
fn effect(record: &TraceRecord) -> f64 {
    let clean = record.baseline.clean;
    let probabilities = record.grids_of(Metric::Probability).flat_map(|grid| &grid.samples);
    probabilities.map(|&probability| f64::from((probability - clean).abs())).fold(0.0, f64::max)
}

/// Both engines on random questions; the cases are the same in every run of the test.
fn engines_agree<Q: Debug>(
    name: &str,
    cases: u32,
    questions: impl Strategy<Value = Q>,
    both: impl Fn(Q) -> [TraceRecord; 2],
) {
    let (largest, strongest) = (Cell::new(0.0f64), Cell::new(0.0f64));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, random).run(&questions, |question| {
        let [naive, wavefront] = both(question);
        let difference = difference(&naive, &wavefront);
        largest.set(largest.get().max(difference));
        strongest.set(strongest.get().max(effect(&naive)));
        proptest::prop_assert!(difference <= BETWEEN_ENGINES, "the engines differ by {difference:.1e}");
        Ok(())
    });
    println!(
        "{name}: {cases} cases, largest difference {:.1e}, effect {:.2}",
        largest.get(),
        strongest.get()
    );
    outcome.unwrap();
    assert!(strongest.get() > 0.1, "some of the sites have an effect");
}

#[test]
fn engines_agree_on_the_golden_models() {
    let seq_lens = prop_oneof![5 => 1..=7usize, 3 => 8..=13usize, 1 => 14..=24usize];
    let questions = (0..families().len(), questions(seq_lens, 768));
    engines_agree("golden models", 500, questions, |(family, question)| {
        both(&families()[family].model, &question)
    });
}

/// A model of any shape, with random weights.
#[derive(Debug, Clone)]
struct Shape {
    model_type: &'static str,
    activation: &'static str,
    n_layers: usize,
    d_model: usize,
    /// Heads of keys, query heads for each of them, and half of their width.
    heads: (usize, usize, usize),
    d_mlp: usize,
    d_vocab: usize,
    /// Parallel wiring, biases, scaling by layer: whichever of them the family has.
    variant: bool,
    tied_head: bool,
    seed: u64,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let model_type = select(causal_trace_lm::supported_model_types().to_vec());
    let activation = select(vec!["gelu", "gelu_new", "quick_gelu", "silu", "relu"]);
    let heads = (1..=2usize, 1..=3usize, 1..=5usize);
    let sizes = (1..=4usize, 1..=24usize, heads, 1..=40usize, 2..=70usize);
    (model_type, activation, sizes, any::<bool>(), any::<bool>(), any::<u64>()).prop_map(
        |(model_type, activation, (n_layers, d_model, heads, d_mlp, d_vocab), variant, tied_head, seed)| {
            Shape {
                model_type,
                activation,
                n_layers,
                d_model,
                heads,
                d_mlp,
                d_vocab,
                variant,
                tied_head,
                seed,
            }
        },
    )
}

impl Shape {
    /// A `config.json` under the names of all families at once.
    fn config(&self) -> String {
        let (n_kv_heads, heads_per_key, half_width) = self.heads;
        let (n_heads, d_head) = (n_kv_heads * heads_per_key, 2 * half_width);
        let config = json!({
            "model_type": self.model_type,
            "activation_function": self.activation,
            "hidden_act": self.activation,
            "n_layer": self.n_layers,
            "num_hidden_layers": self.n_layers,
            "n_embd": self.d_model,
            "hidden_size": self.d_model,
            "n_head": n_heads,
            "num_attention_heads": n_heads,
            "num_key_value_heads": n_kv_heads,
            "head_dim": d_head,
            "rotary_dim": d_head,
            "n_inner": self.d_mlp,
            "intermediate_size": self.d_mlp,
            "ffn_dim": self.d_mlp,
            "vocab_size": self.d_vocab,
            "n_positions": 24,
            "max_position_embeddings": 24,
            "partial_rotary_factor": 1.0,
            "query_pre_attn_scalar": d_head,
            "attn_logit_softcapping": 3.0,
            "final_logit_softcapping": 9.0,
            "use_parallel_residual": self.variant,
            "attention_bias": self.variant,
            "mlp_bias": self.variant,
            "enable_bias": self.variant,
            "scale_attn_by_inverse_layer_idx": self.variant,
            "tie_word_embeddings": self.tied_head,
        });
        config.to_string()
    }

    fn model(&self) -> Model {
        let mut state = self.seed;
        Model::from_source(&self.config(), Precision::F32, &mut |name, shape| {
            let is_norm = name.ends_with("weight") && shape.len() == 1;
            let center = if is_norm && self.model_type != "gemma2" { 1.0 } else { 0.0 };
            let narrow = shape.iter().copied().min().unwrap_or(1) as f32;
            let width = if shape.len() == 2 { 2.0 / narrow.sqrt() } else { 0.3 };
            (0..shape.iter().product()).map(|_| center + width * uniform(&mut state)).collect()
        })
        .unwrap()
    }
}

/// The next number between −1 and 1 of a sequence (SplitMix64).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

#[test]
fn engines_agree_on_random_models() {
    let questions = shapes().prop_flat_map(|shape| {
        let seq_lens = prop_oneof![3 => 1..=8usize, 1 => 9..=24usize];
        let questions = questions(seq_lens, shape.d_vocab as u32);
        (Just(shape), questions)
    });
    engines_agree("random models", 800, questions, |(shape, question)| both(&shape.model(), &question));
}

/// A model whose products are large enough to be split, in depth and among threads.
fn wide_model() -> Model {
    let shape = Shape {
        model_type: "gpt2",
        activation: "gelu_new",
        n_layers: 3,
        d_model: 320,
        heads: (5, 1, 32),
        d_mlp: 1280,
        d_vocab: 500,
        variant: false,
        tied_head: true,
        seed: 1,
    };
    shape.model()
}

/// A trace of every family and of the wide model, to be done in other ways.
fn for_each_model(mut each: impl FnMut(&str, &(dyn Fn(&TraceConfig) -> TraceRecord + Sync), TraceConfig)) {
    for family in families() {
        let trace = |config: &TraceConfig| traced(&family.model, &family.prompts[0], config).unwrap();
        each(&family.name, &trace, family.config(Engine::Wavefront));
    }
    let (wide, wide_prompt) = (wide_model(), prompt(&[3, 14, 159, 265, 35, 89], 1..3));
    let trace = |config: &TraceConfig| traced(&wide, &wide_prompt, config).unwrap();
    each("wide", &trace, families()[0].config(Engine::Wavefront));
}

#[test]
fn the_same_trace_twice_gives_the_same_bits() {
    for_each_model(|name, trace, config| {
        for engine in [Engine::Naive, Engine::Wavefront] {
            let config = TraceConfig { engine, ..config.clone() };
            assert_eq!(trace(&config), trace(&config), "{name}, {engine}");
        }
    });
}

/// Other ways of doing the same trace by one engine give the same bits.
fn arrangements_agree(what: &str, engine: Engine, ways: impl Fn(&TraceConfig) -> Vec<(usize, TraceConfig)>) {
    for_each_model(|name, trace, config| {
        let config = TraceConfig { engine, ..config };
        let reference = pool(1).install(|| trace(&config));
        for (threads, config) in ways(&config) {
            let record = pool(threads).install(|| trace(&config));
            assert_eq!(difference(&reference, &record), 0.0, "{name}: {threads} threads and {config:?}");
        }
        println!("{name}, {engine}, other {what}: the same bits");
    });
}

#[test]
fn results_do_not_depend_on_the_memory_budget() {
    arrangements_agree("budgets", Engine::Wavefront, |config| {
        let budgets = [1, 500, 5_000, 50_000, 500_000];
        budgets.map(|memory| (1, TraceConfig { memory, ..config.clone() })).to_vec()
    });
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for engine in [Engine::Naive, Engine::Wavefront] {
        arrangements_agree("numbers of threads", engine, |config| {
            let little_memory = TraceConfig { memory: 20_000, ..config.clone() };
            vec![(2, config.clone()), (3, config.clone()), (4, config.clone()), (4, little_memory)]
        });
    }
}

#[test]
fn results_do_not_depend_on_the_order_of_the_components() {
    arrangements_agree("order", Engine::Wavefront, |config| {
        let components: Vec<Component> = config.components.iter().rev().copied().collect();
        vec![(1, TraceConfig { components, ..config.clone() })]
    });
}

#[test]
fn components_together_equal_each_alone() {
    for_each_model(|name, trace, config| {
        for engine in [Engine::Naive, Engine::Wavefront] {
            let together = trace(&TraceConfig { engine, ..config.clone() });
            for grid in &together.grids {
                let alone =
                    trace(&TraceConfig { engine, components: vec![grid.component], ..config.clone() });
                assert_eq!(alone.baseline, together.baseline, "{name}, {engine}, {}", grid.component);
                assert_eq!(alone.grids[0], *grid, "{name}, {engine}");
            }
        }
    });
}

#[test]
fn samples_do_not_depend_on_their_number() {
    for_each_model(|name, trace, config| {
        for engine in [Engine::Naive, Engine::Wavefront] {
            let with = |samples: usize| {
                let stream = NoiseStream::Independent;
                let corruption = Corruption { stream, samples, ..config.corruption.clone() };
                trace(&TraceConfig { engine, corruption, ..config.clone() })
            };
            let (few, many) = (with(2), with(5));
            assert_eq!(few.baseline.corrupted, many.baseline.corrupted[..2], "{name}, {engine}");
            for (few, many) in few.grids.iter().zip(&many.grids) {
                let first: Vec<f32> =
                    many.samples.chunks(5).flat_map(|samples| &samples[..2]).copied().collect();
                assert_eq!(few.samples, first, "{name}, {engine}, {}", few.component);
            }
        }
    });
}
