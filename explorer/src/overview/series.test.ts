import assert from "node:assert/strict";
import { test } from "node:test";
import type { ComponentSummary, Folder } from "../data.ts";
import { fixture } from "../fixture.ts";
import { averageMap, readAverage, wrongDirectionMap, type Averages } from "./role-maps.ts";
import { bars, peakRoles, points, shares } from "./series.ts";

const { report } = fixture(20);
const folder = report.folders[0] as Folder;

function averages(change: (table: ComponentSummary) => void = () => undefined): Averages {
  const [summary, component, metric] = [structuredClone(folder.summaries[0]), folder.components[1], folder.metrics[0]];
  const table = component && summary?.components[component.name];
  if (!summary || !component || !metric || !table) throw new Error("the fixture has an mlp");
  change(table);
  return { folder, component, metric, summary, table };
}

test("a line has a point for every layer, with its interval", () => {
  const { table } = averages((table) => {
    table.average_indirect_effect[2]![3] = 0.5;
    [table.ci95_low[2]![3], table.ci95_high[2]![3]] = [0.25, 0.75];
    [table.average_percent_improvement[2]![3], table.ci95_low[2]![4]] = [0.125, null];
  });
  const at = (of: "effect" | "improvement", layer: number) => points(table, of).find((point) => point.role === 2 && point.layer === layer);
  assert.equal(points(table, "effect").filter(({ role }) => role === 2).length, table.layers);
  assert.deepEqual(at("effect", 3), { role: 2, layer: 3, value: 0.5, low: 0.25, high: 0.75 });
  assert.deepEqual(at("improvement", 3), { role: 2, layer: 3, value: 12.5, low: 12.5, high: 12.5 });
  assert.equal(at("effect", 4)?.low, at("effect", 4)?.value, "an unknown end is the value");
});

test("a role without tokens has no line and empty cells", () => {
  const all = averages((table) => {
    table.counts[1] = 0;
    table.average_indirect_effect[1] = table.average_indirect_effect[1]!.map(() => null);
  });
  assert.deepEqual([...new Set(points(all.table, "effect").map(({ role }) => role))], [0, 2, 3, 4, 5]);
  const map = averageMap(all, "effect", false);
  assert.ok(Array.from({ length: all.table.layers }, (_, layer) => map.values[all.table.layers + layer]).every(Number.isNaN));
  assert.deepEqual(readAverage(all, { row: 1, column: 3 }), [{ label: "layer", text: "3" }, { label: "tokens", text: "none" }]);
});

test("a cell reads average, interval, deviation, improvement, error, share and peaks", () => {
  const all = averages((table) => {
    table.average_indirect_effect[2]![3] = 0.5;
    [table.ci95_low[2]![3], table.ci95_high[2]![3], table.sd_indirect_effect[2]![3]] = [0.25, 0.75, 0.0625];
    [table.average_percent_improvement[2]![3], table.sd_percent_improvement[2]![3]] = [0.9, 0.1];
    [table.noise_error[2]![3], table.wrong_direction_share[2]![3], table.peaks[2]![3]] = [0.01, 0.2, 7];
    [table.counts[2], table.prompt_counts[2]] = [1200, 20];
  });
  assert.deepEqual(readAverage(all, { row: 2, column: 3 }).map(({ text }) => text), [
    "3", "+0.500 (95 % from 0.250 to 0.750)", "0.063 over 1,200 tokens of 20 prompts", "+90 % (deviation 10 %)", "0.010", "20 % of prompts", "7 of 20 prompts",
  ]);
});

test("maps have the colours of what they show", () => {
  const all = averages();
  assert.equal(averageMap(all, "effect", false).scale.ramp, "mlp");
  assert.equal(averageMap(all, "improvement", false).scale.ramp, "diverging");
  assert.deepEqual([averageMap(all, "improvement", true).scale.cutoff, averageMap(all, "improvement", true).factor], [true, 100]);
  const { pale, dark } = wrongDirectionMap(all).scale;
  assert.deepEqual([pale, dark], [0, 1]);
});

test("bars count what the table counts", () => {
  const { table } = averages((table) => (table.role_peaks[4]![2] = 99));
  assert.equal(bars(table, "prompt").reduce((sum, bar) => sum + bar.prompts, 0), table.peaks.flat().reduce((sum, count) => sum + count, 0));
  assert.deepEqual(bars(table, "role").find(({ role, layer }) => role === 4 && layer === 2), { role: 4, layer: 2, prompts: 99 });
});

test("shares of classes are of the prompts of a component", () => {
  const census = { ...folder.census, mlp: [{ class: "late_site" as const, prompts: 3 }, { class: "none" as const, prompts: 9 }], attn: [] };
  const of = shares({ ...folder, census }).filter(({ component }) => component > 0);
  assert.deepEqual(of, [{ component: 1, class: "late_site", prompts: 3, share: 0.25 }, { component: 1, class: "none", prompts: 9, share: 0.75 }]);
});

test("roles without a peak are told from the others", () => {
  const bar = (role: number, prompts: number) => ({ role, layer: 0, prompts });
  assert.deepEqual(peakRoles([bar(0, 0), bar(2, 3), bar(5, 1), bar(5, 0)]), { some: [2, 5], none: [0] });
  assert.deepEqual(peakRoles([bar(0, 0), bar(1, 0)]), { some: [0, 1], none: [] }, "an empty chart keeps its rows");
});
