// A job as the page knows it: what the server's events make of it. Nothing here touches the page or the network.

import type { Component, Grid, Metric, PromptDetail } from "../data.ts";
import type { JobEvents, JobShape, JobStarted, SiteEvent } from "../live.ts";

export type JobEvent = { [Name in keyof JobEvents]: { name: Name; data: JobEvents[Name] } }[keyof JobEvents];

export type Phase = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Job {
  id: string;
  /** The same trace on the command line. */
  command: string;
  phase: Phase;
  /** Jobs that come before this one. */
  before: number;
  shape: JobShape | null;
  /** What was measured so far, as a traced prompt; what was not is NaN. */
  detail: PromptDetail | null;
  progress: { done: number; total: number };
  /** When it began and when something was last heard of it, in milliseconds. */
  began: number;
  heard: number;
  /** How long it took, by the server's clock; null until it is done. */
  seconds: number | null;
  /** Why it failed; empty otherwise. */
  error: string;
}

export function newJob({ job, command }: JobStarted, now: number): Job {
  return {
    id: job, command, phase: "queued", before: 0, shape: null, detail: null,
    progress: { done: 0, total: 0 }, began: now, heard: now, seconds: null, error: "",
  };
}

export function isOver(job: Job): boolean {
  return job.phase === "done" || job.phase === "failed" || job.phase === "cancelled";
}

/** Seconds that are left at the pace so far; null while nothing is known of it. */
export function secondsLeft(job: Job): number | null {
  const { done, total } = job.progress;
  if (job.phase !== "running" || done === 0 || job.heard <= job.began) return null;
  return ((job.heard - job.began) / 1000 / done) * (total - done);
}

/** The job after some events. The job that is given stays as it is, its arrays too. */
export function after(job: Job, events: JobEvent[], now: number): Job {
  const own = new Set<Grid>();
  return events.reduce((job, event) => (isOver(job) ? job : one(job, event, now, own)), job);
}

/** `own` holds the grids that were made for this turn, which may be written to. */
function one(job: Job, event: JobEvent, now: number, own: Set<Grid>): Job {
  const heard = { ...job, heard: now };
  switch (event.name) {
    case "queued":
      return { ...heard, before: event.data.before };
    case "started":
      return { ...heard, phase: "running", before: 0, began: now, shape: event.data, detail: emptyDetail(event.data) };
    case "baseline": {
      const { metrics, answer, foil } = event.data;
      if (!job.shape || !job.detail) return heard;
      const { shape } = job;
      const grids = shape.components.flatMap(({ name }) =>
        metrics.map(({ metric, clean, corrupted }) => emptyGrid(shape, name, metric, clean, corrupted)));
      return { ...heard, detail: { ...job.detail, answer: answer.text, foil, grids } };
    }
    case "sites": {
      if (!job.detail) return heard;
      const { component, metric, sites } = event.data;
      const grids = job.detail.grids.map((grid) =>
        grid.component === component && grid.metric === metric ? withSites(grid, sites, own) : grid);
      return { ...heard, detail: { ...job.detail, grids } };
    }
    case "progress":
      return { ...heard, progress: event.data };
    case "done":
      return { ...heard, phase: "done", seconds: event.data.seconds };
    case "failed":
      return { ...heard, phase: "failed", error: event.data.error };
    case "cancelled":
      return { ...heard, phase: "cancelled" };
  }
}

function emptyDetail(shape: JobShape): PromptDetail {
  return {
    id: 0,
    tokens: shape.tokens,
    token_ids: shape.token_ids,
    subject: shape.subject,
    counterpart_tokens: shape.counterpart_tokens,
    answer: "",
    foil: null,
    noise_level: shape.noise_level,
    grids: [],
  };
}

function emptyGrid(shape: JobShape, component: Component, metric: Metric, clean: number, corrupted: number[]): Grid {
  const sites = shape.tokens.length * shape.n_layers;
  const unknown = (length: number) => new Float32Array(length).fill(NaN);
  return {
    component,
    metric,
    n_layers: shape.n_layers,
    n_samples: shape.n_samples,
    clean,
    corrupted: corrupted.reduce((sum, value) => sum + value, 0) / corrupted.length,
    corrupted_samples: Float32Array.from(corrupted),
    patched: unknown(sites),
    indirect_effect: unknown(sites),
    percent_improvement: unknown(sites),
    noise_error: unknown(sites),
    patched_samples: unknown(sites * shape.n_samples),
  };
}

function withSites(grid: Grid, sites: SiteEvent[], own: Set<Grid>): Grid {
  const changed = own.has(grid) ? grid : copy(grid);
  own.add(changed);
  for (const site of sites) {
    const at = site.token * grid.n_layers + site.layer;
    changed.patched[at] = site.patched;
    changed.indirect_effect[at] = site.indirect_effect;
    changed.percent_improvement[at] = site.percent_improvement;
    changed.noise_error[at] = site.noise_error ?? NaN;
    changed.patched_samples?.set(site.samples, at * grid.n_samples);
  }
  return changed;
}

function copy(grid: Grid): Grid {
  return {
    ...grid,
    patched: grid.patched.slice(),
    indirect_effect: grid.indirect_effect.slice(),
    percent_improvement: grid.percent_improvement.slice(),
    noise_error: grid.noise_error.slice(),
    patched_samples: grid.patched_samples?.slice() ?? null,
  };
}
