// The averages as maps: a row for each role, a column for each layer.

import type { ComponentInfo, ComponentSummary, Folder, MetricInfo, RoleTable, Summary } from "../data.ts";
import { divergingScale, effectScale, type ColorScale } from "../heat-map/color-scale.ts";
import type { HeatMapData, Reading } from "../heat-map/model.ts";
import { count, counted, number, percent, signed, signedPercent } from "../numbers.ts";
import type { Cell } from "../state.ts";
import { layerAxis, metricWithUnit } from "../words.ts";
import { ROLES } from "./roles.ts";
import { doing, hasIntervals, smallPrint, type AverageOf } from "./words.ts";

/** All that a map of a component is made from. */
export interface Averages {
  folder: Folder;
  component: ComponentInfo;
  metric: MetricInfo;
  summary: Summary;
  table: ComponentSummary;
}

/** The average indirect effect or the average percent improvement. */
export function averageMap({ folder, component, metric, summary, table }: Averages, of: AverageOf, cutoff: boolean): HeatMapData {
  const values = flat(of === "effect" ? table.average_indirect_effect : table.average_percent_improvement);
  const isEffect = of === "effect";
  const scale = isEffect || cutoff ? effectScale(component.name, metric.expected_sign, cutoff, values) : divergingScale(values);
  return {
    ...frame(folder, component, table, values, scale),
    title: `Average ${isEffect ? "indirect effect" : "percent improvement"} of ${doing(folder, component)}`,
    measure: isEffect ? `average IE (${metricWithUnit(metric)})` : "average PI (%)",
    format: isEffect ? signed : signedPercent,
    cutSign: cutoff ? metric.expected_sign : undefined,
    factor: isEffect ? 1 : 100,
    note: smallPrint(folder, summary),
  };
}

/** The share of prompts whose effect there goes in the wrong direction. */
export function wrongDirectionMap({ folder, component, metric, summary, table }: Averages): HeatMapData {
  const scale: ColorScale = { ramp: component.name, pale: 0, dark: 1, cutoff: false, root: false };
  return {
    ...frame(folder, component, table, flat(table.wrong_direction_share), scale),
    title: `Effects in the wrong direction, ${doing(folder, component)}`,
    measure: "share of prompts, %",
    format: percent,
    factor: 100,
    note: [`effect on ${metric.label}`, ...smallPrint(folder, summary)],
  };
}

function frame(folder: Folder, component: ComponentInfo, table: ComponentSummary, values: Float64Array, scale: ColorScale) {
  return {
    rows: ROLES.map((label) => ({ label })),
    rowKind: "name" as const,
    rowAxis: "role",
    columns: table.layers,
    columnAxis: layerAxis(component.name, folder.direction, component.window),
    values,
    noValue: "no token has this role",
    scale,
  };
}

/** What is known of a role in a layer. */
export function readAverage({ metric, summary, table }: Averages, { row, column }: Cell): Reading[] {
  const at = (of: RoleTable) => of[row]?.[column] ?? Number.NaN;
  const unit = metric.unit && ` ${metric.unit}`;
  const tokens = table.counts[row] ?? 0;
  if (tokens === 0) return [{ label: "layer", text: String(column) }, { label: "tokens", text: "none" }];
  const prompts = counted(table.prompt_counts[row] ?? 0, "prompt");
  const [improvement, spread] = [at(table.average_percent_improvement), at(table.sd_percent_improvement)];
  const interval = hasIntervals(summary) ? ` (95 % from ${number(at(table.ci95_low))} to ${number(at(table.ci95_high))})` : "";
  return [
    { label: "layer", text: String(column) },
    { label: "average effect", text: `${signed(at(table.average_indirect_effect))}${unit}${interval}` },
    { label: "deviation", text: `${number(at(table.sd_indirect_effect))} over ${counted(tokens, "token")} of ${prompts}` },
    { label: "improvement", text: `${signedPercent(improvement)} (deviation ${percent(spread)})` },
    { label: "noise error", text: number(at(table.noise_error)) },
    { label: "wrong direction", text: `${percent(at(table.wrong_direction_share))} of prompts` },
    { label: "peaks", text: `${count(table.peaks[row]?.[column] ?? 0)} of ${counted(summary.prompts, "prompt")}` },
  ];
}

function flat(table: RoleTable): Float64Array {
  return Float64Array.from(table.flat(), (value) => value ?? Number.NaN);
}
