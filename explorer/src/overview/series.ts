// The numbers of the charts, one row for each shape.

import type { ComponentSummary, Folder, PeakClass } from "../data.ts";
import type { AverageOf } from "./words.ts";

export interface Point {
  role: number;
  layer: number;
  value: number;
  /** The ends of the interval; the value where there is none. */
  low: number;
  high: number;
}

/** The averages of every role that some token has, by layer. */
export function points(summary: ComponentSummary, of: AverageOf): Point[] {
  const [table, low, high, factor] = of === "effect"
    ? [summary.average_indirect_effect, summary.ci95_low, summary.ci95_high, 1] as const
    : [summary.average_percent_improvement, null, null, 100] as const;
  return table.flatMap((layers, role) => layers.flatMap((value, layer) => {
    if (value === null || !summary.counts[role]) return [];
    const end = (ends: typeof low) => factor * (ends?.[role]?.[layer] ?? value);
    return [{ role, layer, value: factor * value, low: end(low), high: end(high) }];
  }));
}

/** Where a prompt's largest effect is, or where that of each role's tokens is. */
export type PeaksOf = "prompt" | "role";

export interface Bar {
  role: number;
  layer: number;
  prompts: number;
}

export function bars(table: ComponentSummary, of: PeaksOf): Bar[] {
  const counts = of === "prompt" ? table.peaks : table.role_peaks;
  return counts.flatMap((layers, role) => layers.map((prompts, layer) => ({ role, layer, prompts })));
}

/** The roles that some prompt has a peak at, and those that none has. Where no prompt has a peak at all, they stay together. */
export function peakRoles(all: Bar[]): { some: number[]; none: number[] } {
  const roles = [...new Set(all.map(({ role }) => role))];
  const has = (role: number) => all.some((bar) => bar.role === role && bar.prompts > 0);
  return !roles.some(has) ? { some: roles, none: [] } : { some: roles.filter(has), none: roles.filter((role) => !has(role)) };
}

export interface Share {
  component: number;
  class: PeakClass;
  prompts: number;
  share: number;
}

/** How many prompts are of each class, for every component. */
export function shares(folder: Folder): Share[] {
  return folder.components.flatMap(({ name }, component) => {
    const census = folder.census[name] ?? [];
    const all = census.reduce((sum, { prompts }) => sum + prompts, 0);
    return census.map(({ class: of, prompts }) => ({ component, class: of, prompts, share: all === 0 ? 0 : prompts / all }));
  });
}
