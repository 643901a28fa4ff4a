//! The facts of a calibration, and what noise of several sizes does to them.

mod found;
mod known;

use anyhow::{Result, bail};
use causal_trace_core::{Metric, NoiseRule, TraceConfig};
use causal_trace_engine::{Answer, TraceError, baselines};
use causal_trace_results::NoiseSource;
use causal_trace_results::statistics::{FactCurve, ROME_MULTIPLE};

use crate::args::{CalibrateArgs, MethodArgs};
use crate::fact_file::FactFile;
use crate::models::NamedModel;
use crate::printer::Printer;
use crate::progress::Counted;
use crate::settings;
pub(crate) use found::Found;
use known::Known;

/// What was measured.
pub(crate) struct Measured {
    pub(crate) multiples: Vec<f64>,
    pub(crate) known: Known,
    /// The standard deviation of the subjects' embeddings.
    pub(crate) deviation: f64,
    pub(crate) curves: Vec<FactCurve>,
}

/// Draws facts and measures them without noise and with noise of every multiple.
pub(crate) fn measure(
    args: &CalibrateArgs,
    model: &NamedModel,
    facts: &FactFile,
    printer: &Printer,
) -> Result<Measured> {
    let (config, deviation) = config(args, model, facts)?;
    let multiples = multiples(&args.multiples.0);
    let known = Known::draw(&model.lm, facts, args, printer)?;
    let levels: Vec<f64> = multiples.iter().map(|multiple| multiple * deviation).collect();
    let cases: Vec<_> = known.facts.iter().map(|fact| fact.ready.case(Answer::Token(fact.answer))).collect();
    let mut bar = Counted::new(printer, "measuring", 0);
    let found = baselines(&model.lm.model, &cases, &config, &levels, &mut |done, total| bar.at(done, total))?;
    drop(bar);
    let mut curves = Vec::with_capacity(found.len());
    for (fact, found) in known.facts.iter().zip(found) {
        match found {
            Ok(baselines) => {
                let changed = |(_, ranks): (f32, &[f32])| {
                    ranks.iter().filter(|&&rank| rank > 1.0).count() as f64 / ranks.len() as f64
                };
                curves.push(FactCurve {
                    known_id: fact.known_id,
                    clean: baselines.first().map_or(f64::NAN, |baseline| f64::from(baseline.clean)),
                    corrupted: baselines
                        .iter()
                        .map(|baseline| causal_trace_core::effect::mean(&baseline.corrupted))
                        .collect(),
                    changed: baselines
                        .iter()
                        .map(|baseline| baseline.of(Metric::Rank).map_or(f64::NAN, changed))
                        .collect(),
                });
            }
            Err(error @ TraceError::NotFinite { .. }) => {
                printer.note(&format!("note: fact {} is left out: {error}", fact.known_id));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if curves.is_empty() {
        bail!("no fact has finite probabilities at every multiple: give smaller ones with --multiples");
    }
    Ok(Measured { multiples, known, deviation, curves })
}

/// Those asked for, and ROME's.
fn multiples(asked: &[f64]) -> Vec<f64> {
    let mut multiples = asked.to_vec();
    multiples.push(ROME_MULTIPLE);
    multiples.sort_unstable_by(f64::total_cmp);
    multiples.dedup();
    multiples
}

/// Noise by ROME's rule, and the standard deviation that it is scaled by.
fn config(args: &CalibrateArgs, model: &NamedModel, facts: &FactFile) -> Result<(TraceConfig, f64)> {
    let method = MethodArgs {
        noise: Some(NoiseRule::SubjectDeviations(ROME_MULTIPLE)),
        metric: Some(vec![Metric::Rank]),
        samples: Some(args.samples),
        seed: Some(args.seed),
        noise_stream: args.noise_stream,
        ..MethodArgs::default()
    };
    let (config, source) = settings::resolve(&method, model, || Ok(facts.clone()))?;
    match source {
        Some(NoiseSource { subject_deviation: Some(deviation), .. }) if deviation > 0.0 => {
            Ok((config, deviation))
        }
        _ => bail!(
            "all elements of the embeddings of the subjects of {} are equal: there is nothing to scale noise by",
            facts.name
        ),
    }
}
