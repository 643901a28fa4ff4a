import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grid, PromptDetail } from "../data.ts";
import { fixture } from "../fixture.ts";
import { metricInfo, siteName, windowLayers } from "../words.ts";
import { shownValue } from "./model.ts";
import { sharedScale } from "./shared-scale.ts";
import { readSite, traceMap, tracedPrompt, type Shown } from "./trace-map.ts";

const { report, details } = fixture(10);
const folder = report.folders[0];
const detail = details[0]?.[0] as PromptDetail;
assert.ok(folder);
const prompt = tracedPrompt(folder, detail);
const shown: Shown = { metric: metricInfo(folder, "probability"), measure: "effect", cutoff: false, sample: null };
const grid = detail.grids.find((grid) => grid.component === "mlp" && grid.metric === "probability") as Grid;
const map = (given: Partial<Shown>) => traceMap({ prompt, grid, window: 3, shown: { ...shown, ...given } });

test("a map says what it shows", () => {
  const data = map({});
  assert.equal(data.title, "Restoring MLP outputs, demo");
  assert.equal(data.columnAxis, "center of interval of 3 restored MLP layers");
  assert.equal(data.measure, "IE (probability)");
  assert.deepEqual(data.rows.map(({ mark }) => mark ?? ""), ["*", "*", "*", "", "", "", "", ""]);
  assert.equal(map({ measure: "value" }).measure, "p(Seattle)");
  assert.equal(map({ sample: 2 }).title, "Restoring MLP outputs, demo, sample 3 of 5");
  assert.equal(traceMap({ prompt: { ...prompt, direction: "noise" }, grid, window: 1, shown }).title, "Corrupting MLP outputs, demo");
});

test("probabilities are pale at the corrupted run's, of the shown sample", () => {
  assert.equal(map({ measure: "value" }).scale.pale, grid.corrupted);
  assert.equal(map({ measure: "value", sample: 1 }).scale.pale, grid.corrupted_samples[1]);
});

test("every metric is read at a site, the shown one first", () => {
  const site = 2 * grid.n_layers + 3;
  const logits = detail.grids.find((grid) => grid.component === "mlp" && grid.metric === "logit_difference") as Grid;
  const readings = readSite(prompt, detail.grids, folder.metrics, "mlp", 3, shown, { row: 2, column: 3 });
  assert.deepEqual(readings.map(({ label }) => label), ["layer", "p*_site", "IE", "PI", "logit difference"]);
  const text = readings.map(({ text }) => text);
  assert.equal(text[0], "3 (layers 2 to 4 restored, blocks.3.hook_mlp_out@2)");
  assert.equal(text[1], grid.patched[site]?.toFixed(3));
  assert.match(text[2] ?? "", new RegExp(`^\\+${grid.indirect_effect[site]?.toFixed(3)} ± 0\\.\\d+$`));
  assert.match(text[3] ?? "", /^\+\d+ %$/);
  assert.match(text[4] ?? "", new RegExp(`^${logits.patched[site]?.toFixed(2)}, IE \\+.* ± .*, PI \\+\\d+ %$`));
});

test("a sample has no error, and a site that is not measured no effect", () => {
  const [, , effect] = readSite(prompt, detail.grids, [shown.metric], "mlp", 3, { ...shown, sample: 0 }, { row: 2, column: 3 });
  assert.doesNotMatch(effect?.text ?? "", /±/);
  const empty = { ...grid, patched: grid.patched.map(() => Number.NaN) };
  const readings = readSite(prompt, [empty], [shown.metric], "mlp", 3, shown, { row: 2, column: 3 });
  assert.deepEqual(readings.slice(1), [{ label: "p*_site", text: "not measured" }]);
});

test("sites have the names that core gives them", () => {
  assert.equal(siteName("mlp", 12, 3), "blocks.12.hook_mlp_out@3");
  assert.equal(siteName("attn_severed", 0), "blocks.0.hook_resid_post (attention severed)");
  assert.deepEqual([windowLayers(10, 0, 48), windowLayers(10, 47, 48), windowLayers(1, 5, 12), windowLayers(3, 5, 12)], [
    [0, 4], [42, 47], [5, 5], [4, 6],
  ]);
});

test("the shared scale holds every prompt's effects", () => {
  const strongest = Math.max(...folder.prompts.map((row) => row.deciding[1]?.indirect_effect ?? 0));
  assert.equal(sharedScale(folder, "mlp", "probability", "effect")?.dark, strongest);
  assert.equal(sharedScale(folder, "residual", "probability", "effect")?.dark, Math.max(...folder.prompts.map((row) => row.total_effect)));
  assert.equal(sharedScale(folder, "mlp", "logit_difference", "improvement")?.dark, 1);
  assert.equal(sharedScale(folder, "mlp", "logit_difference", "effect"), null);
  const noising = { ...folder, metrics: folder.metrics.map((metric) => ({ ...metric, expected_sign: -1 as const })) };
  assert.deepEqual([sharedScale(noising, "mlp", "probability", "value")?.pale, sharedScale(noising, "mlp", "probability", "value")?.dark], [1, 0]);
});

test("a cutoff shows effects in the wrong direction as 0, and no others", () => {
  const shows = (data: ReturnType<typeof map>, values: number[]) => values.map((value) => shownValue(data, value));
  assert.deepEqual(shows(map({ cutoff: true }), [-0.25, 0.5, 0]), [0, 0.5, 0]);
  assert.deepEqual(shows(map({}), [-0.25]), [-0.25]);
  assert.deepEqual(shows(map({ cutoff: true, measure: "value" }), [-0.25]), [-0.25]);
  assert.deepEqual(shows(map({ cutoff: true, metric: { ...shown.metric, expected_sign: -1 } }), [-0.25, 0.5]), [-0.25, 0]);
});
