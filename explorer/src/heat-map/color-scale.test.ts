import assert from "node:assert/strict";
import { test } from "node:test";
import {
  colorOf, countScale, cutoffScale, divergingScale, effectScale, scaleTicks, sequentialScale, valueScale,
} from "./color-scale.ts";
import { colorAt, css } from "./ramp.ts";
import { columnStep, roundTicks } from "./ticks.ts";

const VALUES = [-0.25, Number.NaN, 0.5, 0.125];

test("the ends and the classes of a ramp are met exactly", () => {
  assert.equal(css(colorAt("residual", 0)), "#fcfbfd");
  assert.equal(css(colorAt("mlp", 0.5)), "#74c476");
  assert.equal(css(colorAt("attn", 7)), "#67000d");
  assert.equal(css(colorAt("diverging", 0.5)), "#f7f7f7");
  assert.equal(css(colorAt("attn_severed", 1 / 16)), "#ffebe1");
});

test("every scale has its ends", () => {
  const ends = ({ pale, dark }: { pale: number; dark: number }) => [pale, dark];
  assert.deepEqual(ends(sequentialScale("mlp", 1, VALUES)), [-0.25, 0.5]);
  assert.deepEqual(ends(sequentialScale("mlp", 1, VALUES.slice(2))), [0, 0.5]);
  assert.deepEqual(ends(sequentialScale("mlp", -1, VALUES)), [0.5, -0.25]);
  assert.deepEqual(ends(cutoffScale("mlp", 1, VALUES)), [0, 0.5]);
  assert.deepEqual(ends(cutoffScale("mlp", -1, VALUES)), [0, -0.25]);
  assert.deepEqual(ends(divergingScale(VALUES)), [-0.5, 0.5]);
  assert.deepEqual(ends(valueScale("mlp", 1, 0.2, [0.1, 0.6])), [0.2, 0.6]);
  assert.deepEqual(ends(valueScale("mlp", -1, 0.2, [0.1, 0.6])), [0.2, 0.1]);
});

test("effects diverge where those in the wrong direction are clear", () => {
  assert.equal(effectScale("mlp", 1, false, [-0.3, 0.5]).ramp, "diverging");
  assert.equal(effectScale("mlp", 1, false, [-0.2, 0.5]).ramp, "mlp");
  assert.equal(effectScale("mlp", -1, false, [-0.2, 0.5]).ramp, "diverging");
  assert.equal(effectScale("mlp", 1, true, [-0.3, 0.5]).ramp, "mlp");
});

test("zero is pale when cut off and white when diverging", () => {
  const scale = cutoffScale("mlp", 1, VALUES);
  assert.deepEqual([-0.25, 0].map((value) => colorOf(scale, value)), ["#f7fcf5", "#f7fcf5"]);
  assert.equal(colorOf(scale, 0.5), "#00441b");
  assert.deepEqual([VALUES, [0]].map((values) => colorOf(divergingScale(values), 0)), ["#f7f7f7", "#f7f7f7"]);
  assert.equal(colorOf(countScale("mlp", [100]), 25), css(colorAt("mlp", 0.5)));
  assert.equal(colorOf(countScale("mlp", [0]), 0), "#f7fcf5");
});

test("the bar says what is cut off", () => {
  const labels = (sign: number) => scaleTicks(cutoffScale("mlp", sign, VALUES), 3).map((tick) => tick.label);
  assert.deepEqual(labels(1), ["≤0", "0.2", "0.4"]);
  assert.deepEqual(labels(-1), ["−0.2", "−0.1", "≥0"]);
  assert.deepEqual(scaleTicks(sequentialScale("mlp", 1, [0.5]), 3, 100), [
    { value: 0, label: "0" }, { value: 0.2, label: "20" }, { value: 0.4, label: "40" },
  ]);
});

test("ticks are round numbers within the scale", () => {
  const labels = (low: number, high: number, most: number) => roundTicks(low, high, most).map((tick) => tick.label);
  assert.deepEqual(labels(0.05, 0.72, 5), ["0.2", "0.4", "0.6"]);
  assert.deepEqual(labels(0, 1, 6), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
  assert.deepEqual(labels(0.0001, 0.0013, 4), ["5e-4", "1.0e-3"]);
  assert.deepEqual(labels(0.13, 0.18, 2), ["0.130", "0.180"]);
  assert.deepEqual(labels(0.3, 0.3, 5), ["0.300"]);
  assert.deepEqual(labels(-0.02, 0.07, 5), ["−0.02", "0", "0.02", "0.04", "0.06"]);
  assert.deepEqual(labels(0, 2.5e7, 4), ["0", "1e7", "2e7"]);
  assert.deepEqual(labels(Number.NaN, Number.NaN, 4), ["–"]);
});

test("columns are labelled by ones, twos, fives, tens", () => {
  assert.deepEqual([0.3, 1, 1.2, 3, 6, 12].map(columnStep), [1, 1, 2, 5, 10, 20]);
});
