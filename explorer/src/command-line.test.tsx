import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder } from "./command-line.tsx";

test("a command is cut after characters that turn its direction, and nowhere else", () => {
  assert.deepEqual(inOrder("causal-trace trace --prompt 'a b'"), ["causal-trace trace --prompt 'a b'"]);
  assert.deepEqual(inOrder("--prompt '\u202eab\u202c c' --out x"), ["--prompt '\u202e", "ab\u202c", " c' --out x"]);
  assert.equal(inOrder("\u2067\u2067بغداد").join(""), "\u2067\u2067بغداد");
});
