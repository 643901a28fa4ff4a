import assert from "node:assert/strict";
import { test } from "node:test";
import { isAnotherPlace, readView, START, writeView, type View } from "./state.ts";

const full: View = {
  tab: "compare",
  folder: "a & b=c #?+%",
  component: "attn_severed",
  metric: "kl_divergence",
  measure: "value",
  cutoff: true,
  sample: 0,
  scale: "shared",
  prompt: -7,
  cell: { row: 3, column: 11 },
  peaks: "role", form: "table",
  search: "שלום <script>\n\u0000",
  sort: "total_effect",
  descending: true,
  pattern: "late_site",
  prediction: "wrong",
  page: 4,
  otherFolder: "résultats",
  otherComponent: "mlp",
  liveText: "a & b", liveSubject: "2-5", liveAnswer: 17, liveCounterpart: "c=d", liveSettings: "window:5 noise:u1.5",
  theme: "dark",
};

test("every part of the view comes back from the address", () => {
  for (const name of Object.keys(START) as (keyof View)[]) {
    assert.notDeepEqual(full[name], START[name], `${name} is not tested`);
    const changed = { ...START, [name]: full[name] };
    assert.deepEqual(readView(writeView(changed)), changed);
  }
  assert.deepEqual(readView(writeView(full)), full);
});

test("the start is an empty address, and only what differs is written", () => {
  assert.equal(writeView(START), "");
  assert.equal(writeView({ ...START, tab: "prompts" }), "#prompts");
  assert.equal(writeView({ ...START, component: "mlp", prompt: 12 }), "#overview?component=mlp&prompt=12");
  assert.deepEqual(readView(""), START);
  assert.deepEqual(readView("#"), START);
});

test("what cannot be read is passed over", () => {
  for (const hash of ["#?", "#???", "#nonsense", "#overview?component=moon&page=0&page=-1&sample=-1&cell=1&cutoff=1",
    "#?prompt=1e3&prompt=2", "#?prompt=99999999999999999999", "#?cell=1.2.3", "#%zz?%=%&&=", "#__proto__?constructor=1"]) {
    assert.deepEqual(readView(hash), START, hash);
  }
  assert.deepEqual(readView("#prompts?component=moon&metric=logit"), { ...START, tab: "prompts", metric: "logit" });
});

test("another prompt is another place, another colour scale is not", () => {
  assert.ok(isAnotherPlace(START, { ...START, prompt: 1 }));
  assert.ok(!isAnotherPlace(START, { ...START, scale: "shared", search: "x", cell: { row: 0, column: 0 } }));
});
