//! At which precision a sweep opens its model.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use causal_trace_core::{Fact, Precision, TraceConfig};
use causal_trace_lm::kernels::faster_than_f32;
use causal_trace_results::{ResultsFolder, Target};

use super::{Pairing, Preparation, Work};
use crate::args::{MethodArgs, PrecisionChoice};
use crate::auto_precision::{Trial, fastest, probabilities_of_fact};
use crate::fact_file::FactFile;
use crate::models::{Given, NamedModel};
use crate::printer::Printer;
use crate::settings;

/// What of a sweep decides how accurate its model must be.
pub(crate) struct FirstFact<'a> {
    /// The model as it was asked for.
    pub(crate) given: Given<'a>,
    pub(crate) facts: &'a FactFile,
    /// The facts to be traced, of all shards.
    pub(crate) chosen: &'a [Fact],
    pub(crate) method: &'a MethodArgs,
    pub(crate) target: Target,
}

impl FirstFact<'_> {
    /// The model at the fastest precision that is accurate enough on the first fact that can be traced: the same fact
    /// for all shards, so that they choose alike on machines of one kind.
    pub(crate) fn fastest(&self, exact: NamedModel, printer: &Printer) -> Result<NamedModel> {
        let trial = Trial {
            reference: |exact: &NamedModel| self.on(exact)?.first(),
            open: |precision| NamedModel::open(self.given, precision, printer),
            measure: |model: &NamedModel, place: &usize| self.on(model)?.probabilities(*place),
        };
        fastest(faster_than_f32(), exact, trial, printer)
    }

    fn on<'a>(&'a self, model: &'a NamedModel) -> Result<Tracer<'a>> {
        let FirstFact { facts, chosen, method, target, .. } = *self;
        let (config, _) = settings::resolve(method, model, || Ok(facts.clone()))?;
        let pairing = Pairing::new(method.corruption, facts, method.seed.unwrap_or(1))?;
        Ok(Tracer { preparation: Preparation { lm: &model.lm, target, pairing }, config, chosen })
    }
}

/// Traces single facts with one model.
struct Tracer<'a> {
    preparation: Preparation<'a>,
    config: TraceConfig,
    chosen: &'a [Fact],
}

impl Tracer<'_> {
    /// The place of the first fact that can be traced, and its probabilities.
    fn first(&self) -> Result<Option<(usize, Vec<f64>)>> {
        for place in 0..self.chosen.len() {
            if let Some(found) = self.probabilities(place)? {
                return Ok(Some((place, found)));
            }
        }
        Ok(None)
    }

    /// None where the fact is left out.
    fn probabilities(&self, place: usize) -> Result<Option<Vec<f64>>> {
        let Preparation { lm, target, .. } = self.preparation;
        let fact = self.preparation.prepare(self.chosen[place].clone());
        let records = Work { lm, config: &self.config, target }
            .trace(&[&fact], &mut |_, _| ControlFlow::Continue(()))?;
        Ok(records.iter().find_map(|record| record.traced()).map(probabilities_of_fact))
    }
}

/// What `auto` comes to where a results folder is there already: the precision it was made with, which is said.
pub(crate) fn settled(choice: PrecisionChoice, out: &Path, printer: &Printer) -> PrecisionChoice {
    let of_folder = || -> Option<Precision> {
        let folder = ResultsFolder::open(out).ok()?;
        folder.manifest().settings.precision.as_ref()?.parse().ok()
    };
    match choice {
        PrecisionChoice::Auto => match of_folder() {
            Some(precision) => {
                printer.note(&format!("precision auto: {precision}, as {} has it", out.display()));
                PrecisionChoice::Named(precision)
            }
            None => choice,
        },
        PrecisionChoice::Named(_) => choice,
    }
}
