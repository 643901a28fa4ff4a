//! Sites that come in steps are the same sites, and a trace ends when it is told to.

#![expect(clippy::print_stdout, reason = "a helper of tests, outside of test functions")]

mod support;

use std::ops::ControlFlow;

use causal_trace_core::{
    Baseline, Component, Corruption, CorruptionMode, Distribution, Engine, Method, Metric, Sink, Site,
    TraceConfig, TraceRecord,
};
use causal_trace_engine::{Answer, Case, TraceError, trace, trace_batch};
use support::{Family, families, prompt, traced};

const ENGINES: [Engine; 2] = [Engine::Wavefront, Engine::Naive];

/// Collects a record, counts in how many steps it came, and stops after some calls of `progress`.
struct Stepwise {
    record: TraceRecord,
    baselines: usize,
    sites: Vec<(Site, Metric)>,
    /// How many sites were there at each call of `progress`.
    at_progress: Vec<usize>,
    stop_at: usize,
}

impl Stepwise {
    fn new(family: &Family, config: &TraceConfig) -> Self {
        let n_layers = family.model.architecture().n_layers;
        let record = TraceRecord::unmeasured(family.prompts[0].clone(), config.clone(), n_layers);
        Stepwise { record, baselines: 0, sites: Vec::new(), at_progress: Vec::new(), stop_at: usize::MAX }
    }

    fn trace(&mut self, family: &Family) -> Result<(), TraceError> {
        let config = self.record.config.clone();
        trace(&family.model, &family.prompts[0], Answer::Predicted, &config, self)
    }

    /// Steps in which sites came.
    fn n_steps(&self) -> usize {
        let mut counts = self.at_progress.clone();
        counts.push(self.sites.len());
        counts.retain(|&count| count > 0);
        counts.dedup();
        counts.len()
    }
}

impl Sink for Stepwise {
    fn baseline(&mut self, baseline: &Baseline) {
        assert!(self.sites.is_empty(), "the baseline comes before any site");
        self.baselines += 1;
        self.record.baseline(baseline);
    }

    fn patched(&mut self, site: Site, metric: Metric, samples: &[f32]) {
        assert!(!self.sites.contains(&(site, metric)), "{site} came twice");
        self.sites.push((site, metric));
        self.record.patched(site, metric, samples);
    }

    fn progress(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        assert!(done <= total);
        self.at_progress.push(self.sites.len());
        if self.at_progress.len() >= self.stop_at {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[test]
fn steps_bring_the_same_bits() {
    for family in families() {
        for engine in ENGINES {
            let metrics = vec![Metric::Rank, Metric::KlDivergence];
            let whole = TraceConfig { metrics, ..family.config(engine) };
            let expected = traced(&family.model, &family.prompts[0], &whole).unwrap();
            let ways = [(7, 1 << 30), (0, 1 << 30), (2, 1 << 30), (7, 1), (100_000, 1 << 30)];
            // The naive engine takes long, and has one loop for all of them.
            let tried = if engine == Engine::Naive && family.name != "gpt2" { 1 } else { ways.len() };
            for &(steps, memory) in &ways[..tried] {
                let config = TraceConfig { steps, memory, ..whole.clone() };
                let mut sink = Stepwise::new(family, &config);
                sink.trace(family).unwrap();
                let what = format!("{}, {engine}, {steps} steps, {memory} B", family.name);
                assert_eq!(sink.baselines, 1, "{what}");
                assert_eq!(sink.record.baseline, expected.baseline, "{what}");
                assert!(sink.record.grids == expected.grids, "{what}: other numbers");
                match (steps, engine) {
                    (0, _) => assert_eq!(sink.n_steps(), 1, "{what}"),
                    // The number of sites in a step is rounded up.
                    (2 | 7, Engine::Naive) => {
                        assert!((steps - 1..=steps).contains(&sink.n_steps()), "{what}")
                    }
                    (2, Engine::Wavefront) => assert_eq!(sink.n_steps(), 2, "{what}"),
                    (7, Engine::Wavefront) => assert!((3..=7).contains(&sink.n_steps()), "{what}"),
                    (_, Engine::Naive) => assert!(sink.n_steps() > 100, "{what}"),
                    (_, Engine::Wavefront) => assert!((3..20).contains(&sink.n_steps()), "{what}"),
                }
            }
        }
    }
}

/// Replacing noise whose baseline is another than that of the patched runs.
#[test]
fn steps_keep_a_baseline_of_its_own() {
    let family = &families()[0];
    let level = if let Method::Noise { level, .. } = family.config(Engine::Naive).corruption.method {
        level
    } else {
        0.1
    };
    let method = Method::Noise {
        distribution: Distribution::Gaussian,
        level,
        mode: CorruptionMode::Replace,
        baseline_mode: CorruptionMode::Add,
    };
    for engine in ENGINES {
        let config = family.config(engine);
        let corruption = Corruption { method: method.clone(), ..config.corruption.clone() };
        let config = TraceConfig { corruption, ..config };
        let expected = traced(&family.model, &family.prompts[0], &config).unwrap();
        let mut sink = Stepwise::new(family, &TraceConfig { steps: 5, ..config });
        sink.trace(family).unwrap();
        assert_eq!(sink.record.baseline, expected.baseline);
        assert!(sink.record.grids == expected.grids);
    }
}

#[test]
fn several_prompts_come_in_steps_too() {
    for family in families() {
        for engine in ENGINES {
            let config = family.config(engine);
            let mut prompts = family.prompts.clone();
            // One whose sites are all known beforehand, and one that cannot be traced.
            prompts.extend([prompt(&[7], 0..1), prompt(&[], 0..0)]);
            let cases: Vec<Case<'_>> =
                prompts.iter().map(|prompt| Case::new(prompt, Answer::Predicted)).collect();
            let records = |config: &TraceConfig| {
                let n_layers = family.model.architecture().n_layers;
                let unmeasured =
                    |case: &Case<'_>| TraceRecord::unmeasured(case.prompt.clone(), config.clone(), n_layers);
                let mut records: Vec<TraceRecord> = cases.iter().map(unmeasured).collect();
                let mut go_on = |_, _| ControlFlow::Continue(());
                let done = trace_batch(&family.model, &cases, config, &mut records, &mut go_on).unwrap();
                let failed: Vec<bool> = done.iter().map(Result::is_err).collect();
                let numbers = records.into_iter().map(|record| (record.baseline, record.grids));
                (failed, numbers.take(prompts.len() - 1).collect::<Vec<_>>())
            };
            let (once, in_steps) = (records(&config), records(&TraceConfig { steps: 4, ..config.clone() }));
            assert!(once == in_steps, "{}, {engine}", family.name);
            assert_eq!(once.0.iter().filter(|&&failed| failed).count(), 1);
        }
    }
}

#[test]
fn a_trace_ends_when_it_is_told_to() {
    let family = &families()[0];
    for engine in ENGINES {
        for steps in [1, 6] {
            let whole = TraceConfig { steps, ..family.config(engine) };
            let expected = traced(&family.model, &family.prompts[0], &whole).unwrap();
            let mut sink = Stepwise::new(family, &whole);
            sink.trace(family).unwrap();
            let n_calls = sink.at_progress.len();
            assert!(n_calls > 3, "{n_calls}");
            for stop_at in [1, n_calls / 2, n_calls] {
                let mut sink = Stepwise { stop_at, ..Stepwise::new(family, &whole) };
                let ended = sink.trace(family);
                assert!(matches!(ended, Err(TraceError::Cancelled)), "{engine}: {ended:?}");
                assert_eq!(sink.at_progress.len(), stop_at, "{engine}: it went on");
                if steps == 1 && stop_at < n_calls {
                    assert_eq!((sink.baselines, sink.sites.len()), (0, 0), "{engine}");
                }
                // What came is right.
                for &(site, metric) in &sink.sites {
                    let of = |record: &TraceRecord| {
                        let grid =
                            record.grids_of(metric).find(|grid| grid.component == site.component).unwrap();
                        grid.at(site.token, site.layer).to_vec()
                    };
                    assert_eq!(of(&sink.record), of(&expected), "{engine} {site}");
                }
            }
        }
    }
}

#[test]
fn a_batch_ends_when_it_is_told_to() {
    let family = &families()[0];
    for engine in ENGINES {
        let config = TraceConfig { components: vec![Component::Residual], ..family.config(engine) };
        let cases: Vec<Case<'_>> =
            family.prompts.iter().map(|prompt| Case::new(prompt, Answer::Predicted)).collect();
        let n_layers = family.model.architecture().n_layers;
        let unmeasured =
            |case: &Case<'_>| TraceRecord::unmeasured(case.prompt.clone(), config.clone(), n_layers);
        let mut records: Vec<TraceRecord> = cases.iter().map(unmeasured).collect();
        let mut calls = 0;
        let ended = trace_batch(&family.model, &cases, &config, &mut records, &mut |_, _| {
            calls += 1;
            ControlFlow::Break(())
        });
        assert!(matches!(ended, Err(TraceError::Cancelled)), "{engine}");
        assert_eq!(calls, 1, "{engine}");
    }
}

/// A fault that is found late: what came before is finite.
#[test]
fn a_number_that_is_not_finite_ends_a_trace_in_steps_too() {
    let family = families().iter().find(|family| family.name == "gpt2").unwrap();
    let model = family.changed(|name, weights| {
        if name.contains("ln_f") {
            weights[0] = f32::NAN;
        }
    });
    for engine in ENGINES {
        let config = TraceConfig { steps: 5, ..family.config(engine) };
        let mut sink = Stepwise::new(family, &config);
        let ended = trace(&model, &family.prompts[0], Answer::Token(11), &config, &mut sink);
        let Err(TraceError::NotFinite { .. }) = ended else { panic!("{engine}: {ended:?}") };
        assert_eq!((sink.baselines, sink.sites.len()), (0, 0), "{engine}");
    }
}
