// A trace as a heat map: which values, colours and words.

import type { Component, Folder, Grid, MetricInfo, PromptDetail } from "../data.ts";
import { chosenSample, measured, unpatched } from "../effects.ts";
import { counted, number, signed, signedPercent } from "../numbers.ts";
import type { Cell, Measure } from "../state.ts";
import { cut, visible } from "../token-text.tsx";
import { layerAxis, mapTitle, measureLabel, siteName, windowLayers } from "../words.ts";
import { effectScale, valueScale, type ColorScale } from "./color-scale.ts";
import type { HeatMapData, HeatMapRow, Reading } from "./model.ts";

/** As color-scale's, for one prompt: a map whose 0 is far from pale misleads, and here there is room for another colour. */
export const BOTH_WAYS = 0.2;

/** What every map of a prompt's trace has in common. */
export interface TracedPrompt {
  model: string;
  direction: Folder["direction"];
  tokens: string[];
  subject: [number, number] | null;
  answer: string;
}

export function tracedPrompt(folder: Folder, detail: PromptDetail): TracedPrompt {
  const { model, direction } = folder;
  const { tokens, subject, answer } = detail;
  return { model, direction, tokens, subject, answer };
}

export interface Shown {
  metric: MetricInfo;
  measure: Measure;
  cutoff: boolean;
  sample: number | null;
}

interface TraceMapInput {
  prompt: TracedPrompt;
  grid: Grid;
  /** Layers patched at once. */
  window: number;
  shown: Shown;
  /** In place of the map's own scale. */
  scale?: ColorScale | null;
  noValue?: string;
  note?: string[];
}

export function traceMap({ prompt, grid, window, shown, scale, noValue = "no value", note = [] }: TraceMapInput): HeatMapData {
  const { metric, measure } = shown;
  const values = measured(grid, prompt.direction, measure, shown.sample);
  const sample = chosenSample(grid, shown.sample);
  const which = sample === null ? "" : `, sample ${sample + 1} of ${grid.n_samples}`;
  return {
    title: mapTitle(grid.component, prompt.direction, prompt.model) + which,
    rows: tokenRows(prompt),
    rowKind: "token",
    rowAxis: "token",
    columns: grid.n_layers,
    columnAxis: layerAxis(grid.component, prompt.direction, window),
    values,
    noValue,
    measure: measureLabel(measure, metric, answerLabel(prompt.answer)),
    format: formatOf(measure),
    scale: scale ?? ownScale(prompt, grid, shown, values),
    cutSign: shown.cutoff && measure !== "value" ? metric.expected_sign : undefined,
    factor: measure === "improvement" ? 100 : 1,
    note,
  };
}

function tokenRows({ tokens, subject }: Pick<TracedPrompt, "tokens" | "subject">): HeatMapRow[] {
  return tokens.map((label, token) => {
    const isSubject = subject !== null && token >= subject[0] && token < subject[1];
    return isSubject ? { label, mark: "*" } : { label };
  });
}

export function formatOf(measure: Measure): (value: number) => string {
  return { effect: signed, improvement: signedPercent, value: number }[measure];
}

/** The scale of a map by itself. */
function ownScale(prompt: TracedPrompt, grid: Grid, { metric, measure, cutoff, sample }: Shown, values: Float32Array): ColorScale {
  if (measure === "value") return valueScale(grid.component, metric.expected_sign, unpatched(grid, prompt.direction, sample), values);
  return effectScale(grid.component, metric.expected_sign, cutoff, values, BOTH_WAYS);
}

function answerLabel(answer: string): string {
  return cut(visible(answer.trim() || answer), 30);
}

/** What is read at a site: where it is, and every metric that was measured there. The shown metric comes first. */
export function readSite(
  prompt: TracedPrompt, grids: Grid[], metrics: MetricInfo[], component: Component, window: number, shown: Shown, cell: Cell,
): Reading[] {
  const here = grids.filter((grid) => grid.component === component);
  const first = here.find((grid) => grid.metric === shown.metric.name);
  const others = metrics.filter((metric) => metric.name !== shown.metric.name);
  const nLayers = here[0]?.n_layers ?? 0;
  return [
    { label: "layer", text: layerText(component, window, nLayers, cell, prompt.direction) },
    ...(first ? shownReadings(prompt, first, shown, cell) : []),
    ...others.flatMap((metric) => {
      const grid = here.find((grid) => grid.metric === metric.name);
      return grid ? [{ label: metric.label, text: inOneLine(prompt, grid, shown.sample, cell) }] : [];
    }),
  ];
}

function layerText(component: Component, window: number, nLayers: number, { row, column }: Cell, direction: Folder["direction"]): string {
  const [start, end] = windowLayers(window, column, nLayers);
  const done = direction === "denoise" ? "restored" : "corrupted";
  const span = window > 1 ? `layers ${start} to ${end} ${done}, ` : "";
  return `${column} (${span}${siteName(component, column, row)})`;
}

function shownReadings(prompt: TracedPrompt, grid: Grid, { metric, sample }: Shown, cell: Cell): Reading[] {
  const { value, effect, improvement } = at(prompt, grid, sample, cell);
  const isProbability = metric.name === "probability";
  const patched = isProbability ? (prompt.direction === "denoise" ? "p*_site" : "p_site") : `${metric.label}, patched`;
  const unit = metric.unit && ` ${metric.unit}`;
  return [
    { label: patched, text: Number.isNaN(value) ? "not measured" : number(value) + unit },
    { label: "IE", text: effect + (effect && unit) },
    { label: "PI", text: improvement },
  ].filter(({ text }) => text !== "");
}

function inOneLine(prompt: TracedPrompt, grid: Grid, sample: number | null, cell: Cell): string {
  const { value, effect, improvement } = at(prompt, grid, sample, cell);
  return Number.isNaN(value) ? "not measured" : `${number(value)}, IE ${effect}, PI ${improvement}`;
}

function at(prompt: TracedPrompt, grid: Grid, sample: number | null, { row, column }: Cell) {
  const site = row * grid.n_layers + column;
  const of = (measure: Measure) => measured(grid, prompt.direction, measure, sample)[site] ?? Number.NaN;
  const value = of("value");
  const error = chosenSample(grid, sample) === null ? grid.noise_error[site] ?? Number.NaN : Number.NaN;
  const effect = Number.isNaN(value) ? "" : signed(of("effect")) + (Number.isNaN(error) ? "" : ` ± ${number(error)}`);
  return { value, effect, improvement: Number.isNaN(value) ? "" : signedPercent(of("improvement")) };
}

/** Small print of a prompt's picture. */
export function traceNote(grid: Grid, metric: MetricInfo, { answer, noise_level: noise }: Pick<PromptDetail, "answer" | "noise_level">, program: string): string[] {
  const [clean, corrupted] = metric.name === "probability" ? ["p", "p*"] : [metric.label, metric.label];
  const made = [
    ...(grid.n_samples > 0 ? [counted(grid.n_samples, "sample")] : []), ...(noise === null ? [] : [`noise level ${number(noise)}`]), program,
  ];
  const runs = `clean run ${clean} = ${number(grid.clean)}, corrupted ${corrupted} = ${number(grid.corrupted)}`;
  return [`answer “${answerLabel(answer)}”: ${runs}`, made.join(", ")];
}
