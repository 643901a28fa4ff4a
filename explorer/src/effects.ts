// What a map shows of a grid: the means as they were given, or the same of one sample (core::effect has the definitions).

import type { Folder, Grid } from "./data.ts";
import type { Measure } from "./state.ts";

/** The metric of the runs that nothing was patched in. */
export type Baseline = Pick<Grid, "clean" | "corrupted">;

type Direction = Folder["direction"];

/** The values of a measure, [tokens][layers]; of one sample, or their mean for null. */
export function measured(grid: Grid, direction: Direction, measure: Measure, sample: number | null): Float32Array {
  const chosen = chosenSample(grid, sample);
  if (chosen === null) {
    return { effect: grid.indirect_effect, improvement: grid.percent_improvement, value: grid.patched }[measure];
  }
  const { patched_samples: samples, n_samples: n } = grid;
  if (!samples) return new Float32Array(0);
  const corrupted = grid.corrupted_samples[chosen] ?? Number.NaN;
  const base = direction === "denoise" ? corrupted : grid.clean;
  const span = Math.abs(grid.clean - corrupted);
  return Float32Array.from({ length: samples.length / n }, (_, site) => {
    const patched = samples[site * n + chosen] ?? Number.NaN;
    if (measure === "value") return patched;
    return measure === "effect" ? patched - base : span === 0 ? 0 : (patched - base) / span;
  });
}

/** The sample that can be shown where this one is asked for: null for the mean, also where there are no samples. */
export function chosenSample(grid: Grid, sample: number | null): number | null {
  if (sample === null || !grid.patched_samples || grid.n_samples === 0) return null;
  return Math.min(sample, grid.n_samples - 1);
}

/** The metric of the run that nothing was patched in. */
export function unpatched(grid: Grid, direction: Direction, sample: number | null): number {
  if (direction === "noise") return grid.clean;
  const chosen = chosenSample(grid, sample);
  return chosen === null ? grid.corrupted : grid.corrupted_samples[chosen] ?? grid.corrupted;
}

/** Differences below this share of what is subtracted are rounding, not effects. */
const ROUNDING = 1e-9;

/** Clean minus corrupted. */
export function totalEffect({ clean, corrupted }: Baseline): number {
  const effect = clean - corrupted;
  return Math.abs(effect) <= ROUNDING * Math.max(Math.abs(clean), Math.abs(corrupted)) ? 0 : effect;
}
