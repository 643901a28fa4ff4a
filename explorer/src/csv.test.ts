import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "./csv.ts";

test("fields are quoted where they must be", () => {
  assert.equal(csv([["a", "b"], [1, -0.5], ["say \"no\", she\nsaid", null]]), "a,b\r\n1,-0.5\r\n\"say \"\"no\"\", she\nsaid\",\r\n");
  assert.equal(csv([[" Seattle", true, Number.NaN, 1e-7]]), "\" Seattle\",true,,1e-7\r\n");
});

test("no text is a formula", () => {
  for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", " =1", "\u0000=1"]) {
    assert.match(csv([[text]]), /^"?'/, JSON.stringify(text));
  }
  assert.equal(csv([["\tcmd"]]), "'\tcmd\r\n");
  assert.equal(csv([["a=b", "1-2"]]), "a=b,1-2\r\n");
});

test("null characters are shown", () => {
  assert.equal(csv([["a\u0000b"]]), "a␀b\r\n");
});
