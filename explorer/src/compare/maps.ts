// The three maps of a comparison: both sides on one colour scale, and the second minus the first.

import type { Grid, PromptDetail } from "../data.ts";
import { measured, unpatched, type Baseline } from "../effects.ts";
import { divergingScale, effectScale, range, type ColorScale } from "../heat-map/color-scale.ts";
import { valueAt, type HeatMapData, type Reading } from "../heat-map/model.ts";
import { BOTH_WAYS, formatOf, readSite, traceMap, traceNote, tracedPrompt, type Shown } from "../heat-map/trace-map.ts";
import type { Cell } from "../state.ts";
import { componentInfo, metricInfo, metricWithUnit } from "../words.ts";
import { differences, sideName, whyNoDifference, whyNotComparable, type Side } from "./sides.ts";

export interface ReadableMap {
  data: HeatMapData;
  read: (cell: Cell) => Reading[];
}

/** The difference is null where the numbers cannot be subtracted, for the reasons. */
export type ComparedMaps =
  | { problem: string }
  | { sides: [ReadableMap, ReadableMap]; difference: ReadableMap | null; reasons: string[]; baselines: [Baseline, Baseline] };

export function compareMaps(sides: [Side, Side], details: [PromptDetail, PromptDetail], shown: Shown, program: string): ComparedMaps {
  const [first, second] = sides;
  const names: [string, string] = [sideName(first, second), sideName(second, first)];
  const [left, right] = [gridOf(details[0], first, shown), gridOf(details[1], second, shown)];
  const problem = whyNotComparable(details[0], details[1], [left, right], names);
  if (problem !== null || !left || !right) return { problem: problem ?? "" };
  const traces: [Trace, Trace] = [
    { side: first, detail: details[0], grid: left, name: names[0] }, { side: second, detail: details[1], grid: right, name: names[1] },
  ];
  const reasons = whyNoDifference(sides, details, shown.metric.name, names);
  // Effects of opposite directions have opposite signs, and no scale suits both.
  const scale = first.folder.direction === second.folder.direction ? commonScale(traces, shown) : null;
  const maps: [ReadableMap, ReadableMap] = [sideMap(traces[0], shown, scale, program), sideMap(traces[1], shown, scale, program)];
  return { sides: maps, difference: reasons.length === 0 ? differenceMap(maps, names, shown) : null, reasons, baselines: [left, right] };
}

interface Trace {
  side: Side;
  detail: PromptDetail;
  grid: Grid;
  name: string;
}

function gridOf(detail: PromptDetail, side: Side, shown: Shown): Grid | undefined {
  return detail.grids.find((grid) => grid.component === side.component && grid.metric === shown.metric.name);
}

function sideMap({ side: { folder, component }, detail, grid, name }: Trace, asked: Shown, scale: ColorScale | null, program: string): ReadableMap {
  const shown = { ...asked, metric: metricInfo(folder, asked.metric.name) };
  const prompt = tracedPrompt(folder, detail);
  const { window } = componentInfo(folder, component);
  const data = traceMap({ prompt, grid, window, shown, scale, note: traceNote(grid, shown.metric, detail, program) });
  return {
    data: { ...data, title: name, note: [data.title, ...(data.note ?? [])].map((line) => `${name}: ${line}`) },
    read: (cell) => readSite(prompt, detail.grids, folder.metrics, component, window, shown, cell),
  };
}

/** One scale for both sides, in the first one's colours. */
function commonScale(traces: [Trace, Trace], { metric, measure, cutoff }: Shown): ColorScale {
  const [first] = traces;
  const values = traces.flatMap(({ side, grid }) => [...measured(grid, side.folder.direction, measure, null)]);
  if (measure !== "value") return effectScale(first.grid.component, metric.expected_sign, cutoff, values, BOTH_WAYS);
  const starts = traces.map(({ side, grid }) => unpatched(grid, side.folder.direction, null));
  const { low, high } = range([...values, ...starts], starts[0]);
  const [pale, dark] = metric.expected_sign > 0 ? [low, high] : [high, low];
  return { ramp: first.grid.component, pale, dark, cutoff: false, root: false };
}

function differenceMap([{ data: first }, { data: second }]: [ReadableMap, ReadableMap], names: [string, string], shown: Shown): ReadableMap {
  const values = differences(first.values, second.values);
  const unit = shown.measure === "improvement" ? "percentage points" : metricWithUnit(shown.metric);
  const data: HeatMapData = {
    ...first,
    title: `${names[1]} minus ${names[0]}`,
    columnAxis: first.columnAxis === second.columnAxis ? first.columnAxis : "layer",
    values,
    measure: `difference (${unit})`,
    format: formatOf(shown.measure === "improvement" ? "improvement" : "effect"),
    scale: divergingScale(values),
    cutSign: undefined,
    note: [...new Set([...(first.note ?? []), ...(second.note ?? [])])],
  };
  const read = (cell: Cell): Reading[] => [
    { label: "layer", text: String(cell.column) },
    { label: names[0], text: first.format(valueAt(first, cell)) },
    { label: names[1], text: second.format(valueAt(second, cell)) },
    { label: "difference", text: data.format(valueAt(data, cell)) },
  ];
  return { data, read };
}
