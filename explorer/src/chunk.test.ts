import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeChunk } from "./chunk.ts";
import { encodeChunk } from "./fixture/chunk.ts";
import { fixture } from "./fixture.ts";

test("prompts come back from a chunk as they were", () => {
  const details = fixture(9).details[0] ?? [];
  const decoded = decodeChunk(encodeChunk(details).buffer as ArrayBuffer);
  assert.equal(decoded.length, 9);
  assert.deepEqual(decoded, details.map((detail) => ({ ...detail, grids: detail.grids.map((grid) => ({ ...grid })) })));
});
