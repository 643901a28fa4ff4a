//! What cannot be traced, and what the sink receives.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, outside of test functions"
)]

mod support;

use std::ops::ControlFlow;

use causal_trace_core::{
    Baseline, Component, Corruption, Distribution, Engine, Method, Metric, NoiseStream, Population, Prompt,
    Sink, Site, TraceConfig, Window,
};
use causal_trace_engine::{Answer, Case, Patch, TraceError, patched, trace, trace_case};
use causal_trace_lm::{Model, ModelError};
use support::{Family, families, noise, prompt, traced_case};

const ENGINES: [Engine; 2] = [Engine::Wavefront, Engine::Naive];

/// Everything that was received, in order.
#[derive(Debug, Default)]
struct Received {
    baselines: Vec<Baseline>,
    sites: Vec<(Site, Vec<f32>)>,
    progress: Vec<(usize, usize)>,
}

impl Sink for Received {
    fn baseline(&mut self, baseline: &Baseline) {
        assert!(self.sites.is_empty(), "the baseline comes before any site");
        self.baselines.push(baseline.clone());
    }

    fn patched(&mut self, site: Site, metric: Metric, samples: &[f32]) {
        assert_eq!(metric, Metric::Probability);
        self.sites.push((site, samples.to_vec()));
    }

    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.progress.push((done, total));
        ControlFlow::Continue(())
    }
}

#[test]
fn the_sink_receives_the_baseline_and_every_site_once() {
    let family = &families()[0];
    let prompt = &family.prompts[0];
    for engine in ENGINES {
        for memory in [1, 1 << 30] {
            let mut received = Received::default();
            let config = TraceConfig { memory, ..family.config(engine) };
            trace(&family.model, prompt, Answer::Predicted, &config, &mut received).unwrap();
            assert_eq!(received.baselines.len(), 1);
            assert_eq!(received.baselines[0].corrupted.len(), 3);
            assert!(received.sites.iter().all(|(_, samples)| samples.len() == 3));
            let mut sites: Vec<Site> = received.sites.iter().map(|&(site, _)| site).collect();
            sites.sort();
            let mut expected = Vec::new();
            for component in Component::ROME {
                for layer in 0..family.model.architecture().n_layers {
                    expected.extend((0..prompt.seq_len()).map(|token| Site { component, layer, token }));
                }
            }
            assert_eq!(sites, expected);
            let &(done, total) = received.progress.last().unwrap();
            assert_eq!(done, total, "{engine}: the work was done");
            assert!(received.progress.is_sorted_by_key(|&(done, _)| done), "{engine}: work is not undone");
        }
    }
}

/// What both engines say; nothing may have been given to the sink.
fn refused(model: &Model, prompt: &Prompt, answer: Answer, config: &TraceConfig) -> TraceError {
    let mut errors = ENGINES.map(|engine| {
        let mut received = Received::default();
        let config = TraceConfig { engine, ..config.clone() };
        let error = match trace(model, prompt, answer, &config, &mut received) {
            Ok(()) => panic!("{engine}: {:?} was measured", received.baselines),
            Err(error) => error,
        };
        assert!(
            received.baselines.is_empty() && received.sites.is_empty(),
            "{engine}: nothing after {error}"
        );
        error
    });
    assert_eq!(errors[0].to_string(), errors[1].to_string(), "both engines say the same");
    std::mem::replace(&mut errors[0], TraceError::NoSubjects)
}

/// A family, and its first prompt and settings.
fn good() -> (&'static Family, &'static Prompt, TraceConfig) {
    let family = families().iter().find(|family| family.name == "gpt2").unwrap();
    (family, &family.prompts[0], family.config(Engine::Wavefront))
}

#[test]
fn settings_outside_their_range_are_refused() {
    let (family, prompt, config) = good();
    let with = |corruption: Corruption| TraceConfig { corruption, ..config.clone() };
    let method = |method: Method| with(Corruption { method, ..config.corruption.clone() });
    let level = |level: f64| method(noise(Distribution::Gaussian, level));
    let t = |degrees: f64| {
        method(noise(Distribution::StudentT { degrees, population: Population::Vocabulary }, 1.0))
    };
    let cases = [
        (with(Corruption { samples: 0, ..config.corruption.clone() }), "samples"),
        (method(Method::Counterpart), "samples"),
        (TraceConfig { window: Window { width: 0 }, ..config.clone() }, "window"),
        (TraceConfig { residual_window: Window { width: 0 }, ..config.clone() }, "window"),
        (TraceConfig { metrics: vec![Metric::Probability], ..config.clone() }, "metrics"),
        (TraceConfig { metrics: vec![Metric::Rank, Metric::Rank], ..config.clone() }, "metrics"),
        (TraceConfig { components: vec![Component::Mlp, Component::Mlp], ..config.clone() }, "components"),
        (t(2.0), "degrees of freedom"),
        (t(f64::NAN), "degrees of freedom"),
        (level(f64::NAN), "noise level"),
        (level(f64::INFINITY), "noise level"),
        (level(-0.5), "noise level"),
    ];
    for (config, expected) in cases {
        let error = refused(&family.model, prompt, Answer::Predicted, &config);
        assert!(matches!(error, TraceError::Setting { what, .. } if what == expected), "{expected}: {error}");
    }
}

#[test]
fn draws_for_each_site_need_the_plain_loop_and_independent_streams() {
    let (family, prompt, config) = good();
    for (engine, stream, expected) in [
        (Engine::Wavefront, NoiseStream::Independent, "engine"),
        (Engine::Naive, NoiseStream::Rome, "noise stream"),
    ] {
        let corruption = Corruption { fresh_for_each_site: true, stream, ..config.corruption.clone() };
        let config = TraceConfig { engine, corruption, ..config.clone() };
        let error = support::traced(&family.model, prompt, &config).unwrap_err();
        assert!(matches!(error, TraceError::Setting { what, .. } if what == expected), "{expected}: {error}");
    }
}

#[test]
fn a_state_between_attention_and_mlp_is_refused_where_there_is_none() {
    for family in families() {
        let components = vec![Component::ResidMid];
        let config = TraceConfig { components, ..family.config(Engine::Wavefront) };
        let traced = support::traced(&family.model, &family.prompts[0], &config);
        let is_parallel = ["gptj", "gpt_neox", "phi"].contains(&family.name.as_str());
        match traced {
            Err(TraceError::Setting { what: "component", value, .. }) if is_parallel => {
                assert_eq!(value, "resid_mid");
            }
            traced => assert!(!is_parallel && traced.is_ok(), "{}", family.name),
        }
    }
}

#[test]
fn pairs_that_do_not_align_are_refused_naming_the_tokens() {
    let (family, good, config) = good();
    let corruption = Corruption { method: Method::Counterpart, samples: 1, ..config.corruption.clone() };
    let config = TraceConfig { corruption, ..config };
    let refused = |counterpart: Option<&Prompt>| {
        let case = Case { counterpart, ..Case::new(good, Answer::Predicted) };
        let mut received = Received::default();
        let error = trace_case(&family.model, case, &config, &mut received).unwrap_err();
        assert!(received.baselines.is_empty());
        error
    };
    assert!(matches!(refused(None), TraceError::NoCounterpart));
    assert!(matches!(refused(Some(good)), TraceError::NotAligned { .. }));
    let longer = prompt(&[&good.ids[..], &[700]].concat(), 0..1);
    let message = refused(Some(&longer)).to_string();
    let counts = format!("{} and {} tokens", good.seq_len(), longer.seq_len());
    assert!(message.contains(&counts) && message.contains("'700'"), "{message}");
    let unknown = prompt(&[&good.ids[1..], &[768]].concat(), 0..1);
    assert!(matches!(refused(Some(&unknown)), TraceError::Model(ModelError::TokenOutside { id: 768, .. })));
}

#[test]
fn a_subject_that_has_one_order_is_not_shuffled() {
    let (family, _, config) = good();
    let corruption = Corruption { method: Method::Shuffle, ..config.corruption.clone() };
    let config = TraceConfig { corruption, ..config };
    for (ids, tokens) in [(vec![4, 5, 6], 1), (vec![4, 4, 6], 2)] {
        let error = refused(&family.model, &prompt(&ids, 0..tokens), Answer::Predicted, &config);
        assert!(
            matches!(error, TraceError::NothingToShuffle { tokens: found } if found == tokens),
            "{error}"
        );
    }
    support::traced(&family.model, &prompt(&[4, 5, 6], 0..2), &config).unwrap();
}

#[test]
fn a_population_of_which_nothing_is_known_is_refused() {
    let (family, good, config) = good();
    for counts in [vec![], vec![(5, 1)], vec![(5, 1), (768, 1)]] {
        let population = Population::Text { name: "a text".to_owned(), sha256: String::new(), counts };
        let method = noise(Distribution::Multivariate { population }, 1.0);
        let corruption = Corruption { method, ..config.corruption.clone() };
        let config = TraceConfig { corruption, ..config.clone() };
        let error = refused(&family.model, good, Answer::Predicted, &config);
        assert!(matches!(error, TraceError::NoPopulation), "{error}");
    }
}

#[test]
fn a_foil_outside_the_vocabulary_is_refused() {
    let (family, good, config) = good();
    let config = TraceConfig { metrics: vec![Metric::LogitDifference], ..config };
    let case = Case { foil: Some(768), ..Case::new(good, Answer::Predicted) };
    let error = traced_case(&family.model, case, &config).unwrap_err();
    assert!(matches!(error, TraceError::Model(ModelError::TokenOutside { id: 768, .. })), "{error}");
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "a reversed span is one of the mistakes")]
fn spans_that_cover_no_token_are_refused() {
    let (family, good, config) = good();
    let seq_len = good.seq_len();
    for span in [0..0, 2..2, 3..1, seq_len - 1..seq_len + 1, seq_len..seq_len + 2] {
        let error = refused(&family.model, &prompt(&good.ids, span.clone()), Answer::Predicted, &config);
        let TraceError::EmptySpan { start, end, seq_len: tokens } = error else {
            panic!("{span:?}: {error}")
        };
        assert_eq!((start..end, tokens), (span, seq_len));
    }
}

#[test]
fn prompts_and_answers_that_do_not_fit_the_model_are_refused() {
    let (family, good, config) = good();
    let error =
        |ids: &[u32], answer: Answer| match refused(&family.model, &prompt(ids, 0..1), answer, &config) {
            TraceError::Model(error) => error,
            other => panic!("{other}"),
        };
    assert!(matches!(error(&[], Answer::Predicted), ModelError::EmptyPrompt));
    let too_long = error(&[1; 65], Answer::Predicted);
    assert!(matches!(too_long, ModelError::TooLong { tokens: 65, max_positions: 64 }));
    let unknown_token = error(&[1, 768], Answer::Predicted);
    assert!(matches!(unknown_token, ModelError::TokenOutside { id: 768, d_vocab: 768 }));
    let unknown_answer = error(&good.ids, Answer::Token(768));
    assert!(matches!(unknown_answer, ModelError::TokenOutside { id: 768, d_vocab: 768 }));
}

#[test]
fn a_prompt_beyond_a_sliding_window_is_refused() {
    let family = families().iter().find(|family| family.name == "mistral").unwrap();
    let model = family.reconfigured(|config| config["sliding_window"] = 4.into());
    let config = family.config(Engine::Wavefront);
    let error = refused(&model, &prompt(&[1, 2, 3, 4, 5], 0..1), Answer::Predicted, &config);
    assert!(matches!(error, TraceError::Model(ModelError::BeyondWindow { tokens: 5, window: 4 })), "{error}");
    support::traced(&model, &prompt(&[1, 2, 3, 4], 0..1), &config).unwrap();
}

#[test]
fn a_patch_that_hits_nothing_is_an_error() {
    let (family, prompt, config) = good();
    let n_layers = family.model.architecture().n_layers;
    for component in Component::ALL {
        let hit = Patch { component, layer: 0, token: 0 };
        let missed = [Patch { layer: n_layers, ..hit }, Patch { token: prompt.seq_len(), ..hit }];
        for missed in missed {
            let error =
                patched(&family.model, prompt, Answer::Predicted, &config, &[hit, missed]).unwrap_err();
            let TraceError::PatchMissed { site, hits: 0, expected: 3 } = error else { panic!("{error}") };
            assert_eq!(site.token, missed.token);
            if component.severed().is_none() {
                assert_eq!((site.component, site.layer), (component, missed.layer));
            }
        }
    }
}

#[test]
fn noise_that_overflows_is_an_error() {
    for family in families() {
        let mut config = family.config(Engine::Wavefront);
        config.corruption.method = noise(Distribution::Gaussian, 1e300);
        let error = refused(&family.model, &family.prompts[0], Answer::Predicted, &config);
        let TraceError::NotFinite { what } = error else { panic!("{}: {error}", family.name) };
        assert!(what.contains("corrupted"), "{what}");
    }
}

/// A damaged weight, one tensor at a time: whichever it is, no number may come out.
#[test]
fn weights_that_are_not_numbers_are_an_error() {
    for family in families() {
        let mut config = family.config(Engine::Wavefront);
        config.components = vec![Component::Residual];
        config.corruption.samples = 1;
        let prompt = prompt(&[2, 5, 7], 1..2);
        for damaged in family.tensor_names().iter().filter(|name| !name.contains(".3.")) {
            let model = family.changed(|name, weights| {
                if name == damaged {
                    // Of embeddings, the row of a token and of a position that the prompt has.
                    let is_embedding = ["embed", "wte", "wpe"].iter().any(|part| name.contains(part));
                    let row = 2 * family.model.architecture().d_model;
                    weights[if is_embedding { row } else { weights.len() / 2 }] = f32::NAN;
                }
            });
            println!("{} {damaged}", family.name);
            let error = refused(&model, &prompt, Answer::Token(11), &config);
            assert!(matches!(error, TraceError::NotFinite { .. }), "{} {damaged}: {error}", family.name);
            let error = refused(&model, &prompt, Answer::Predicted, &config);
            let expected = matches!(error, TraceError::Model(ModelError::NotFinite));
            assert!(expected, "{} {damaged}: {error}", family.name);
        }
    }
}
