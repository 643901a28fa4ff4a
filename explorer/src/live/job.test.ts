import assert from "node:assert/strict";
import test from "node:test";
import type { JobShape, SiteEvent } from "../live.ts";
import { after, isOver, newJob, secondsLeft, type Job, type JobEvent } from "./job.ts";

const SHAPE: JobShape = {
  tokens: ["The", " tower", " is"],
  token_ids: [1, 2, 3],
  subject: [0, 2],
  counterpart_tokens: [],
  n_layers: 2,
  n_samples: 2,
  components: [
    { name: "residual", label: "residual", window: 1 },
    { name: "mlp", label: "mlp, window of 10 layers", window: 10 },
  ],
  noise_level: 0.25,
};
const BASELINE: JobEvent = {
  name: "baseline",
  data: {
    metrics: [
      { metric: "probability", clean: 0.75, corrupted: [0.125, 0.375] },
      { metric: "rank", clean: 1, corrupted: [4, 8] },
    ],
    answer: { id: 9, text: " Paris" },
    foil: " Rome",
  },
};

const started = (): Job => newJob({ job: "a1", command: "causal-trace trace" }, 1000);
const running = (): Job => after(started(), [{ name: "started", data: SHAPE }, BASELINE], 2000);

function sites(...sites: SiteEvent[]): JobEvent {
  return { name: "sites", data: { component: "mlp", metric: "probability", sites } };
}

const SITE: SiteEvent = {
  token: 1, layer: 1, patched: 0.5, indirect_effect: 0.25, percent_improvement: 0.5, noise_error: 0.0625, samples: [0.4375, 0.5625],
};

test("a job waits until those before it are through", () => {
  const waiting = after(started(), [{ name: "queued", data: { before: 2 } }], 1500);
  assert.deepEqual([waiting.phase, waiting.before], ["queued", 2]);
  const begun = after(waiting, [{ name: "queued", data: { before: 0 } }, { name: "started", data: SHAPE }], 1600);
  assert.deepEqual([begun.phase, begun.before], ["running", 0]);
});

test("the baseline brings a grid for every component and metric, with nothing measured", () => {
  const detail = running().detail;
  assert.ok(detail);
  assert.deepEqual([detail.answer, detail.foil, detail.noise_level], [" Paris", " Rome", 0.25]);
  assert.deepEqual(
    detail.grids.map((grid) => [grid.component, grid.metric, grid.clean, grid.corrupted]),
    [
      ["residual", "probability", 0.75, 0.25],
      ["residual", "rank", 1, 6],
      ["mlp", "probability", 0.75, 0.25],
      ["mlp", "rank", 1, 6],
    ],
  );
  for (const grid of detail.grids) {
    assert.equal(grid.patched.length, 6);
    assert.equal(grid.patched_samples?.length, 12);
    assert.ok([...grid.indirect_effect, ...(grid.patched_samples ?? [])].every(Number.isNaN));
  }
});

test("sites land where they belong, in their own grid", () => {
  const job = after(running(), [sites(SITE, { ...SITE, token: 2, layer: 0, noise_error: null })], 2100);
  const grids = job.detail?.grids ?? [];
  const mlp = grids[2];
  assert.ok(mlp);
  assert.deepEqual([...mlp.indirect_effect], [NaN, NaN, NaN, 0.25, 0.25, NaN]);
  assert.deepEqual([...mlp.noise_error], [NaN, NaN, NaN, 0.0625, NaN, NaN]);
  assert.deepEqual([...(mlp.patched_samples ?? [])].slice(6, 8), [0.4375, 0.5625]);
  for (const other of [0, 1, 3]) assert.ok(grids[other]?.patched.every(Number.isNaN));
});

test("a job that was shown is not changed by what comes later", () => {
  const before = running();
  const between = after(before, [sites(SITE)], 2100);
  const later = after(between, [sites({ ...SITE, layer: 0 }), sites({ ...SITE, token: 0 })], 2200);
  const known = (job: Job) => job.detail?.grids[2]?.patched.filter((value) => !Number.isNaN(value)).length;
  assert.deepEqual([before, between, later].map(known), [0, 1, 3]);
  assert.equal(between.detail?.grids[0], later.detail?.grids[0], "grids that nothing came for are not copied");
});

test("what is left is told by the pace so far", () => {
  const job = running();
  assert.equal(secondsLeft(job), null);
  assert.equal(secondsLeft(after(job, [{ name: "progress", data: { done: 25, total: 100 } }], 4000)), 6);
});

test("after its end nothing changes a job", () => {
  const ends: JobEvent[] = [
    { name: "done", data: { seconds: 3.5 } },
    { name: "failed", data: { error: "no memory" } },
    { name: "cancelled", data: {} },
  ];
  for (const end of ends) {
    const over = after(running(), [end], 3000);
    assert.equal(over.phase, end.name);
    assert.ok(isOver(over));
    assert.equal(after(over, [sites(SITE), { name: "queued", data: { before: 3 } }], 4000), over);
  }
  const done = after(running(), ends, 3000);
  assert.deepEqual([done.phase, done.seconds, done.error], ["done", 3.5, ""]);
});
