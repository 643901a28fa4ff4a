import assert from "node:assert/strict";
import { test } from "node:test";
import type { PromptDetail } from "../data.ts";
import { fixture } from "../fixture.ts";
import { START } from "../state.ts";
import { commonRows, differences, sideName, sidesOf, whyNotComparable, whyNotCommon, type Side } from "./sides.ts";

const { report, details } = fixture(20);
const sides = (view: object, given = report) => {
  const found = sidesOf(given, { ...START, ...view });
  assert.ok(found);
  return found;
};
const said = (view: object, given = report) => sides(view, given).map((side) => `${side.folder.name}/${side.component}`);
const one = { ...report, folders: report.folders.slice(0, 1) };

test("without a choice the other side is another folder, or another component", () => {
  assert.deepEqual(said({}), ["demo-noise/residual", "demo-shuffle/residual"]);
  assert.deepEqual(said({ folder: "demo-shuffle", component: "mlp" }), ["demo-shuffle/mlp", "demo-noise/mlp"]);
  assert.deepEqual(said({}, one), ["demo-noise/residual", "demo-noise/mlp"]);
  assert.deepEqual(said({ component: "mlp" }, one), ["demo-noise/mlp", "demo-noise/residual"]);
  assert.equal(sidesOf({ ...report, folders: [] }, START), null);
});

test("what is chosen is compared, what is not there is not", () => {
  assert.deepEqual(said({ otherFolder: "demo-noise", otherComponent: "attn" }), ["demo-noise/residual", "demo-noise/attn"]);
  assert.deepEqual(said({ otherFolder: "gone", otherComponent: "resid_mid" }), ["demo-noise/residual", "demo-shuffle/residual"]);
});

test("sides are called by what tells them apart", () => {
  const names = (view: object) => {
    const [first, second] = sides(view);
    return [sideName(first, second), sideName(second, first)];
  };
  assert.deepEqual(names({}), ["demo-noise", "demo-shuffle"]);
  assert.deepEqual(names({ otherFolder: "demo-noise", otherComponent: "attn" }), ["residual", "attention"]);
  assert.deepEqual(names({ otherComponent: "mlp" }), ["demo-noise, residual", "demo-shuffle, MLP"]);
});

test("only prompts of the same id and text are common", () => {
  const [first, second] = sides({}) as [Side, Side];
  assert.equal(commonRows(first.folder, second.folder).length, 15);
  const other = { ...second, folder: { ...second.folder, prompts: second.folder.prompts.map((row) => (row.id === 3 ? { ...row, prompt: "another" } : row)) } };
  assert.ok(!commonRows(first.folder, other.folder).some((row) => row.first.id === 3));
  assert.match(whyNotCommon(3, first, other), /another text in demo-shuffle/);
  assert.match(whyNotCommon(17, first, second), /demo-shuffle has no prompt 17/);
});

test("what cannot be compared is said", () => {
  const detail = details[0]?.[0] as PromptDetail;
  const grid = detail.grids[0];
  const why = (second: PromptDetail, other = grid) => whyNotComparable(detail, second, [grid, other], ["A", "B"]);
  assert.equal(why(detail), null);
  assert.match(why({ ...detail, tokens: ["The", " other"] }) ?? "", /at position 1, A has “·Space” and B “·other”/);
  assert.match(why({ ...detail, tokens: detail.tokens.slice(0, 2) }) ?? "", /at position 2, .* B no token/);
  assert.match(why(detail, grid && { ...grid, n_layers: 48 }) ?? "", /A has 12 layers, B 48/);
  assert.match(whyNotComparable(detail, detail, [grid, undefined], ["A", "B"]) ?? "", /not traced for B/);
});

test("differences are the second minus the first", () => {
  assert.deepEqual([...differences([1, 2, Number.NaN], [0.5, 4, 1])], [-0.5, 2, Number.NaN]);
});
