// What is compared: two sides, each a folder and a component, and the prompts that both have.

import type { Component, Folder, Grid, Metric, MetricInfo, PromptDetail, PromptRow, Report } from "../data.ts";
import { findFolder } from "../explorer.tsx";
import type { View } from "../state.ts";
import { visible } from "../token-text.tsx";
import { COMPONENT_NAMES } from "../words.ts";

export interface Side {
  folder: Folder;
  index: number;
  component: Component;
}

/** The two sides of a view. Without a choice the other side is another folder, or else another component. */
export function sidesOf(report: Report, view: Pick<View, "folder" | "component" | "otherFolder" | "otherComponent">): [Side, Side] | null {
  const first = findFolder(report, view.folder);
  if (!first) return null;
  const named = report.folders.findIndex((folder) => folder.name === view.otherFolder);
  const another = report.folders.findIndex((_, index) => index !== first.index);
  const index = named >= 0 ? named : another >= 0 ? another : first.index;
  const folder = report.folders[index] ?? first.folder;
  const component = has(first.folder, view.component) ?? first.folder.components[0]?.name;
  if (!component) return null;
  const same = has(folder, component) ?? folder.components[0]?.name;
  const next = folder.components.find((info) => info.name !== component)?.name ?? same;
  const other = has(folder, view.otherComponent) ?? (index === first.index && view.otherComponent === "same" ? next : same);
  return other ? [{ ...first, component }, { folder, index, component: other }] : null;
}

function has(folder: Folder, component: View["component"] | View["otherComponent"]): Component | undefined {
  return folder.components.find((info) => info.name === component)?.name;
}

/** What a side is called: what tells it from the other. */
export function sideName(side: Side, other: Side): string {
  const component = COMPONENT_NAMES[side.component];
  if (side.index === other.index) return component;
  return side.component === other.component ? side.folder.name : `${side.folder.name}, ${component}`;
}

/** A prompt of both sides. */
export interface CommonRow {
  first: PromptRow;
  second: PromptRow;
}

/** Prompts with the same id and text on both sides, in the order of the first. */
export function commonRows(first: Folder, second: Folder): CommonRow[] {
  const others = byId(second);
  return first.prompts.flatMap((row) => {
    const other = others.get(row.id);
    return other && other.prompt === row.prompt ? [{ first: row, second: other }] : [];
  });
}

/** Why a prompt is not among those of both sides, in words. */
export function whyNotCommon(id: number, first: Side, second: Side): string {
  const lacks = [first, second].find(({ folder }) => !byId(folder).has(id));
  if (lacks) return `${lacks.folder.name} has no prompt ${id}.`;
  return `Prompt ${id} is another text in ${second.folder.name} than in ${first.folder.name}.`;
}

function byId(folder: Folder): Map<number, PromptRow> {
  return new Map(folder.prompts.map((row) => [row.id, row]));
}

/** Why two sides' numbers of a prompt cannot be put side by side, in words; null where they can. */
export function whyNotComparable(first: PromptDetail, second: PromptDetail, grids: [Grid | undefined, Grid | undefined], names: [string, string]): string | null {
  const missing = grids.findIndex((grid) => grid === undefined);
  if (missing >= 0) return `This prompt was not traced for ${names[missing]}.`;
  const layers = grids.map((grid) => grid?.n_layers);
  if (layers[0] !== layers[1]) return `The models differ in depth: ${names[0]} has ${layers[0]} layers, ${names[1]} ${layers[1]}.`;
  const length = Math.max(first.tokens.length, second.tokens.length);
  const at = Array.from({ length }, (_, token) => token).find((token) => first.tokens[token] !== second.tokens[token]);
  if (at === undefined) return null;
  const [one, other] = [first, second].map(({ tokens }) => (tokens[at] === undefined ? "no token" : `“${visible(tokens[at])}”`));
  return `The two sides cut this prompt into different tokens: at position ${at}, ${names[0]} has ${one} and ${names[1]} ${other}.`;
}

/** Why two sides' numbers cannot be subtracted, in sentences; none where they can. */
export function whyNoDifference([first, second]: [Side, Side], [one, other]: [PromptDetail, PromptDetail], metric: Metric, names: [string, string]): string[] {
  const doing = ({ folder }: Side) => (folder.direction === "denoise" ? "restores clean states" : "corrupts clean states");
  const foil = (text: string | null) => (text === null ? "nothing" : `“${visible(text)}”`);
  const reasons: string[] = [];
  if (first.folder.direction !== second.folder.direction) {
    reasons.push(`The two sides patch in opposite directions: ${names[0]} ${doing(first)}, ${names[1]} ${doing(second)}. Each map has its own colour scale.`);
  }
  if (metric === "logit_difference" && one.foil !== other.foil) {
    reasons.push(`The two sides compare the answer’s logit with different foils: ${names[0]} with ${foil(one.foil)}, ${names[1]} with ${foil(other.foil)}.`);
  }
  return reasons;
}

/** Metrics that both folders have, as the first has them. */
export function commonMetrics(first: Folder, second: Folder): MetricInfo[] {
  return first.metrics.filter(({ name }) => second.metrics.some((metric) => metric.name === name));
}

/** The second values minus the first ones. */
export function differences(first: ArrayLike<number>, second: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: first.length }, (_, at) => (second[at] ?? Number.NaN) - (first[at] ?? Number.NaN));
}
