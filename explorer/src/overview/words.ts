// What the overview calls things, and what made its numbers.

import type { ComponentInfo, Folder, MetricInfo, PeakClass, Summary } from "../data.ts";
import { count, counted } from "../numbers.ts";

/** The classes of the census (docs/statistics.md), in its order. */
export const CLASSES: Record<PeakClass, string> = {
  last_subject: "last subject token",
  second_to_last_subject: "second-to-last subject token",
  other_subject: "other subject token",
  late_site: "late site",
  none: "no peak",
};

/** Two measures that the averages have. */
export type AverageOf = "effect" | "improvement";

/** As in "average indirect effect (KL divergence, nats)". */
export function averageAxis(of: AverageOf, metric: MetricInfo): string {
  const what = metric.unit ? `${metric.label}, ${metric.unit}` : metric.label;
  return of === "improvement" ? `average percent improvement (${metric.label}, %)` : `average indirect effect (${what})`;
}

/** A component at the beginning of a title: "MLP, window of 10 layers", with a capital. */
export function titled({ label }: ComponentInfo): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

/** Small print of every downloaded picture: what made its numbers. */
export function smallPrint(folder: Folder, summary: Summary): string[] {
  const settings = folder.made.map(([label, text]) => `${label}: ${text}`).join("; ");
  return [`${folder.model}, n = ${counted(summary.prompts, "prompt")}`, settings];
}

/** As in "95 % intervals by bootstrap over prompts (2,000 draws)". */
export function intervals(summary: Summary): string {
  return `95 % intervals by bootstrap over prompts (${count(summary.bootstrap_draws)} draws)`;
}
