import assert from "node:assert/strict";
import { test } from "node:test";
import type { Component, Grid, PromptDetail } from "../data.ts";
import { LIVE } from "../fixture/live.ts";
import { newJob, type Job } from "./job.ts";
import { announced, folderOf, largestEffect, seconds, standing, tracedParts } from "./outcome.ts";

const DETAIL = { tokens: ["a", " b", " c"] } as PromptDetail;

function grid(component: Component, effects: number[]): Grid {
  return { component, n_layers: 2, indirect_effect: Float32Array.from(effects) } as Grid;
}

test("the site with the largest effect is the first of the largest effects in the expected direction", () => {
  assert.deepEqual(largestEffect(DETAIL, grid("mlp", [0, 0.5, 0.25, 0.5, -0.75, 0]), 1, 1), { token: 0, layer: 1, text: "a", effect: 0.5 });
  assert.deepEqual(largestEffect(DETAIL, grid("mlp", [0, 0.5, 0.25, 0.5, -0.75, 0]), 1, -1), { token: 2, layer: 0, text: " c", effect: -0.75 });
  assert.equal(largestEffect(DETAIL, grid("mlp", [0, -0.5, 0, 0, 0, NaN]), 1, 1), null);
});

test("the trivial last site is none, where there is one", () => {
  const effects = [0, 0.25, 0, 0, 0.5, 1];
  const layerOf = (component: Component, window: number) => largestEffect(DETAIL, grid(component, effects), window, 1)?.effect;
  assert.equal(layerOf("residual", 1), 0.5);
  assert.equal(layerOf("residual", 3), 0.25, "a window that reaches the last layer");
  assert.equal(layerOf("attn", 1), 1);
  assert.equal(layerOf("resid_pre", 1), 1);
});

test("effects turn round where the direction does", () => {
  const shape = { n_layers: 2, components: [] } as unknown as Parameters<typeof folderOf>[2];
  const signs = (direction: "denoise" | "noise") =>
    folderOf(LIVE, { prompt: "", settings: { ...LIVE.defaults, direction, metrics: ["rank"] } } as unknown as Parameters<typeof folderOf>[1], shape)
      .metrics.map(({ name, expected_sign }) => [name, expected_sign]);
  assert.deepEqual(signs("denoise"), [["probability", 1], ["rank", -1]]);
  assert.deepEqual(signs("noise"), [["probability", -1], ["rank", 1]]);
});

test("a job's standing is said, and to a screen reader not more often than it should be", () => {
  const job = newJob({ job: "a", command: "" }, 0);
  const running = (done: number): Job => ({ ...job, phase: "running", progress: { done, total: 100 }, heard: 1000, detail: { grids: [{}] } as PromptDetail });
  assert.equal(standing({ ...job, before: 2 }), "Waiting: 2 other traces first.");
  assert.equal(standing(running(25)), "Measuring, about 3 s left.");
  assert.deepEqual([0, 10, 24, 25, 49, 99].map((done) => announced(running(done))), [
    "Measuring.", "Measuring.", "Measuring.", "25 % measured.", "25 % measured.", "75 % measured.",
  ]);
  assert.equal(announced({ ...running(100), phase: "done", seconds: 12.4 }), "Done in 12 s.");
  assert.deepEqual([0.5, 99.4, 150, 9000].map(seconds), ["0.500 s", "99 s", "3 min", "2 h 30 min"]);
});

test("the traced prompt's subject is the marked one", () => {
  const detail = (tokens: string[], subject: [number, number]) => ({ tokens, subject }) as PromptDetail;
  assert.deepEqual(tracedParts("The Needle is", detail(["The", " Need", "le", " is"], [1, 3])), ["The ", "Needle", " is"]);
  assert.deepEqual(tracedParts("a b a", detail(["a", " b", " a"], [2, 3])), ["a b", " a", ""], "the second of two");
  assert.deepEqual(tracedParts("a b a", null), ["a b a", "", ""]);
});
