//! The numbers of one prompt as they come in.

use causal_trace_core::{Component, Grid, Sink, Site, TraceConfig};

use crate::TraceError;

/// What the engines have measured so far; a site that was never set is found by `check_given`.
pub(crate) struct Measured {
    /// For each component one grid of every metric.
    grids: Vec<Vec<Grid>>,
    /// Which samples of a component's sites have been set.
    set: Vec<Vec<bool>>,
    /// Which of its sites, `[seq_len, n_layers]`, have been given to the sink.
    given: Vec<Vec<bool>>,
}

impl Measured {
    pub(crate) fn new(config: &TraceConfig, seq_len: usize, n_layers: usize) -> Self {
        let n_samples = config.corruption.samples;
        let grids = |&component: &Component| -> Vec<Grid> {
            let grid = |metric| Grid::unmeasured(component, metric, seq_len, n_layers, n_samples);
            config.all_metrics().map(grid).collect()
        };
        let flags = |len: usize| vec![vec![false; len]; config.components.len()];
        let set = flags(seq_len * n_layers * n_samples);
        let given = flags(seq_len * n_layers);
        Measured { grids: config.components.iter().map(grids).collect(), set, given }
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

    /// The sites that are complete and were not given yet, each by its component's place and its cell of the grid.
    ///
    /// # Errors
    /// When one of them is not finite.
    pub(crate) fn complete(&self) -> Result<Vec<(usize, usize)>, TraceError> {
        let is_new = |component: usize, cell: usize| {
            let n_samples = self.grids[component][0].n_samples;
            let samples = &self.set[component][cell * n_samples..(cell + 1) * n_samples];
            !self.given[component][cell] && samples.iter().all(|&set| set)
        };
        let cells = self.given.iter().enumerate().flat_map(|(component, given)| {
            (0..given.len())
                .map(move |cell| (component, cell))
                .filter(|&(component, cell)| is_new(component, cell))
        });
        let new: Vec<(usize, usize)> = cells.collect();
        new.iter().try_for_each(|&(component, cell)| self.check(component, cell))?;
        Ok(new)
    }

    /// Gives some sites.
    pub(crate) fn give(&mut self, new: &[(usize, usize)], sink: &mut dyn Sink) {
        for of_component in new.chunk_by(|(a, _), (b, _)| a == b) {
            for grid in &self.grids[of_component[0].0] {
                for &(component, cell) in of_component {
                    let site = self.site(component, cell);
                    sink.patched(site, grid.metric, grid.at(site.token, site.layer));
                }
            }
        }
        new.iter().for_each(|&(component, cell)| self.given[component][cell] = true);
    }

    /// Whether every site was given.
    pub(crate) fn check_given(&self) -> Result<(), TraceError> {
        for (component, given) in self.given.iter().enumerate() {
            if let Some(cell) = given.iter().position(|given| !given) {
                return Err(TraceError::Unmeasured { site: self.site(component, cell) });
            }
        }
        Ok(())
    }

    fn site(&self, component: usize, cell: usize) -> Site {
        let Grid { component, n_layers, .. } = self.grids[component][0];
        Site { component, layer: cell % n_layers, token: cell / n_layers }
    }

    fn check(&self, component: usize, cell: usize) -> Result<(), TraceError> {
        let site = self.site(component, cell);
        let faulty =
            |grid: &Grid| grid.at(site.token, site.layer).iter().position(|value| !value.is_finite());
        match self.grids[component].iter().filter_map(faulty).min() {
            Some(sample) => Err(TraceError::NotFinite { what: format!("{site} patched (sample {sample})") }),
            None => Ok(()),
        }
    }
}
