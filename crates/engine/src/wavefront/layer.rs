//! All patched runs through one layer.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use causal_trace_core::{Component, Site};
use causal_trace_lm::kernels::{Run, Threads};
use causal_trace_lm::{Block, RopeTable, Scratch};
use rayon::prelude::*;

use super::live::{Live, Origin};
use crate::TraceError;
use crate::plan::Patched;
use crate::trunk::{Trunk, TrunkRun};

/// Rows of one task, at least and at most: enough for an efficient product, few enough for its buffers to stay in the
/// caches.
const TASK_ROWS: Range<usize> = 96..384;
/// Tasks for each thread that a layer is split into when it has rows enough.
const TASKS_PER_THREAD: usize = 2;

/// One thread's buffers.
#[derive(Debug, Default)]
struct Workspace {
    scratch: Scratch,
    qkv: Vec<f32>,
    queries: Vec<f32>,
    context: Vec<f32>,
    first_rows: Vec<f32>,
    first_qkv: Vec<f32>,
}

/// Every thread's buffers.
#[derive(Debug)]
pub(super) struct Workspaces(Vec<Mutex<Workspace>>);

impl Workspaces {
    pub(super) fn new() -> Self {
        Workspaces((0..rayon::current_num_threads()).map(|_| Mutex::default()).collect())
    }

    fn mine(&self) -> MutexGuard<'_, Workspace> {
        let index = rayon::current_thread_index().unwrap_or(0) % self.0.len();
        self.0[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some runs and their rows.
struct Task<'a> {
    runs: &'a [Run],
    origins: &'a [Origin],
    x: &'a mut [f32],
    fresh: bool,
}

/// What all tasks of a layer share.
struct Layer<'a> {
    block: &'a Block,
    rope: Option<&'a RopeTable>,
    trunk: &'a Trunk,
    hits: AtomicUsize,
}

/// Takes all patched runs through a layer's block; in the last one, only their last tokens come out.
pub(super) fn advance(
    block: &Block,
    layer: usize,
    rope: Option<&RopeTable>,
    trunk: &Trunk,
    live: &mut Live,
    workspaces: &Workspaces,
) -> Result<(), TraceError> {
    let is_last = layer + 1 == live.n_layers;
    let work = Layer { block, rope, trunk, hits: AtomicUsize::new(0) };
    let tasks = tasks(live, block.d_model());
    if is_last {
        let parts: Vec<Vec<f32>> =
            tasks.into_par_iter().map(|task| work.last_layer(task, &mut workspaces.mine())).collect();
        live.x = parts.concat();
    } else {
        tasks.into_par_iter().for_each(|task| work.middle_layer(task, &mut workspaces.mine()));
    }
    // In the last layer, what a patch adds to other tokens than the last is never read.
    let reached = live.origins.iter().zip(&live.runs).filter(|(_, run)| !is_last || run.len == 1);
    let expected = reached.map(|(origin, _)| origin.held().count()).sum();
    let hits = work.hits.into_inner();
    let held = |origin: &Origin| Some((origin.token, origin.held().next()?.0));
    match live.origins.iter().find_map(held) {
        Some((token, component)) if hits != expected => {
            Err(TraceError::PatchMissed { site: Site { component, layer, token }, hits, expected })
        }
        _ => Ok(()),
    }
}

/// How many rows a task has when a layer has so many; more only where a single run has.
pub(crate) fn task_rows(rows: usize) -> usize {
    let n_threads = rayon::current_num_threads();
    // As many for each thread, so that they end together.
    let n_tasks = rows.div_ceil(TASK_ROWS.end).next_multiple_of(n_threads).max(TASKS_PER_THREAD * n_threads);
    rows.div_ceil(n_tasks).max(TASK_ROWS.start)
}

/// Splits the runs into tasks; those that began at the layer before are kept apart.
fn tasks(live: &mut Live, d_model: usize) -> Vec<Task<'_>> {
    let target = task_rows(live.x.len() / d_model);
    let mut tasks = Vec::new();
    let mut x = live.x.as_mut_slice();
    let mut start = 0;
    while start < live.runs.len() {
        let fresh = start >= live.first_fresh;
        let limit = if fresh { live.runs.len() } else { live.first_fresh };
        let (mut end, mut rows) = (start, 0);
        while end < limit && (rows == 0 || rows + live.runs[end].len <= target) {
            rows += live.runs[end].len;
            end += 1;
        }
        let (mine, rest) = x.split_at_mut(rows * d_model);
        x = rest;
        tasks.push(Task { runs: &live.runs[start..end], origins: &live.origins[start..end], x: mine, fresh });
        start = end;
    }
    tasks
}

impl Layer<'_> {
    fn middle_layer(&self, task: Task<'_>, workspace: &mut Workspace) {
        let Task { runs, origins, x, fresh } = task;
        if fresh {
            self.known_qkv(runs, origins, x, workspace);
        } else {
            let Workspace { scratch, qkv, .. } = workspace;
            self.block.project(x, runs, self.rope, Threads::One, scratch, qkv);
        }
        let Workspace { scratch, qkv, context, .. } = workspace;
        self.block.attend(qkv, &self.trunk.at.qkv, runs, context);
        let lens = runs.iter().map(|run| run.len);
        let mut patch = |component: Component, states: &mut [f32]| {
            self.patch(component, states, origins.iter().zip(lens.clone()));
        };
        self.block.finish(x, context, Threads::One, scratch, &mut patch);
        patch(Component::Residual, x);
    }

    /// The states of the runs' last tokens after the last layer, `[runs, d_model]`.
    fn last_layer(&self, task: Task<'_>, workspace: &mut Workspace) -> Vec<f32> {
        let Task { runs, origins, x, fresh } = task;
        let d_model = self.block.d_model();
        let mut last = Vec::with_capacity(runs.len() * d_model);
        for_rows(runs, |_, rows| last.extend_from_slice(&x[(rows.end - 1) * d_model..rows.end * d_model]));
        if fresh {
            self.known_qkv(runs, origins, x, workspace);
            let Workspace { qkv, queries, context, .. } = workspace;
            let (d_qkv, d_queries) = (self.block.d_qkv(), self.block.d_queries());
            queries.clear();
            for_rows(runs, |_, rows| {
                let start = (rows.end - 1) * d_qkv;
                queries.extend_from_slice(&qkv[start..start + d_queries]);
            });
            self.block.attend_last_of_projected(queries, qkv, &self.trunk.at.qkv, runs, context);
        } else {
            let Workspace { scratch, qkv, queries, context, .. } = workspace;
            self.block.project_keys_values(x, runs, self.rope, scratch, qkv);
            self.block.project_last_queries(&last, runs, self.rope, scratch, queries);
            self.block.attend_last(queries, qkv, &self.trunk.at.qkv, runs, context);
        }
        // One row is left of each run; it is the patched token's only where the run never had more.
        let single = |run: &Run| usize::from(run.len == 1);
        let mut patch = |component: Component, states: &mut [f32]| {
            let mut rows = states.chunks_exact_mut(d_model);
            for (origin, run) in origins.iter().zip(runs) {
                let Some(row) = rows.next() else { return };
                self.patch(component, row, std::iter::once((origin, single(run))));
            }
        };
        let Workspace { scratch, context, .. } = workspace;
        self.block.finish(&mut last, context, Threads::One, scratch, &mut patch);
        last
    }

    /// Sets the first of each run's rows to what the run holds there in this layer, if it does.
    fn patch<'o>(
        &self,
        component: Component,
        states: &mut [f32],
        runs: impl Iterator<Item = (&'o Origin, usize)>,
    ) {
        let d_model = self.block.d_model();
        let from = match component {
            Component::Residual => &self.trunk.at.x,
            Component::Mlp => &self.trunk.at.mlp_out,
            Component::Attention => &self.trunk.at.attention_out,
            _ => return,
        };
        let mut row = 0;
        for (origin, len) in runs {
            let held = origin.held().filter(|&(held, _)| held == component && len > 0);
            for (_, source) in held {
                let source = self.trunk.state(from, source, origin.token);
                states[row * d_model..(row + 1) * d_model].copy_from_slice(source);
                self.hits.fetch_add(1, Ordering::Relaxed);
            }
            row += len;
        }
    }

    /// Queries, keys and values of runs that began at the layer before, into `workspace.qkv`: the later tokens'
    /// are the base run's, and a restored residual's are the source run's. Only the row after a patched mlp or
    /// attention is new.
    fn known_qkv(&self, runs: &[Run], origins: &[Origin], x: &[f32], workspace: &mut Workspace) {
        let (d_model, d_qkv) = (self.block.d_model(), self.block.d_qkv());
        let Workspace { scratch, qkv, first_rows, first_qkv, .. } = workspace;
        let known = |run: TrunkRun, token: usize| {
            let start = self.trunk.row(run, token) * d_qkv;
            &self.trunk.at.qkv[start..start + d_qkv]
        };
        first_rows.clear();
        let mut first_runs = Vec::new();
        for_rows(runs, |index, rows| {
            if origins[index].patched != Patched::Stream {
                first_rows.extend_from_slice(&x[rows.start * d_model..(rows.start + 1) * d_model]);
                first_runs.push(Run { start: runs[index].start, len: 1, prefix: Vec::new() });
            }
        });
        if !first_runs.is_empty() {
            self.block.project(first_rows, &first_runs, self.rope, Threads::One, scratch, first_qkv);
        }
        let mut projected = first_qkv.chunks_exact(d_qkv);
        qkv.clear();
        for (run, origin) in runs.iter().zip(origins) {
            let first_is_patched = origin.first_carried == origin.token;
            match origin.patched {
                _ if !first_is_patched => {}
                Patched::Stream => qkv.extend_from_slice(known(origin.source, origin.token)),
                Patched::Mlp | Patched::Attention => qkv.extend(projected.next().into_iter().flatten()),
            }
            for token in run.positions().skip(usize::from(first_is_patched)) {
                qkv.extend_from_slice(known(origin.base, token));
            }
        }
    }
}

/// Calls back with each run's index and rows.
fn for_rows(runs: &[Run], mut each: impl FnMut(usize, Range<usize>)) {
    let mut start = 0;
    for (index, run) in runs.iter().enumerate() {
        each(index, start..start + run.len);
        start += run.len;
    }
}
