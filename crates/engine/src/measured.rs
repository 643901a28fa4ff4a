//! The numbers of one prompt as they come in.

use causal_trace_core::{Component, Grid, Sink, Site, TraceConfig};

use crate::TraceError;

/// What the engines have measured so far; a value that was never set stays `NaN` and is found by `check`.
pub(crate) struct Measured {
    /// For each component one grid of every metric.
    grids: Vec<Vec<Grid>>,
    /// Which samples of a component's sites have been set.
    set: Vec<Vec<bool>>,
}

impl Measured {
    pub(crate) fn new(config: &TraceConfig, seq_len: usize, n_layers: usize) -> Self {
        let n_samples = config.corruption.samples;
        let grids = |&component: &Component| -> Vec<Grid> {
            let grid = |metric| Grid::unmeasured(component, metric, seq_len, n_layers, n_samples);
            config.all_metrics().map(grid).collect()
        };
        let set = vec![vec![false; seq_len * n_layers * n_samples]; config.components.len()];
        Measured { grids: config.components.iter().map(grids).collect(), set }
    }

    pub(crate) fn n_sites(&self) -> usize {
        self.grids.iter().map(|grids| grids[0].seq_len * grids[0].n_layers).sum()
    }

    /// One sample of a site: a value for every metric.
    pub(crate) fn set_sample(&mut self, site: Site, sample: usize, values: &[f32]) {
        for (grids, set) in self.grids.iter_mut().zip(&mut self.set) {
            if grids[0].component == site.component {
                let place = (site.token * grids[0].n_layers + site.layer) * grids[0].n_samples + sample;
                grids.iter_mut().zip(values).for_each(|(grid, &value)| grid.samples[place] = value);
                set[place] = true;
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), TraceError> {
        for (grids, set) in self.grids.iter().zip(&self.set) {
            for (place, &set) in set.iter().enumerate() {
                let (cell, sample) = (place / grids[0].n_samples, place % grids[0].n_samples);
                let (token, layer) = (cell / grids[0].n_layers, cell % grids[0].n_layers);
                let site = Site { component: grids[0].component, layer, token };
                if !set {
                    return Err(TraceError::Unmeasured { site });
                }
                if grids.iter().any(|grid| !grid.samples[place].is_finite()) {
                    return Err(TraceError::NotFinite { what: format!("{site} patched (sample {sample})") });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn give(&self, sink: &mut dyn Sink) {
        for grid in self.grids.iter().flatten() {
            for token in 0..grid.seq_len {
                for layer in 0..grid.n_layers {
                    let site = Site { component: grid.component, layer, token };
                    sink.patched(site, grid.metric, grid.at(token, layer));
                }
            }
        }
    }
}
