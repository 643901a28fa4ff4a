import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture } from "../fixture.ts";
import { START, type View } from "../state.ts";
import { chosenRows, indexed, pageOf, tableComponent } from "./rows.ts";

const folder = fixture(40).report.folders[0];
assert.ok(folder);
const rows = indexed(folder, "residual");
const ids = (view: Partial<View>) => chosenRows(rows, { ...START, ...view }).map(({ row }) => row.id);

test("the first order is that of the facts", () => {
  assert.deepEqual(ids({}), folder.prompts.map((row) => row.id));
  assert.deepEqual(ids({ descending: true }), folder.prompts.map((row) => row.id).reverse());
});

test("every word is looked for, whatever its letters' size", () => {
  const found = chosenRows(rows, { ...START, search: " NEEDLE  seattle" });
  assert.ok(found.length > 0 && found.length < rows.length);
  assert.ok(found.every(({ row }) => row.prompt.includes("Needle") && row.answer === " Seattle"));
  assert.ok(ids({ search: "seattle space city" }).length > 0, "words that are not side by side, of prompt and answer");
  assert.deepEqual(ids({ search: "needle nowhere" }), []);
  assert.equal(ids({ search: "<script>" }).length, 1);
  assert.equal(ids({ search: ".*" }).length, 0);
});

test("filters let through what they name, and together all", () => {
  assert.deepEqual(ids({ prediction: "wrong" }), folder.prompts.filter((row) => !row.correct_prediction).map((row) => row.id));
  const late = chosenRows(rows, { ...START, pattern: "late_site" });
  assert.ok(late.length > 0 && late.every((row) => row.pattern === "late_site"));
  const patterns = ["last_subject", "second_to_last_subject", "other_subject", "late_site", "none"] as const;
  assert.equal(patterns.flatMap((pattern) => ids({ pattern })).length, rows.length);
});

test("numbers sort as numbers, texts as texts", () => {
  const effects = chosenRows(rows, { ...START, sort: "total_effect", descending: true }).map(({ row }) => row.total_effect);
  assert.deepEqual(effects, [...effects].sort((one, other) => other - one));
  const deciding = chosenRows(rows, { ...START, sort: "deciding" }).map((row) => row.deciding?.indirect_effect ?? 0);
  assert.deepEqual(deciding, [...deciding].sort((one, other) => one - other));
  const answers = chosenRows(rows, { ...START, sort: "answer" }).map(({ row }) => row.answer.trim());
  assert.ok(answers.indexOf("Athens") < answers.indexOf("Madrid") && answers.indexOf("Madrid") < answers.indexOf("Seattle"));
});

test("of all components the first has the deciding sites", () => {
  assert.equal(tableComponent(folder, "all"), "residual");
  assert.equal(tableComponent(folder, "mlp"), "mlp");
  assert.equal(tableComponent(folder, "resid_mid"), "residual");
});

test("a page that is not there is the last one", () => {
  assert.deepEqual(pageOf(0, 7), { page: 1, pages: 1 });
  assert.deepEqual(pageOf(101, 7), { page: 2, pages: 2 });
  assert.deepEqual(pageOf(100, 1), { page: 1, pages: 1 });
});
