import assert from "node:assert/strict";
import { test } from "node:test";
import { LIVE, tokenize } from "../fixture/live.ts";
import { readView, START, writeView } from "../state.ts";
import { carried, isEarlier, problemsOf, readForm, requestOf, subjectOf, writeForm, type Form } from "./form.ts";

const FORM: Form = {
  prompt: "The Space Needle is in\n\"Seattle\" & more",
  subject: [1, 3],
  answer: 0,
  counterpart: "",
  settings: { ...LIVE.defaults, components: ["mlp", "attn"], window: 5, noise: "u1.5", metrics: ["rank"], direction: "noise" },
};

function problems(patch: Partial<Omit<Form, "settings">> & { settings?: Partial<Form["settings"]> }) {
  const form = { ...FORM, ...patch, settings: { ...FORM.settings, ...patch.settings } };
  return problemsOf(form, tokenize(form.prompt), tokenize(form.counterpart), LIVE);
}

test("a form comes back from the address", () => {
  for (const form of [FORM, { ...FORM, subject: null, answer: null, settings: LIVE.defaults }]) {
    const address = writeView({ ...START, tab: "live", ...writeForm(form, LIVE) });
    assert.deepEqual(readForm(readView(address), LIVE), form);
  }
});

test("an address without a prompt gives the example, one that cannot be read the defaults", () => {
  assert.deepEqual(readForm(START, LIVE), {
    prompt: LIVE.example?.prompt, subject: null, answer: null, counterpart: "", settings: LIVE.defaults,
  });
  const broken = { ...START, liveText: "x", liveSubject: "7-3", liveSettings: "window:0 samples:-1 seed:1e9 components:nothing direction:up : a" };
  assert.deepEqual(readForm(broken, LIVE), { prompt: "x", subject: null, answer: null, counterpart: "", settings: LIVE.defaults });
});

test("only what differs from the defaults is written", () => {
  assert.equal(writeForm(FORM, LIVE).liveSettings, "components:mlp,attn direction:noise noise:u1.5 window:5 metrics:rank".split(" ").sort(byOrder).join(" "));
  assert.equal(writeForm({ ...FORM, settings: LIVE.defaults }, LIVE).liveSettings, "");
});

function byOrder(one: string, other: string): number {
  const keys = Object.keys(LIVE.defaults);
  return keys.indexOf(one.split(":")[0] ?? "") - keys.indexOf(other.split(":")[0] ?? "");
}

test("a form without a problem has none", () => {
  assert.deepEqual(problems({}), {});
  for (const noise of ["s3", "0", ".5", "0.1", "1e-3", "u1.5", "t3", "m"]) assert.deepEqual(problems({ settings: { noise } }), {}, noise);
});

test("problems are said at the field concerned", () => {
  const fields = (patch: Parameters<typeof problems>[0]) => Object.keys(problems(patch));
  assert.deepEqual(fields({ prompt: "", subject: null }), ["prompt", "subject"]);
  assert.match(problems({ prompt: "é".repeat(1001) }).prompt ?? "", /2002 bytes.*at most 2000/);
  assert.match(problems({ prompt: " a".repeat(65) }).prompt ?? "", /65 tokens.*at most 64/);
  assert.deepEqual(fields({ settings: { components: [] } }), ["components"]);
  for (const noise of ["", "s", "-1", "t2", "t1.5", "x3", "3s", "mm"]) assert.deepEqual(fields({ settings: { noise } }), ["noise"], noise);
  assert.deepEqual(fields({ settings: { samples: 0, seed: -1, window: 2.5 } }), ["samples", "seed", "window"]);
  assert.deepEqual(fields({ settings: { samples: Number.NaN } }), ["samples"]);
  assert.deepEqual(fields({ settings: { corruption: "shuffle", noise: "" } }), []);
});

test("the other prompt must have as many tokens, and other ones", () => {
  const pair = { settings: { corruption: "pair" as const, samples: 0, noise: "" } };
  assert.match(problems({ ...pair }).counterpart ?? "", /Write/);
  assert.match(problems({ ...pair, counterpart: "two words" }).counterpart ?? "", /has 2 tokens.*prompt has \d+/);
});

test("the request has the marked subject or the guess, and one sample where nothing is drawn", () => {
  const tokens = tokenize(FORM.prompt);
  assert.deepEqual(subjectOf(FORM, tokens), [1, 3]);
  assert.deepEqual(subjectOf({ ...FORM, subject: null }, tokens), tokens.subject);
  assert.deepEqual(subjectOf({ ...FORM, subject: [1, 99] }, tokens), tokens.subject);
  const request = requestOf({ ...FORM, counterpart: "other", answer: 8 }, tokens, [1, 3]);
  assert.deepEqual([request.counterpart, request.answer, request.settings.samples], [null, 8, LIVE.defaults.samples]);
  assert.equal(requestOf({ ...FORM, answer: 99 }, tokens, [1, 3]).answer, null, "an answer of another prompt");
  const pair = requestOf({ ...FORM, counterpart: "other", settings: { ...FORM.settings, corruption: "pair", samples: 10 } }, tokens, [1, 3]);
  assert.deepEqual([pair.counterpart, pair.settings.samples], ["other", 1]);
});

test("what was marked stays marked while the rest of the prompt changes", () => {
  const before = tokenize("The big tower and the big house");
  const move = (marked: [number, number], text: string) => carried(marked, before, tokenize(text));
  assert.deepEqual(move([1, 3], "The big tower and"), [1, 3]);
  assert.deepEqual(move([1, 3], "Look at The big tower"), [3, 5]);
  assert.deepEqual(move([5, 6], "The big tower and so the big house"), [6, 7]);
  assert.equal(move([1, 3], "The small tower"), null);
  assert.equal(move([1, 3], ""), null);
});

test("a request is of an earlier form once anything that is asked for differs", () => {
  const tokens = tokenize(FORM.prompt);
  const form = { ...FORM, answer: tokens.top[1]?.id ?? null };
  const request = requestOf(form, tokens, [1, 3]);
  assert.ok(!isEarlier(request, form, tokens));
  assert.ok(!isEarlier(request, form, null), "while the tokens are asked for");
  assert.ok(isEarlier(request, { ...form, prompt: "another" }, null));
  assert.ok(isEarlier(request, { ...form, subject: [1, 2] }, tokens));
  assert.ok(isEarlier(request, { ...form, answer: null }, tokens));
  for (const known of [tokens, null]) assert.ok(isEarlier(request, { ...form, settings: { ...form.settings, seed: 2 } }, known));
});
