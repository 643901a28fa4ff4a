import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grid } from "./data.ts";
import { chosenSample, measured, totalEffect, unpatched } from "./effects.ts";

// One token, two layers, two samples: the numbers of core's own test of the formulas.
const grid: Grid = {
  component: "mlp", metric: "probability", n_layers: 2, n_samples: 2, clean: 0.75, corrupted: 0.375,
  corrupted_samples: Float32Array.of(0.25, 0.5),
  patched: Float32Array.of(0.625, 0.375), indirect_effect: Float32Array.of(0.25, 0), percent_improvement: Float32Array.of(0.75, 0),
  noise_error: Float32Array.of(0, 0), patched_samples: Float32Array.of(0.5, 0.75, 0.25, 0.5),
};

test("the mean is what was given", () => {
  assert.equal(measured(grid, "denoise", "effect", null), grid.indirect_effect);
  assert.equal(measured(grid, "noise", "value", null), grid.patched);
});

test("a sample's effect is counted from its own run", () => {
  assert.deepEqual([...measured(grid, "denoise", "value", 1)], [0.75, 0.5]);
  assert.deepEqual([...measured(grid, "denoise", "effect", 0)], [0.25, 0]);
  assert.deepEqual([...measured(grid, "denoise", "improvement", 0)], [0.5, 0]);
  assert.deepEqual([...measured(grid, "denoise", "improvement", 1)], [1, 0]);
  assert.deepEqual([...measured(grid, "noise", "effect", 0)], [-0.25, -0.5]);
  assert.deepEqual([unpatched(grid, "denoise", 0), unpatched(grid, "denoise", null), unpatched(grid, "noise", 0)], [0.25, 0.375, 0.75]);
});

test("a sample without a total effect counts zero", () => {
  const without = { ...grid, corrupted_samples: Float32Array.of(0.75, 0.5) };
  assert.deepEqual([...measured(without, "denoise", "improvement", 0)], [0, 0]);
});

test("where there are no samples, or fewer, the next best is shown", () => {
  assert.equal(chosenSample({ ...grid, patched_samples: null }, 1), null);
  assert.equal(chosenSample(grid, 99), 1);
  assert.equal(measured({ ...grid, patched_samples: null }, "denoise", "effect", 1), grid.indirect_effect);
});

test("a total effect that is only rounding is 0", () => {
  assert.equal(totalEffect({ clean: 0.3, corrupted: 0.1 + 0.2 }), 0);
  assert.equal(totalEffect({ clean: 0.25, corrupted: 0.125 }), 0.125);
  assert.equal(totalEffect({ clean: 1e-12, corrupted: 0 }), 1e-12);
});
