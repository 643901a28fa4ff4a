//! One sweep through the layers that carries every patched run, from the layer where its patch begins.
//!
//! At layer l the sweep holds, for every patched run that has begun, its states from the patched token on:
//! the tokens before are its base run's, kept in the [`Trunk`]. All rows of all runs go through the layer
//! together, in blocks that share no state and are spread over the threads. After the layer, runs whose window
//! ends there split off, and new runs begin as copies of their base run with one row from their source.

mod layer;
mod live;

use causal_trace_core::{Baseline, Site, TraceConfig};
use causal_trace_lm::Model;

use crate::TraceError;
use crate::corrupt::Embeddings;
use crate::plan::{Plan, Sizes, Turn, run_of};
use crate::trace::{Answer, Measured};
use crate::trunk::{Trunk, TrunkLayer};
use layer::Workspaces;
use live::Live;

/// Measures every site of the configured grids, and the baseline.
pub(crate) fn sweep(
    model: &Model,
    embeddings: &Embeddings,
    config: &TraceConfig,
    answer: Answer,
    measured: &mut Measured,
    sink: &mut dyn crate::Sink,
) -> Result<Baseline, TraceError> {
    let n_samples = config.corruption.samples;
    let sizes = Sizes {
        seq_len: embeddings.clean.len() / embeddings.d_model,
        n_layers: model.architecture().n_layers,
        d_model: embeddings.d_model,
        first_corrupted: embeddings.span.start,
    };
    let plan = Plan::new(config, sizes);
    let turns = plan.turns(sizes, n_samples, config.memory);
    let mut probabilities = vec![f32::NAN; 1 + n_samples];
    let workspaces = Workspaces::new();
    let mut answer_id = None;
    for (index, turn) in turns.iter().enumerate() {
        let sweep = Sweep { model, sizes, config, workspaces: &workspaces };
        let mut progress = |layer: usize| {
            // Later layers carry more runs.
            let in_turn = sizes.n_layers * (sizes.n_layers + 1) / 2;
            sink.progress(index * in_turn + layer * (layer + 1) / 2, turns.len() * in_turn);
        };
        let (trunk, live) = sweep.run(turn, embeddings, &mut progress)?;
        let id = match answer_id {
            Some(id) => id,
            None => answer.id(model, || model.unembed(trunk.state(&trunk.at.x, 0, sizes.seq_len - 1)))?,
        };
        answer_id = Some(id);
        let trunk_states = trunk.last_states();
        let after_trunk = trunk_states.len() / sizes.d_model;
        let found = sweep.unembed(&[trunk_states, live.x].concat(), id);
        probabilities[0] = found[0];
        probabilities[1 + turn.samples.start..1 + turn.samples.end].copy_from_slice(&found[1..after_trunk]);
        for (origin, &probability) in live.origins.iter().zip(&found[after_trunk..]) {
            for site in origin.sites() {
                measured.set_sample(site, origin.sample, probability);
            }
        }
    }
    for &(site, known) in &plan.known {
        for sample in 0..n_samples {
            measured.set_sample(site, sample, probabilities[run_of(known, config.direction, sample)]);
        }
    }
    // There is at least one turn; without one, p would be `NaN` and found to be so.
    let answer_id = answer_id.unwrap_or_default();
    Ok(Baseline { answer_id, clean: probabilities[0], corrupted: probabilities[1..].to_vec() })
}

struct Sweep<'a> {
    model: &'a Model,
    sizes: Sizes,
    config: &'a TraceConfig,
    workspaces: &'a Workspaces,
}

impl Sweep<'_> {
    fn run(
        &self,
        turn: &Turn<'_>,
        embeddings: &Embeddings,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Trunk, Live), TraceError> {
        let rope = self.model.rope_table(self.sizes.seq_len);
        let mut trunk = Trunk::new(self.model, embeddings, turn.samples.clone());
        let mut live = Live::new(turn, self.sizes, self.config.direction);
        let blocks = self.model.blocks();
        let mut spare = TrunkLayer::default();
        trunk.next(&blocks[0], rope.as_ref(), &mut spare);
        std::mem::swap(&mut trunk.at, &mut spare);
        for layer in 0..self.sizes.n_layers {
            // The trunk's rows are few: its next layer is computed beside the patched runs.
            let (advanced, ()) = rayon::join(
                || layer::advance(self.model, layer, rope.as_ref(), &trunk, &mut live, self.workspaces),
                || {
                    if let Some(block) = blocks.get(layer + 1) {
                        trunk.next(block, rope.as_ref(), &mut spare);
                    }
                },
            );
            advanced?;
            live.split_off(layer);
            live.open(self.model, layer, &trunk, turn);
            if layer + 1 < self.sizes.n_layers {
                std::mem::swap(&mut trunk.at, &mut spare);
            }
            progress(layer + 1);
        }
        Ok((trunk, live))
    }

    /// The answer's probability after each row of final states.
    fn unembed(&self, rows: &[f32], answer: u32) -> Vec<f32> {
        self.model.answer_log_probability(rows, answer).into_iter().map(|log| log.exp() as f32).collect()
    }
}

impl live::Origin {
    /// The sites that the run stands for.
    fn sites(&self) -> impl Iterator<Item = Site> {
        let (component, token) = (self.component, self.token);
        let layers = self.ends.iter().flat_map(|(_, layers)| layers);
        layers.map(move |&layer| Site { component, layer, token })
    }
}
