//! Rows of the sites table, back into grids. The order of the rows is part of the format: by prompt, component, metric,
//! token and layer.

use std::ops::Range;

use arrow_array::{Float32Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray};
use causal_trace_core::{Component, Metric};

use crate::folder::columns::{elements, lists, metric, required};
use crate::prompt_record::{EffectGrid, Outcome, PromptRecord};

/// Every component in every metric.
const MOST_GRIDS: usize = Component::ALL.len() * Metric::ALL.len();

/// The columns of all batches.
#[derive(Default)]
pub(super) struct Sites {
    id: Vec<i64>,
    component: Vec<Component>,
    metric: Vec<Metric>,
    token: Vec<i32>,
    layer: Vec<i32>,
    patched: Vec<f64>,
    indirect_effect: Vec<f64>,
    percent_improvement: Vec<f64>,
    n_samples: Vec<usize>,
    samples: Vec<f32>,
}

impl Sites {
    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<(), String> {
        self.id.extend(required::<Int64Array>(batch, "id")?.values());
        self.token.extend(required::<Int32Array>(batch, "token")?.values());
        self.layer.extend(required::<Int32Array>(batch, "layer")?.values());
        self.patched.extend(required::<Float64Array>(batch, "patched")?.values());
        self.indirect_effect.extend(required::<Float64Array>(batch, "indirect_effect")?.values());
        self.percent_improvement.extend(required::<Float64Array>(batch, "percent_improvement")?.values());
        let components = required::<StringArray>(batch, "component")?;
        let metrics = required::<StringArray>(batch, "metric")?;
        let (lists, samples): (&ListArray, &Float32Array) = lists(batch, "patched_samples")?;
        for row in 0..batch.num_rows() {
            self.component.push(component(components.value(row))?);
            self.metric.push(metric(metrics.value(row))?);
            let samples = &samples.values()[elements(lists, row)];
            self.n_samples.push(samples.len());
            self.samples.extend(samples);
        }
        Ok(())
    }

    /// Gives every record its grids; every row must belong to one.
    pub(super) fn distribute(&self, records: &mut [PromptRecord], n_layers: usize) -> Result<(), String> {
        let mut place = Place { row: 0, sample: 0 };
        for record in records {
            let (id, n_tokens) = (record.fact.known_id, record.tokens.len());
            let Outcome::Traced(traced) = &mut record.outcome else { continue };
            // A grid twice would be found out of order; this only bounds the loop.
            while self.id.get(place.row) == Some(&id) && traced.grids.len() < MOST_GRIDS {
                let grid = self.grid(&mut place, n_tokens, n_layers);
                traced.grids.push(grid.map_err(|fault| format!("fact {id}: {fault}"))?);
            }
        }
        self.id.get(place.row).map_or(Ok(()), |id| {
            Err(format!("row {} of the sites table belongs to fact {id}, which is not next", place.row))
        })
    }

    /// The grid that begins at some row.
    fn grid(&self, place: &mut Place, n_tokens: usize, n_layers: usize) -> Result<EffectGrid, String> {
        let n_sites = n_tokens.checked_mul(n_layers);
        let end = n_sites.and_then(|n_sites| place.row.checked_add(n_sites));
        let rows = match end {
            Some(end) if end <= self.id.len() => place.row..end,
            _ => return Err(format!("sites of {n_tokens} tokens and {n_layers} layers are missing")),
        };
        self.check_order(rows.clone(), n_layers)?;
        let n_samples = rows.len() * self.n_samples[rows.start];
        let samples = place.sample..place.sample + n_samples;
        *place = Place { row: rows.end, sample: samples.end };
        Ok(EffectGrid {
            component: self.component[rows.start],
            metric: self.metric[rows.start],
            n_layers,
            patched: self.patched[rows.clone()].to_vec(),
            indirect_effect: self.indirect_effect[rows.clone()].to_vec(),
            percent_improvement: self.percent_improvement[rows].to_vec(),
            samples: self.samples[samples].to_vec(),
        })
    }

    /// That rows are the sites of one grid, one after the other, with as many samples each.
    fn check_order(&self, rows: Range<usize>, n_layers: usize) -> Result<(), String> {
        let first = rows.start;
        let key = |row: usize| (self.id[row], self.component[row], self.metric[row]);
        for (site, row) in rows.enumerate() {
            let (token, layer) = (self.token[row], self.layer[row]);
            let (id, component, metric) = key(row);
            let is_next = key(row) == key(first)
                && usize::try_from(token) == Ok(site / n_layers)
                && usize::try_from(layer) == Ok(site % n_layers);
            if !is_next {
                return Err(format!(
                    "row {row} of the sites table is {component} ({metric}) at token {token}, layer {layer} of fact \
                     {id}, where {} ({}) at token {}, layer {} should be",
                    self.component[first],
                    self.metric[first],
                    site / n_layers,
                    site % n_layers
                ));
            }
            if self.n_samples[row] != self.n_samples[first] {
                return Err(format!("row {row} of the sites table has another number of samples"));
            }
        }
        Ok(())
    }
}

/// How far the rows, and with them the samples, have been given away.
struct Place {
    row: usize,
    sample: usize,
}

fn component(name: &str) -> Result<Component, String> {
    let known = |component: &Component| component.name() == name;
    Component::ALL.into_iter().find(known).ok_or_else(|| format!("'{name}' is not a component"))
}
