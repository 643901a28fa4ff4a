// What the page calls things; as in the printed figures (crates/report/src/words.rs, heat_map.rs) and core's site.rs.

import type { Component, ComponentInfo, Folder, Metric, MetricInfo, PeakClass } from "./data.ts";
import type { Measure } from "./state.ts";

type Direction = Folder["direction"];

export const COMPONENT_NAMES: Record<Component, string> = {
  residual: "residual",
  mlp: "MLP",
  attn: "attention",
  resid_pre: "residual before the layer",
  resid_mid: "residual within the layer",
  mlp_severed: "residual, MLP severed",
  attn_severed: "residual, attention severed",
};

export const PATTERN_NAMES: Record<PeakClass, string> = {
  last_subject: "last subject token",
  second_to_last_subject: "second-to-last subject token",
  other_subject: "other subject token",
  late_site: "late site",
  none: "no peak",
};

/** How a prompt gets its pattern: by the site that the table calls the deciding one. */
export const DECIDING_RULE =
  "A prompt counts as a subject’s if a site at the subject’s tokens brings back at least half of its total effect, even if a "
  + "later site brings back more; else as a late site’s if the last token’s strongest site does. The deciding site is the one "
  + "that this goes by; where neither brings back half there is no peak, and it is the subject’s strongest.";

export const MEASURE_NAMES: Record<Measure, string> = {
  effect: "indirect effect (IE)",
  improvement: "percent improvement (PI)",
  value: "metric of the patched run",
};

const HOOKS: Record<Component, [hook: string, held: string]> = {
  residual: ["hook_resid_post", ""],
  mlp: ["hook_mlp_out", ""],
  attn: ["hook_attn_out", ""],
  resid_pre: ["hook_resid_pre", ""],
  resid_mid: ["hook_resid_mid", ""],
  mlp_severed: ["hook_resid_post", " (mlp severed)"],
  attn_severed: ["hook_resid_post", " (attention severed)"],
};

/** A site under its TransformerLens name and the token's position, as in blocks.12.hook_mlp_out@3. */
export function siteName(component: Component, layer: number, token?: number): string {
  const [hook, held] = HOOKS[component];
  return `blocks.${layer}.${hook}${token === undefined ? "" : `@${token}`}${held}`;
}

/** The layers that are patched for a site, the last one included. */
export function windowLayers(window: number, center: number, nLayers: number): [number, number] {
  const start = Math.max(0, center - Math.floor(window / 2));
  return [start, Math.min(nLayers, center + Math.ceil(window / 2)) - 1];
}

const PATCHED: Record<Component, string> = {
  residual: "the state after each layer",
  mlp: "MLP outputs",
  attn: "attention outputs",
  resid_pre: "the state before each layer",
  resid_mid: "the state within each layer",
  mlp_severed: "the state after each layer, MLPs severed",
  attn_severed: "the state after each layer, attention severed",
};

/** As in "Restoring the state after each layer, demo". */
export function mapTitle(component: Component, direction: Direction, model: string): string {
  return `${direction === "denoise" ? "Restoring" : "Corrupting"} ${PATCHED[component]}, ${model}`;
}

/** The layer axis' label: how many layers were set at once. */
export function layerAxis(component: Component, direction: Direction, window: number): string {
  const done = direction === "denoise" ? "restored" : "corrupted";
  const what: Record<Component, string> = {
    residual: "layer", mlp: "MLP layer", attn: "attention layer", resid_pre: "layer input", resid_mid: "mid-layer state",
    mlp_severed: "layer", attn_severed: "layer",
  };
  return window <= 1 ? `single ${done} ${what[component]}` : `center of interval of ${window} ${done} ${what[component]}s`;
}

/** The metric with its unit, as in "KL divergence, nats". */
export function metricWithUnit({ label, unit }: Pick<MetricInfo, "label" | "unit">): string {
  return unit ? `${label}, ${unit}` : label;
}

/** What the runs without a patch and their difference are called: p is the probability, and nothing else. */
export function baselineWords({ name }: Pick<MetricInfo, "name">): Record<"clean" | "corrupted" | "total", string> {
  return name === "probability"
    ? { clean: "p", corrupted: "p*", total: "p − p*" }
    : { clean: "clean", corrupted: "corrupted", total: "clean minus corrupted" };
}

/** What stands above a colour bar. */
export function measureLabel(measure: Measure, metric: Pick<MetricInfo, "name" | "label" | "unit">, answer: string | null): string {
  switch (measure) {
    case "effect": return `IE (${metricWithUnit(metric)})`;
    case "improvement": return "PI (%)";
    case "value": return metric.name === "probability" && answer !== null ? `p(${answer})` : metricWithUnit(metric);
  }
}

export function componentInfo(folder: Folder, name: Component): ComponentInfo {
  return folder.components.find((component) => component.name === name) ?? { name, label: COMPONENT_NAMES[name], window: 1 };
}

export function metricInfo(folder: Folder, name: Metric): MetricInfo {
  return folder.metrics.find((metric) => metric.name === name)
    ?? { name, label: name.replaceAll("_", " "), unit: "", expected_sign: 1 };
}
