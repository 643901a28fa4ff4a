import assert from "node:assert/strict";
import { test } from "node:test";
import { count, counted, metricValue, number, percent, signed, signedPercent } from "./numbers.ts";

test("numbers have about three digits", () => {
  const values = [0, 0.1234, -0.5, 0.99961, 1, 2.345, -56.78, 345.6, 123456, 0.00123, 0.00012, -1e-9, Number.NaN];
  const expected = ["0", "0.123", "−0.500", "1.000", "1.000", "2.35", "−56.8", "346", "1.2e5", "0.0012", "1.2e-4", "−1.0e-9", "–"];
  assert.deepEqual(values.map(number), expected);
});

test("effects have a sign, and zero has none", () => {
  assert.deepEqual([0.25, -0.25, 0].map(signed), ["+0.250", "−0.250", "0"]);
  assert.deepEqual([0.5, -0.004, -0.0001, 0.0001, 1.234].map(signedPercent), ["+50 %", "−0.4 %", "0.0 %", "0.0 %", "+123 %"]);
  assert.equal(percent(Number.NaN), "–");
});

test("counts have their thousands apart", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.deepEqual([counted(1, "prompt"), counted(1200, "prompt")], ["1 prompt", "1,200 prompts"]);
  assert.deepEqual([metricValue("rank", 50257), metricValue("rank", 1.5)], ["50,257", "1.50"]);
});
