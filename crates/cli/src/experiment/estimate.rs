//! About how long an experiment takes on a model.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use causal_trace_results::ModelIdentity;

use super::file::{Experiment, Run, Which};
use super::job::{Asked, Models, prepared};
use crate::printer::Printer;

/// How long a model is tried out to see how fast it is.
const PROBE: Duration = Duration::from_secs(1);

/// Knows how fast each model is on this machine.
pub(crate) struct Estimator<'a> {
    asked: &'a Asked,
    models: &'a Models,
    /// Operations a second, without and with a prefix, after which a model gets many facts wrong that are then left out.
    rates: BTreeMap<(Which, bool), f64>,
    silent: Printer,
}

impl<'a> Estimator<'a> {
    pub(crate) fn new(asked: &'a Asked, models: &'a Models) -> Self {
        Estimator { asked, models, rates: BTreeMap::new(), silent: Printer::new(true) }
    }

    /// About how many seconds the sweeps of an experiment take; not counted is the drawing of its figures.
    pub(crate) fn seconds(&mut self, experiment: &Experiment) -> Result<f64> {
        let mut seconds = 0.0;
        for run in &experiment.runs {
            let cost = self.sweep_cost(run)?;
            seconds += cost / self.rate(run)?;
        }
        Ok(seconds)
    }

    fn sweep_cost(&self, run: &Run) -> Result<f64> {
        Ok(self.sweep(run)?.cost())
    }

    fn sweep(&self, run: &Run) -> Result<crate::sweep::Sweep<'a>> {
        let model = self.models.get(run.model)?;
        let n_layers = model.lm.model.architecture().n_layers;
        // The files are not read: nothing is kept.
        let identity = ModelIdentity::named(&model.name, n_layers);
        prepared(run, self.asked, model, identity, std::path::Path::new(&run.name), &self.silent)
    }

    /// Found out the first time that a model is asked about, by tracing some of the run's facts.
    fn rate(&mut self, run: &Run) -> Result<f64> {
        let key = (run.model, run.prefix.is_some());
        if let Some(rate) = self.rates.get(&key) {
            return Ok(*rate);
        }
        let rate = self.sweep(run)?.probe(PROBE)?.operations_per_second();
        self.rates.insert(key, rate);
        Ok(rate)
    }
}
