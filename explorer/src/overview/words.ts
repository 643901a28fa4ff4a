// What the overview calls things, and what made its numbers.

import type { ComponentInfo, Folder, MetricInfo, Summary } from "../data.ts";
import { count, counted } from "../numbers.ts";
import { cut, visible } from "../token-text.tsx";
import { mapTitle, metricWithUnit } from "../words.ts";

/** Two measures that the averages have. */
export type AverageOf = "effect" | "improvement";

/** As in "average indirect effect (KL divergence, nats)". */
export function averageAxis(of: AverageOf, metric: MetricInfo): string {
  return of === "improvement" ? `average percent improvement (${metric.label}, %)` : `average indirect effect (${metricWithUnit(metric)})`;
}

/** Longer names of models are cut in titles. */
const MOST = 80;

/** What was done, as the end of a title: "restoring MLP outputs, demo". */
export function doing(folder: Folder, component: ComponentInfo): string {
  const title = mapTitle(component.name, folder.direction, visible(cut(folder.model, MOST), "odd"));
  return title.charAt(0).toLowerCase() + title.slice(1);
}

/** A component as a heading: "MLP, window of 10 layers", with a capital. */
export function titled({ label }: ComponentInfo): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

/** Small print of every downloaded picture: what made its numbers. */
export function smallPrint(folder: Folder, summary: Summary): string[] {
  const settings = folder.made.map(([label, text]) => `${label}: ${text}`).join("; ");
  return [`${folder.model}, n = ${counted(summary.prompts, "prompt")}`, settings];
}

/** Whether there are intervals: one prompt has none worth the name. */
export function hasIntervals(summary: Summary): boolean {
  return summary.prompts > 1;
}

/** As in "95 % intervals by bootstrap over prompts (2,000 draws)". */
export function intervals(summary: Summary): string {
  return `95 % intervals by bootstrap over prompts (${count(summary.bootstrap_draws)} draws)`;
}
