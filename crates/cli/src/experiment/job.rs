//! An experiment on given models: its sweeps, one after the other.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use causal_trace_core::Precision;
use causal_trace_results::{CLAIM_EXPIRY, ModelIdentity, ResultsFolder};

use super::facts::RunFacts;
use super::file::{Experiment, Run, Which};
use super::options;
use super::outcome::Done;
use crate::args::{PrecisionChoice, Share, SweepOptions};
use crate::memory::Budget;
use crate::models::{Given, NamedModel};
use crate::printer::Printer;
use crate::settings;
use crate::sweep::{AtWork, FirstFact, Interrupt, Request, Sweep, settled};

/// What the command line says of every experiment.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) revision: Option<String>,
    pub(crate) second_model: String,
    pub(crate) second_revision: Option<String>,
    /// In place of the embedded facts, where a run has no facts of its own.
    pub(crate) facts: Option<PathBuf>,
    /// No run traces more facts than this.
    pub(crate) limit: Option<usize>,
    pub(crate) precision: PrecisionChoice,
    pub(crate) threads: Option<usize>,
    pub(crate) memory: Option<usize>,
}

/// The models of an experiment.
pub(crate) struct Models {
    opened: BTreeMap<Which, NamedModel>,
}

impl Models {
    /// Opens those that the experiments need; the first run of each decides what precision `auto` means for it, unless
    /// that run's results are in `out` already.
    pub(crate) fn open<'a>(
        asked: &Asked,
        experiments: impl IntoIterator<Item = &'a Experiment>,
        out: Option<&Path>,
        printer: &Printer,
    ) -> Result<Self> {
        let experiments: Vec<&Experiment> = experiments.into_iter().collect();
        let needs_second = experiments.iter().any(|experiment| experiment.needs_second_model());
        // Found out before the first of them takes its part.
        let budget = Budget::new(asked.memory, if needs_second { 2 } else { 1 });
        let mut opened = BTreeMap::new();
        for run in experiments.into_iter().flat_map(|experiment| &experiment.runs) {
            let (model, revision) = match run.model {
                Which::First => (&asked.model, asked.revision.as_deref()),
                Which::Second => (&asked.second_model, asked.second_revision.as_deref()),
            };
            if let Entry::Vacant(place) = opened.entry(run.model) {
                place.insert(opened_for(run, Given { model, revision, budget }, asked, out, printer)?);
            }
        }
        Ok(Models { opened })
    }

    pub(super) fn get(&self, which: Which) -> Result<&NamedModel> {
        self.opened.get(&which).context("the model was not opened")
    }
}

/// A model at the precision that is asked for.
fn opened_for(
    run: &Run,
    given: Given<'_>,
    asked: &Asked,
    out: Option<&Path>,
    printer: &Printer,
) -> Result<NamedModel> {
    let choice = match out {
        Some(out) => settled(asked.precision, &out.join(&run.name), printer),
        None => asked.precision,
    };
    let PrecisionChoice::Named(precision) = choice else {
        let exact = NamedModel::open(given, Precision::F32, printer)?;
        let args = arguments(&run.on(exact.lm.model.architecture().n_layers), asked)?;
        let RunFacts { file, chosen, .. } = RunFacts::of(run, &args, asked, printer)?;
        let target = settings::target(args.target, args.method.preset);
        let first = FirstFact { given, facts: &file, chosen: &chosen, method: &args.method, target };
        return first.fastest(exact, printer);
    };
    NamedModel::open(given, precision, printer)
}

/// All sweeps of an experiment, prepared.
pub(crate) struct Job<'a> {
    experiment: &'a Experiment,
    sweeps: Vec<Sweep<'a>>,
}

impl<'a> Job<'a> {
    /// Finds everything that is wrong before anything is traced; results go to folders in `out`.
    pub(crate) fn new(
        experiment: &'a Experiment,
        asked: &Asked,
        models: &'a Models,
        out: &Path,
        printer: &Printer,
    ) -> Result<Self> {
        let mut identities = BTreeMap::new();
        for (&which, model) in &models.opened {
            identities.insert(which, model.identity()?);
        }
        let sweep = |run: &Run| {
            let model = models.get(run.model)?;
            let identity = identities.get(&run.model).context("the model was not opened")?;
            prepared(run, asked, model, identity.clone(), &out.join(&run.name), printer)
        };
        let sweeps = experiment.runs.iter().map(sweep).collect::<Result<_>>()?;
        Ok(Job { experiment, sweeps })
    }

    /// Traces what is not there yet.
    pub(crate) fn run(&self, printer: &Printer) -> Result<Vec<Done>> {
        let interrupt = Interrupt::announced(printer)?;
        let worker = AtWork::on(Share::ALL, CLAIM_EXPIRY);
        let n_runs = self.sweeps.len();
        let mut done = Vec::new();
        for (place, (run, sweep)) in self.experiment.runs.iter().zip(&self.sweeps).enumerate() {
            printer.note(&format!("run {} of {n_runs}: {}", place + 1, run.name));
            let traced = sweep.run(&worker, &interrupt, printer)?;
            traced.refuse_failed().with_context(|| format!("run {}", run.name))?;
            if traced.left > 0 || interrupt.asked() && place + 1 < n_runs {
                bail!("interrupted in run {}: what is done is saved; the same command goes on", run.name);
            }
            done.push(Done::new(
                run,
                ResultsFolder::open(sweep.out())?,
                self.experiment.needs_second_model(),
            ));
        }
        Ok(done)
    }
}

/// A run's sweep on a model.
pub(super) fn prepared<'a>(
    run: &Run,
    asked: &Asked,
    model: &'a NamedModel,
    model_identity: ModelIdentity,
    out: &Path,
    printer: &Printer,
) -> Result<Sweep<'a>> {
    if let Some(prefix) = &run.prefix {
        prefix.check(&run.name, &model.lm.tokenizer)?;
    }
    let args = arguments(&run.on(model.lm.model.architecture().n_layers), asked)?;
    let RunFacts { file, chosen, identity } = RunFacts::of(run, &args, asked, printer)?;
    let request = Request {
        model,
        model_identity,
        facts: file,
        chosen,
        identity,
        target: settings::target(args.target, args.method.preset),
        roles: settings::roles(args.roles, args.method.preset),
        method: args.method,
        out: out.to_owned(),
    };
    Sweep::new(request, printer).with_context(|| format!("run {}", run.name))
}

/// The run's options, with those of the machine.
fn arguments(run: &Run, asked: &Asked) -> Result<SweepOptions> {
    let mut args = options::parsed(run).map_err(anyhow::Error::msg)?;
    args.method.threads = asked.threads;
    Ok(args)
}
