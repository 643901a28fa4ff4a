import assert from "node:assert/strict";
import { test } from "node:test";
import type { PromptDetail } from "../data.ts";
import { fixture } from "../fixture.ts";
import type { Shown } from "../heat-map/trace-map.ts";
import { START } from "../state.ts";
import { metricInfo } from "../words.ts";
import { compareMaps } from "./maps.ts";
import { sidesOf, type Side } from "./sides.ts";

const { report, details } = fixture(12);
const sides = sidesOf(report, START) as [Side, Side];
const pair = [details[0]?.[0], details[1]?.[0]] as [PromptDetail, PromptDetail];
const shown: Shown = { metric: metricInfo(sides[0].folder, "probability"), measure: "effect", cutoff: false, sample: null };

test("both sides have one scale, and the difference is white where they agree", () => {
  for (const measure of ["effect", "improvement", "value"] as const) {
    const maps = compareMaps(sides, pair, { ...shown, measure }, "program");
    assert.ok("sides" in maps);
    const [first, second] = maps.sides.map(({ data }) => data);
    assert.ok(first && second);
    assert.equal(first.scale, second.scale);
    const all = [...Array.from(first.values), ...Array.from(second.values)];
    assert.equal(Math.max(first.scale.pale, first.scale.dark), Math.max(...all));
    assert.ok(maps.difference);
    assert.equal(maps.difference.data.scale.ramp, "diverging");
    assert.equal(maps.difference.data.scale.pale, -maps.difference.data.scale.dark);
    assert.equal(maps.difference.data.values[7], Math.fround((second.values[7] ?? 0) - (first.values[7] ?? 0)));
  }
});

test("all numbers of a cell are read together", () => {
  const maps = compareMaps(sides, pair, shown, "program");
  assert.ok("sides" in maps);
  assert.ok(maps.difference);
  const readings = maps.difference.read({ row: 2, column: 1 });
  assert.deepEqual(readings.map(({ label }) => label), ["layer", "demo-noise", "demo-shuffle", "difference"]);
  const effect = pair[0].grids[0]?.indirect_effect[2 * 12 + 1] ?? 0;
  assert.equal(readings[1]?.text, `+${effect.toFixed(3)}`);
});

test("what cannot be compared is said", () => {
  const maps = compareMaps(sides, [pair[0], { ...pair[1], grids: [] }], shown, "program");
  assert.deepEqual(maps, { problem: "This prompt was not traced for demo-shuffle." });
});

test("logit differences with different foils are not subtracted", () => {
  const foils = [pair[0], { ...pair[1], foil: " Oslo" }] as [PromptDetail, PromptDetail];
  const logits = { ...shown, metric: metricInfo(sides[0].folder, "logit_difference") };
  const maps = compareMaps(sides, foils, logits, "program");
  assert.ok("sides" in maps);
  assert.equal(maps.difference, null);
  assert.match(maps.reasons.join(), /different foils: demo-noise with “·Boston”, demo-shuffle with “·Oslo”/);
  assert.equal(maps.baselines[0].clean, pair[0].grids.find(({ metric }) => metric === "logit_difference")?.clean);
  const others = compareMaps(sides, foils, shown, "program");
  assert.ok("sides" in others && others.difference, "the probability needs no foil");
});

test("where directions differ each side is cut off by its own sign", () => {
  const [first, second] = sides;
  const metrics = second.folder.metrics.map((metric) => ({ ...metric, expected_sign: -1 as const }));
  const turned: [Side, Side] = [first, { ...second, folder: { ...second.folder, direction: "noise", metrics } }];
  const maps = compareMaps(turned, pair, { ...shown, cutoff: true }, "program");
  assert.ok("sides" in maps);
  assert.equal(maps.difference, null);
  assert.match(maps.reasons.join(), /opposite directions/);
  assert.deepEqual(maps.sides.map(({ data }) => data.cutSign), [1, -1]);
  assert.deepEqual(maps.sides.map(({ data }) => Math.sign(data.scale.dark)), [1, -1]);
});

test("the small print of a picture says which side it is of", () => {
  const maps = compareMaps(sides, pair, shown, "program");
  assert.ok("sides" in maps);
  const note = maps.difference?.data.note ?? [];
  assert.ok(note.some((line) => line.startsWith("demo-noise: answer")) && note.some((line) => line.startsWith("demo-shuffle: answer")));
});
