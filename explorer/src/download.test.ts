import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName } from "./download.ts";

test("file names are harmless", () => {
  assert.equal(fileName("gpt2-xl", "prompt", 12, "mlp"), "gpt2-xl-prompt-12-mlp");
  assert.equal(fileName("../../etc/passwd\u0000", null, "a b"), "etc-passwd-a-b");
  assert.equal(fileName("con:<>|\"?*"), "con");
  assert.equal(fileName("\u202egnp.exe"), "gnp.exe");
  assert.equal(fileName("résultats", "模型"), "résultats-模型");
  assert.equal(fileName("", "...", "///"), "causal-trace");
  assert.equal(fileName("x".repeat(500)).length, 100);
});
