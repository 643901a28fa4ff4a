import assert from "node:assert/strict";
import { test } from "node:test";
import { spread } from "./spread.ts";

test("labels with room stay where they belong", () => {
  assert.deepEqual(spread([50, 10, 90], 12, 0, 100), [50, 10, 90]);
});

test("labels that would touch are moved apart around their middle", () => {
  assert.deepEqual(spread([50, 50, 10], 10, 0, 100), [45, 55, 10]);
  assert.deepEqual(spread([40, 45, 52], 10, 0, 100).map(Math.round), [36, 46, 56]);
});

test("labels stay within their bounds and in their order", () => {
  assert.deepEqual(spread([0, 1, 2], 10, 0, 100), [0, 10, 20]);
  assert.deepEqual(spread([99, 98], 10, 0, 100), [100, 90]);
  assert.deepEqual(spread([5, 5, 5], 60, 0, 100), [0, 50, 100]);
  assert.deepEqual(spread([], 10, 0, 100), []);
});

test("whatever is wanted, neighbours are at least the gap apart", () => {
  let state = 7;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 200; round++) {
    const wanted = Array.from({ length: 1 + Math.floor(random() * 8) }, () => random() * 120 - 10);
    const places = spread(wanted, 12, 0, 100).sort((one, other) => one - other);
    places.forEach((place, at) => {
      assert.ok(place >= -1e-9 && place <= 100 + 1e-9);
      if (at > 0) assert.ok(place - (places[at - 1] ?? 0) >= 12 - 1e-9, `${wanted}`);
    });
  }
});
