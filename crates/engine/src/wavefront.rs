//! One sweep through the layers that carries every patched run, from the layer where its patch begins.
//!
//! At layer l the sweep holds, for every patched run that has begun, its states from the patched token on:
//! the tokens before are its base run's, kept in the [`Trunk`]. All rows of all runs go through the layer
//! together, in blocks that share no state and are spread over the threads. After the layer, runs whose window
//! ends there split off, and new runs begin as copies of their base run with one row from their source.

mod layer;
mod live;

use std::sync::Arc;
use std::time::Instant;

use causal_trace_core::{Site, TraceConfig};
use causal_trace_lm::{Head, Model};

use crate::TraceError;
use crate::plan::{Plan, Sizes, run_of};
use crate::readout::{self, Targets};
use crate::trace::{Delivery, Measurement};
use crate::trunk::{Buffers, Trunk, TrunkLayer};
use crate::turns::{Turn, order, turns};
use layer::Workspaces;
pub(crate) use layer::task_rows;
use live::Live;

/// Measures every site of the configured grids of all prompts, and their baselines.
pub(crate) fn sweep(
    model: &Model,
    batch: &mut [Measurement<'_>],
    config: &TraceConfig,
    delivery: &mut Delivery<'_>,
) -> Result<(), TraceError> {
    let n_samples = config.corruption.samples;
    let plan = |prompt: &Measurement<'_>| {
        let sizes = Sizes::new(model, prompt.case.prompt.seq_len(), prompt.embeddings.span.start);
        (sizes, Plan::new(config, sizes))
    };
    let plans: Vec<(Sizes, Plan)> = batch.iter().map(plan).collect();
    // To read all weights again for every step would take too long.
    let n_steps = if model.is_streamed() { 1 } else { config.steps.max(1) };
    let turns = turns(&plans, &order(&plans), n_samples, n_steps, config.memory);
    let sites: usize = batch.iter().map(|prompt| prompt.measured.n_sites()).sum();
    let runs = n_samples * plans.iter().map(|(_, plan)| plan.openings.len()).sum::<usize>();
    tracing::debug!(prompts = batch.len(), sites, runs, turns = turns.len(), "wavefront planned");
    let workspaces = Workspaces::new();
    let n_layers = model.architecture().n_layers;
    for (index, turn) in turns.iter().enumerate() {
        let begun = Instant::now();
        let sweep = Sweep { model, config, workspaces: &workspaces };
        let mut progress = |layer: usize| {
            // Later layers carry more runs.
            let in_turn = n_layers * (n_layers + 1) / 2;
            delivery.progress(index * in_turn + layer * (layer + 1) / 2, turns.len() * in_turn)
        };
        let (trunk, live, head) = sweep.run(turn, batch, &mut progress)?;
        for (member, part) in turn.members.iter().enumerate() {
            if let Some(clean) = trunk.runs_of(member).next() {
                batch[part.prompt].find_targets(model, || head.unembed(trunk.last_state(clean)));
            }
        }
        sweep.measure(turn, batch, &trunk, &live, &head);
        for &prompt in &turn.completes {
            fill_known(&mut batch[prompt], &plans[prompt].1, config);
            delivery.give(&mut batch[prompt]);
        }
        tracing::debug!(turn = index, seconds = begun.elapsed().as_secs_f64(), "turn done");
    }
    Ok(())
}

/// The sites whose patched run is another run.
fn fill_known(prompt: &mut Measurement<'_>, plan: &Plan, config: &TraceConfig) {
    let n_metrics = config.all_metrics().count();
    for &(site, known) in &plan.known {
        for sample in 0..config.corruption.samples {
            let run = run_of(known, config.direction, sample);
            let values = &prompt.baseline[run * n_metrics..(run + 1) * n_metrics];
            prompt.measured.set_sample(site, sample, values);
        }
    }
}

struct Sweep<'a> {
    model: &'a Model,
    config: &'a TraceConfig,
    workspaces: &'a Workspaces,
}

impl Sweep<'_> {
    fn run(
        &self,
        turn: &Turn<'_>,
        batch: &[Measurement<'_>],
        progress: &mut dyn FnMut(usize) -> Result<(), TraceError>,
    ) -> Result<(Trunk, Live, Arc<Head>), TraceError> {
        let members = turn.members.iter();
        let longest = members.clone().map(|member| batch[member.prompt].case.prompt.seq_len()).max();
        let rope = self.model.rope_table(longest.unwrap_or(0));
        let members: Vec<_> =
            members.map(|member| (&batch[member.prompt].embeddings, member.samples.clone())).collect();
        let mut trunk = Trunk::new(self.model, &members);
        let mut live = Live::new(self.model, &trunk, turn, self.config.direction);
        let mut layers = self.model.layers()?;
        let mut next = layers.next().transpose()?;
        let (mut spare, mut buffers) = (TrunkLayer::default(), Buffers::default());
        if let Some(first) = &next {
            trunk.next(first, rope.as_ref(), &mut spare, &mut buffers);
            std::mem::swap(&mut trunk.at, &mut spare);
            live.open(first, 0, &trunk, turn);
        }
        let mut layer = 0;
        while let Some(block) = next {
            next = layers.next().transpose()?;
            // The trunk's rows are few: its next layer is computed beside the patched runs.
            let (advanced, ()) = rayon::join(
                || layer::advance(&block, layer, rope.as_ref(), &trunk, &mut live, self.workspaces),
                || {
                    if let Some(block) = &next {
                        trunk.next(block, rope.as_ref(), &mut spare, &mut buffers);
                    }
                },
            );
            advanced?;
            live.split_off(layer);
            layer += 1;
            live.open(&block, layer, &trunk, turn);
            if next.is_some() {
                std::mem::swap(&mut trunk.at, &mut spare);
            }
            progress(layer)?;
        }
        Ok((trunk, live, layers.head()?))
    }

    /// Reads out the last tokens of all runs and gives each prompt its numbers.
    fn measure(
        &self,
        turn: &Turn<'_>,
        batch: &mut [Measurement<'_>],
        trunk: &Trunk,
        live: &Live,
        head: &Head,
    ) {
        let trunk_runs: Vec<_> = (0..turn.members.len()).flat_map(|member| trunk.runs_of(member)).collect();
        let prompt_of = |member: usize| turn.members[member].prompt;
        let members = trunk_runs.iter().map(|run| run.member);
        let members = members.chain(live.origins.iter().map(|origin| origin.base.member));
        let mut rows: Vec<f32> = trunk_runs.iter().flat_map(|&run| trunk.last_state(run)).copied().collect();
        rows.extend_from_slice(&live.x);
        // A prompt without targets has failed; what is measured for it is not looked at.
        let nothing = Targets::answer(0);
        let targets: Vec<&Targets> =
            members.map(|member| batch[prompt_of(member)].targets.as_ref().unwrap_or(&nothing)).collect();
        let values = readout::measure(head, self.config, &rows, &targets);
        let n_metrics = self.config.all_metrics().count();
        let mut found = values.chunks_exact(n_metrics);
        for (run, values) in trunk_runs.iter().zip(&mut found) {
            let baseline = &mut batch[prompt_of(run.member)].baseline;
            baseline[run.run * n_metrics..(run.run + 1) * n_metrics].copy_from_slice(values);
        }
        for (origin, values) in live.origins.iter().zip(&mut found) {
            let prompt = &mut batch[prompt_of(origin.base.member)];
            origin.sites().for_each(|site| prompt.measured.set_sample(site, origin.sample, values));
        }
    }
}

impl live::Origin {
    /// The sites that the run stands for.
    fn sites(&self) -> impl Iterator<Item = Site> {
        let sites = self.ends.iter().flat_map(|(_, sites)| sites);
        sites.map(|&(component, layer)| Site { component, layer, token: self.token })
    }
}
